// The errors of the client: an error reply, or the end of a connection, as a GatewayError with a stable reason.
import type { ErrorReason } from '../protocol/codes.js';
import type { RpcErrorBody } from '../protocol/methods.js';

/** Errors that the client itself raises; their `code` is positive, the server's are negative. */
export const CLIENT_ERRORS = {
  /** The connection was lost after the request was sent, and the request may not be repeated: whether it was executed is unknown. */
  CONNECTION_LOST: 1,
  /** No answer within the bound, or never sent because there was no connection; `data.sent` says which. */
  NO_ANSWER: 2,
  /** Too many requests wait for a connection (the option `queue`, default 256). */
  QUEUE_FULL: 3,
  /** The request is over the server's limit of 32 KiB; nothing was sent. */
  TOO_LARGE: 4,
  /** The client is closed, by the application or for good by the server; `data.cause` says which. */
  CLIENT_CLOSED: 5,
  /** Events may be missing between `data.after` and `data.cursor`. */
  CONTINUITY_LOST: 6,
  /** An option is malformed; nothing was sent. */
  INVALID_OPTION: 7,
  /** The gateway lacks a feature that the request needs; nothing was sent. `data.feature` names what is missing in its `server.info.features`. */
  NOT_SUPPORTED: 8,
} as const;
export type ClientReason = keyof typeof CLIENT_ERRORS;

/** `string` admits the reasons of a later server. */
export type Reason = ErrorReason | ClientReason | (string & {});

/**
 * Every rejection of this library, but that of an `AbortSignal`, which is the signal's own reason. Branch on `reason`; `message` is for people.
 *
 * ```ts
 * await client.abort({ source: 'vm1', job: 'drive0' }).catch((error: GatewayError) => {
 *   if (error.reason !== 'JOB_NOT_FOUND') throw error;
 * });
 * ```
 */
export class GatewayError extends Error {
  override readonly name: string = 'GatewayError';
  readonly code: number;
  readonly reason: Reason;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: number, reason: Reason, message: string, data: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.data = data;
  }
}

/** The connection was lost after the request was sent: whether it was executed is unknown. */
export class ConnectionLost extends GatewayError {
  override readonly name = 'ConnectionLost';
  constructor(method: string) {
    super(CLIENT_ERRORS.CONNECTION_LOST, 'CONNECTION_LOST', `${method} was not answered: connection lost`, {
      method,
    });
  }
}

/** One of the client's own errors. */
export function clientError(reason: ClientReason, message: string, data?: Record<string, unknown>): GatewayError {
  return new GatewayError(CLIENT_ERRORS[reason], reason, message, data);
}

/** An error reply as a GatewayError. */
export function serverError(body: RpcErrorBody): GatewayError {
  const { reason = 'INTERNAL_ERROR', ...data } = body.data ?? ({} as NonNullable<RpcErrorBody['data']>);
  return new GatewayError(body.code, reason, body.message, data);
}
