// Reads a request from a parsed value, or gives the error that QEMU raises before it looks for the command.
import { fail, type QmpError } from './model.js';
import { Double, plain } from './parse.js';

export interface Request {
  execute: string;
  oob: boolean;
  arguments: Record<string, unknown>;
  /** Absent: the reply has none. */
  id?: unknown;
}

export type Read = { ok: true; request: Request } | { ok: false; error: QmpError; id?: unknown };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Double);

/** Never throws. Without negotiated `oob` the member exec-oob is as unexpected as any other. */
export function readRequest(value: unknown, oob: boolean): Read {
  if (!isObject(value)) return { ok: false, error: fail('QMP input must be a JSON object').error };
  const id = 'id' in value ? { id: plain(value.id) } : {};
  const refuse = (desc: string): Read => ({ ok: false, error: fail(desc).error, ...id });
  const verbs = ['execute', 'exec-oob'].filter((name) => name in value);
  for (const name of Object.keys(value)) {
    if (!['execute', 'arguments', 'id'].includes(name) && !(oob && name === 'exec-oob')) {
      return refuse(`QMP input member '${name}' is unexpected`);
    }
  }
  const [verb, other] = verbs;
  if (verb === undefined) return refuse("QMP input lacks member 'execute'");
  if (other !== undefined) return refuse("QMP input member 'execute' clashes with 'exec-oob'");
  const execute = value[verb];
  if (typeof execute !== 'string') return refuse(`QMP input member '${verb}' must be a string`);
  const given = 'arguments' in value ? value.arguments : {};
  if (!isObject(given)) return refuse("QMP input member 'arguments' must be an object");
  return { ok: true, request: { execute, oob: verb === 'exec-oob', arguments: given, ...id } };
}
