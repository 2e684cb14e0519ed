// The first argument of every command: who calls, until when, and whether the caller is still there. It is not on the wire.
import type { Principal, Transport } from './access.js';

/** W3C Trace Context, as the caller has given it: it may be malformed. */
export interface TraceParent {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

export interface CallContext {
  /** The caller. */
  readonly principal: Principal;
  /** Of the client: {@link Transport.address}. */
  readonly address: Transport['address'];
  /** Milliseconds of `Clock.now` at which the request came in. */
  readonly receivedAt: number;
  /** Milliseconds of `Clock.now` at which the answer is due. */
  readonly deadline: number;
  /** Aborted when the connection closes or the POST is cancelled: waits end, and what was sent to QEMU stays in force. */
  readonly signal: AbortSignal;
  /** Calls of one owner wait for one another where few are served at a time. Default: `signal`, which is one for a connection. */
  readonly owner?: string | undefined;
  /** Names the call in a cluster, where it may be made again to another owner of the source. */
  readonly request?: string | undefined;
  /** What the caller does of which this call is a part. */
  readonly trace?: TraceParent | undefined;
}
