// One text message from a client as a request or its refusal: JSON-RPC 2.0 as docs/PROTOCOL.md narrows it. Pure.
import type { TraceParent } from '../../access/index.js';
import { type Refusal, refuse, refuseParams } from '../../protocol/answer.js';
import { LIMITS } from '../../protocol/limits.js';
import type { RpcId } from '../../protocol/methods.js';

export type Envelope =
  | { ok: true; id: RpcId; method: string; params: unknown; trace?: TraceParent }
  /** `id` is null where it could not be read. */
  | { ok: false; id: RpcId | null; error: Refusal };

const MEMBERS = ['jsonrpc', 'id', 'method', 'params', 'traceparent', 'tracestate'];

export function readEnvelope(text: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return {
      ok: false,
      id: null,
      error: refuse('PARSE_ERROR', error instanceof Error ? error.message : 'not JSON').error,
    };
  }
  const invalid = (id: RpcId | null, why: string): Envelope => ({
    ok: false,
    id,
    error: refuse('INVALID_REQUEST', why).error,
  });
  if (Array.isArray(value)) return invalid(null, 'batches are not supported; nothing was executed');
  if (typeof value !== 'object' || value === null) return invalid(null, 'a request is an object');
  const { jsonrpc, id, method, params = {}, traceparent, tracestate } = value as Record<string, unknown>;
  if (!isRpcId(id)) return invalid(null, `id must be a string of 1 to ${LIMITS.idLength} characters or a safe integer`);
  if (jsonrpc !== '2.0') return invalid(id, 'jsonrpc must be "2.0"');
  if (typeof method !== 'string') return invalid(id, 'method must be a string');
  const unknown = Object.keys(value).filter((key) => !MEMBERS.includes(key));
  if (unknown.length > 0) return invalid(id, `unknown member: ${unknown.join(', ').slice(0, 200)}`);
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    return { ok: false, id, error: refuseParams('params are named: an object').error };
  // One that is no text is ignored, as any that is malformed.
  if (typeof traceparent !== 'string') return { ok: true, id, method, params };
  const state = typeof tracestate === 'string' ? { tracestate } : {};
  return { ok: true, id, method, params, trace: { traceparent, ...state } };
}

function isRpcId(id: unknown): id is RpcId {
  return Number.isSafeInteger(id) || (typeof id === 'string' && id.length >= 1 && id.length <= LIMITS.idLength);
}
