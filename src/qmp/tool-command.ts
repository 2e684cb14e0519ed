// A command of another program (a tool) that is passed on to QEMU as text: its numbers are never parsed, so none is rounded.
import { isDict } from '../protocol/event-data.js';
import { parseVerbatim, stringifyJson } from './json.js';

export interface ToolCommand {
  /** `exec-oob` only where the session has the capability `oob`. */
  member: 'execute' | 'exec-oob';
  name: string;
  /** The arguments as JSON; `undefined`: none. */
  args: string | undefined;
  /** The tool's own id as JSON; `undefined`: none. */
  id: string | undefined;
}

/** `closed`, `busy`: as of `QmpReply`. */
export type ToolReply =
  /** `text`: QEMU's message with the tool's id. */
  | { kind: 'return'; text: string }
  | { kind: 'error'; class: string; desc: string; text: string }
  | { kind: 'closed'; sent: boolean }
  | { kind: 'busy' };

export function toolLine({ member, name, args }: ToolCommand, id: string): string {
  const given = args === undefined ? '' : `, "arguments": ${args}`;
  return `{"${member}": ${JSON.stringify(name)}${given}, "id": "${id}"}\r\n`;
}

/** @param text a reply of QEMU with the id `ours`, which has no character that JSON escapes. @param id as JSON; `undefined`: none. */
export function withId(text: string, ours: string, id: string | undefined): string {
  const [head = '', tail, more] = text.split(`"${ours}"`);
  // An id that occurs once is the message's own.
  if (tail !== undefined && more === undefined) {
    if (id !== undefined) return `${head}${id}${tail}`;
    const before = /,\s*"id"\s*:\s*$/.exec(head);
    if (before) return `${head.slice(0, before.index)}${tail}`;
  }
  const parsed = parseVerbatim(text);
  if (!parsed.ok || !isDict(parsed.value)) return text;
  const { id: _ours, ...rest } = parsed.value;
  const body = stringifyJson(rest);
  return id === undefined ? body : `${body.slice(0, -1)}, "id": ${id}}`;
}
