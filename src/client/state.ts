// The state of the client's connection, as a closed union for applications that display it.

/** Why a connection ended. */
export type LineCause =
  /** The server closed; `code` is its close code. */
  | 'closed'
  /** The server sent `bye` first; `code` is that of the `bye`. */
  | 'bye'
  /** The connection was never opened. */
  | 'unreachable'
  /** No frame for 40 s. */
  | 'silent'
  /** A message that is not of this protocol. */
  | 'garbled'
  /** No answer to `authenticate` or `subscribe`. */
  | 'unanswered'
  /** The server refused the token. */
  | 'refused'
  /** The token function threw. */
  | 'token';

export interface LineEnd {
  cause: LineCause;
  /** Close code; 1006 where there was none. */
  code: number;
  detail: string;
  /** The delay that the server asked for, in milliseconds. */
  retryAfterMs?: number;
}

/** Why the client is closed for good. */
export type CloseReason = { cause: 'asked' } | LineEnd;

/** `attempt` counts from 0 and falls back to 0 after 10 s of health. Times are milliseconds since 1970. */
export type ClientState =
  | { phase: 'connecting'; attempt: number; reason?: LineEnd }
  | { phase: 'authenticating'; attempt: number }
  /** `epoch` is set with the first cursor; a changed one means that the gateway began a new log. */
  | { phase: 'open'; since: number; epoch?: string; principal?: string; scopes?: readonly string[] }
  | { phase: 'waiting'; attempt: number; retryAt: number; reason: LineEnd }
  | { phase: 'closed'; reason: CloseReason };
