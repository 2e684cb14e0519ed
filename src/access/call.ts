// What every command is given first: who asks, until when, and whether anybody can still hear the answer. It is not on the wire.
import type { Principal } from './access.js';

export interface CallContext {
  /** Who asks. */
  readonly principal: Principal;
  /** Of the peer, as its socket says; of a proxy's client the proxy's. */
  readonly address: string | undefined;
  /** Milliseconds of `Clock.now` at which the request came in. */
  readonly receivedAt: number;
  /** Milliseconds of `Clock.now` at which the answer is due. */
  readonly deadline: number;
  /** Aborted when the connection closes or the POST is given up: waits end, what was sent to QEMU stays in force. */
  readonly signal: AbortSignal;
}
