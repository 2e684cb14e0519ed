// The messages to a tool that are the gateway's own, as QEMU writes them.
import { type QmpGreeting, stringifyJson } from '../qmp/index.js';
import type { ToolError } from './request.js';

export const greetingText = ({ version, capabilities }: QmpGreeting): string =>
  stringifyJson({ QMP: { version, capabilities } });

const idOf = (id: string | undefined): string => (id === undefined ? '' : `, "id": ${id}`);

/** @param id as JSON. */
export const emptyReturn = (id: string | undefined): string => `{"return": {}${idOf(id)}}`;

export const errorText = ({ class: name, desc }: ToolError, id: string | undefined): string =>
  `{"error": {"class": "${name}", "desc": ${JSON.stringify(desc)}}${idOf(id)}}`;

/** Before the negotiation, and for `qmp_capabilities` after it. */
export const NOT_NEGOTIATED: ToolError = {
  class: 'CommandNotFound',
  desc: "Expecting capabilities negotiation with 'qmp_capabilities'",
};
export const NEGOTIATED: ToolError = {
  class: 'CommandNotFound',
  desc: 'Capabilities negotiation is already complete, command ignored',
};

export const notFound = (name: string): ToolError => ({
  class: 'CommandNotFound',
  desc: `The command ${name} has not been found`,
});

export const refusedByPolicy = (name: string): ToolError => ({
  class: 'GenericError',
  desc: `refused by the gateway's policy: ${name}`,
});
