// One name under which a QEMU may connect, as the signals of a monitor. It has one connection at a time, and waits for the next without an end.
import { Observable, type Subscription } from 'rxjs';
import type { Clock } from '../../clock.js';
import type { DownReason } from '../../protocol/types.js';
import type { MonitorLost, QmpSession } from '../../qmp/index.js';
import type { MonitorSignal } from '../qmp/supervise.js';

export interface PlaceOptions {
  clock: Clock;
  /** Milliseconds without a connection after which nobody counts as there. */
  absentMs: number;
  /** What that means: on this host QEMU has ended, in a network there may be no way to it. */
  absence: DownReason;
  /** Whether a QEMU is connected that has not answered the negotiation: it may be the one of this name. */
  isAwaited: () => boolean;
}

export class Place {
  /** One subscriber at a time; unsubscribing closes the connection. */
  readonly monitor$: Observable<MonitorSignal>;
  readonly #options: PlaceOptions;
  /** By the monotonic clock: since when there is no connection. */
  #vacantSince: number;
  #emit: ((signal: MonitorSignal) => void) | undefined;
  #connection: Subscription | undefined;
  #stopWaiting: (() => void) | undefined;
  #isDown = false;

  constructor(options: PlaceOptions) {
    this.#options = options;
    this.#vacantSince = options.clock.now();
    this.monitor$ = new Observable((subscriber) => {
      this.#emit = (signal) => subscriber.next(signal);
      this.#connecting();
      this.#wait();
      return () => {
        this.#emit = undefined;
        this.#stopWaiting?.();
        this.#connection?.unsubscribe();
        this.#connection = undefined;
      };
    });
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Milliseconds for which nobody has been connected. */
  get vacantMs(): number {
    return this.isConnected ? 0 : this.#options.clock.now() - this.#vacantSince;
  }

  /** @param connection closes the session. @returns whether it is taken; else the caller closes it. */
  take(session: QmpSession, connection: Subscription): boolean {
    if (this.isConnected || !this.#emit) return false;
    this.#stopWaiting?.();
    this.#connection = connection;
    if (this.#isDown) this.#connecting();
    this.#emit({ kind: 'up', session });
    return true;
  }

  /** The connection has ended. */
  lose({ reason, message }: MonitorLost): void {
    this.#connection = undefined;
    this.#vacantSince = this.#options.clock.now();
    this.#down(reason, message);
    this.#wait();
  }

  #connecting(): void {
    this.#isDown = false;
    this.#emit?.({ kind: 'connecting', attempt: 1 });
  }

  #down(reason: DownReason, detail: string): void {
    this.#isDown = true;
    this.#emit?.({ kind: 'down', reason, detail, attempt: 1, retryInMs: 0 });
  }

  #wait(): void {
    const { clock, absentMs, absence, isAwaited } = this.#options;
    this.#stopWaiting = clock.after(absentMs, () => {
      if (!isAwaited()) return this.#down(absence, `${absence}: no QEMU has connected for ${absentMs} ms`);
      const detail = 'a QEMU is connected, but has not answered qmp_capabilities';
      this.#emit?.({ kind: 'waiting', reason: 'stalled', detail });
      this.#wait();
    });
  }
}
