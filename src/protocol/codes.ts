// Error codes and close codes of the wire, each with its retry policy. Imports nothing.

export const SUBPROTOCOL = 'qmp-gateway.v1';

/** `error.code` by `error.data.reason`. */
export const ERROR_CODES = {
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL_ERROR: -32603,
  UNAUTHENTICATED: -32001,
  FORBIDDEN: -32003,
  SOURCE_NOT_FOUND: -32004,
  JOB_NOT_FOUND: -32004,
  TIMEOUT: -32008,
  JOB_STATE: -32009,
  STALE_RUN: -32010,
  UNSUPPORTED: -32011,
  RATE_LIMITED: -32029,
  SOURCE_DOWN: -32050,
  QMP_ERROR: -32051,
  OUTCOME_UNKNOWN: -32052,
  SOURCE_BUSY: -32053,
} as const;
export type ErrorReason = keyof typeof ERROR_CODES;

/** What a client does after a close code. */
export type RetryPolicy = 'resume' | 'after-delay' | 'new-credentials' | 'never';

export const CLOSE_CODES = {
  1001: { name: 'going away', retry: 'resume' },
  1002: { name: 'WebSocket protocol error', retry: 'never' },
  1003: { name: 'binary message', retry: 'never' },
  1005: { name: 'no code', retry: 'resume' },
  1006: { name: 'connection lost', retry: 'resume' },
  1007: { name: 'invalid UTF-8', retry: 'never' },
  1008: { name: 'a message in too many parts', retry: 'never' },
  1009: { name: 'message too big', retry: 'never' },
  1011: { name: 'internal error', retry: 'resume' },
  1012: { name: 'drain: the gateway restarts', retry: 'resume' },
  1013: { name: 'overloaded', retry: 'resume' },
  4401: { name: 'unauthenticated', retry: 'new-credentials' },
  4403: { name: 'forbidden', retry: 'new-credentials' },
  4408: { name: 'no authentication in time', retry: 'after-delay' },
  4429: { name: 'rate limited', retry: 'after-delay' },
  4508: { name: 'no drain progress', retry: 'resume' },
  4510: { name: 'heartbeat lost', retry: 'resume' },
} as const satisfies Record<number, { name: string; retry: RetryPolicy }>;
export type CloseCode = keyof typeof CLOSE_CODES;

/** The policy of a close code; after one that is not listed the client resumes. */
export function retryPolicy(code: number): RetryPolicy {
  return code in CLOSE_CODES ? CLOSE_CODES[code as CloseCode].retry : 'resume';
}
