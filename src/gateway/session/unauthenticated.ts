// Connections that have not said yet who they are: each has some seconds, and of too many the oldest goes.
import type { Clock } from '../../clock.js';
import type { GatewayRecorder } from '../recorder.js';

export interface UnauthenticatedPeer {
  /** It has taken too long, or others need its place. */
  late(): void;
}

export class Unauthenticated {
  readonly #peers = new Map<UnauthenticatedPeer, () => void>();
  readonly #limits: { authenticateMs: number; unauthenticated: number };
  readonly #clock: Clock;
  readonly #recorder: Pick<GatewayRecorder, 'limited'>;

  constructor(
    limits: { authenticateMs: number; unauthenticated: number },
    clock: Clock,
    recorder: Pick<GatewayRecorder, 'limited'>,
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#recorder = recorder;
  }

  get size(): number {
    return this.#peers.size;
  }

  add(peer: UnauthenticatedPeer): void {
    const [oldest] = this.#peers.keys();
    if (oldest && this.#peers.size >= this.#limits.unauthenticated) {
      this.#recorder.limited('unauthenticated');
      this.#end(oldest);
    }
    this.#peers.set(
      peer,
      this.#clock.after(this.#limits.authenticateMs, () => this.#end(peer)),
    );
  }

  /** It has authenticated, or it has gone. */
  remove(peer: UnauthenticatedPeer): void {
    this.#peers.get(peer)?.();
    this.#peers.delete(peer);
  }

  #end(peer: UnauthenticatedPeer): void {
    this.remove(peer);
    peer.late();
  }
}
