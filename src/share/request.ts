// One message of a tool, read as QEMU reads it. Never throws. Numbers are not parsed, so that none is rounded.
import { isLosslessNumber } from 'lossless-json';
import { parseVerbatim, stringifyJson, type ToolCommand } from '../qmp/index.js';

export type Dict = Record<string, unknown>;

export interface ToolError {
  class: 'GenericError' | 'CommandNotFound';
  desc: string;
}

export type ToolRequest =
  /** `values`: the arguments; their numbers are of `lossless-json`. */
  | { kind: 'command'; command: ToolCommand; values: Dict }
  /** `id` as JSON. */
  | { kind: 'malformed'; error: ToolError; id: string | undefined };

const isDict = (value: unknown): value is Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);

/** Characters that QEMU refuses in a string, with an answer that has no id: lone surrogates, and code points that are no characters. */
const REFUSED = /[\p{Cs}\p{Noncharacter_Code_Point}]/u;

/** @param oob whether the tool has negotiated that capability. */
export function readRequest(text: string, oob: boolean): ToolRequest {
  const parsed = parseVerbatim(text);
  if (!parsed.ok) return malformed(`JSON parse error, ${parsed.error}`);
  const { value } = parsed;
  if (!isDict(value)) return malformed('QMP input must be a JSON object');
  if (hasRefused(value)) return malformed('JSON parse error, a string has what is no Unicode character');
  const id = 'id' in value ? stringifyJson(value.id) : undefined;
  const problem = problemOf(value, oob);
  if (problem !== undefined) return malformed(problem, id);
  const member = 'exec-oob' in value ? 'exec-oob' : 'execute';
  const { arguments: values } = value;
  const args = values === undefined ? undefined : stringifyJson(values);
  return {
    kind: 'command',
    command: { member, name: String(value[member]), args, id },
    values: isDict(values) ? values : {},
  };
}

function problemOf(value: Dict, oob: boolean): string | undefined {
  let command: string | undefined;
  for (const [name, each] of Object.entries(value)) {
    if (name === 'id') continue;
    if (name === 'arguments') {
      if (!isDict(each)) return "QMP input member 'arguments' must be an object";
    } else if (name === 'execute' || (name === 'exec-oob' && oob)) {
      if (typeof each !== 'string') return `QMP input member '${name}' must be a string`;
      if (command !== undefined) return `QMP input member '${name}' clashes with '${command}'`;
      command = name;
    } else return `QMP input member '${name}' is unexpected`;
  }
  return command === undefined ? "QMP input lacks member 'execute'" : undefined;
}

function hasRefused(value: unknown): boolean {
  if (typeof value === 'string') return REFUSED.test(value);
  if (Array.isArray(value)) return value.some(hasRefused);
  return isDict(value) && Object.entries(value).some(([name, each]) => REFUSED.test(name) || hasRefused(each));
}

const malformed = (desc: string, id?: string): ToolRequest => ({
  kind: 'malformed',
  error: { class: 'GenericError', desc },
  id,
});
