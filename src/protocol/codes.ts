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

/** After a code that is not here the client resumes. */
const RETRY: Readonly<Record<number, RetryPolicy>> = {
  1002: 'never',
  1003: 'never',
  1007: 'never',
  1008: 'never',
  1009: 'never',
  4401: 'new-credentials',
  4403: 'new-credentials',
  4408: 'after-delay',
  4429: 'after-delay',
};

/** The policy of a close code; after one that is not listed the client resumes. */
export const retryPolicy = (code: number): RetryPolicy => RETRY[code] ?? 'resume';

const CLOSE_NAMES = {
  1001: 'going away',
  1002: 'WebSocket protocol error',
  1003: 'binary message',
  1005: 'no code',
  1006: 'connection lost',
  1007: 'invalid UTF-8',
  1008: 'a message in too many parts',
  1009: 'message too big',
  1011: 'internal error',
  1012: 'drain: the gateway restarts',
  1013: 'overloaded',
  4401: 'unauthenticated',
  4403: 'forbidden',
  4408: 'no authentication in time',
  4429: 'rate limited',
  4508: 'no drain progress',
  4510: 'heartbeat lost',
} as const;
export type CloseCode = keyof typeof CLOSE_NAMES;

export const CLOSE_CODES: Readonly<Record<CloseCode, { readonly name: string; readonly retry: RetryPolicy }>> =
  // A client that only retries is bundled without the names.
  /* @__PURE__ */ Object.fromEntries(
    /* @__PURE__ */ Object.entries(CLOSE_NAMES).map(([code, name]) => [
      code,
      { name, retry: retryPolicy(Number(code)) },
    ]),
  ) as never;
