// The lock of one source or webhook: tried for until it is held, renewed while it is, and lost when it could not be renewed. The lock decides who tries;
// that only one member writes is decided by the stream, or the bucket of positions, which refuses all but one.
import type { Clock } from '../clock.js';
import type { Locks } from '../nats/index.js';

export interface LockOptions {
  clock: Clock;
  /** Milliseconds without a renewal after which another member may have the lock. */
  ttlMs: number;
  /** Milliseconds without a renewal after which it counts as lost: more than the servers of NATS need to elect a leader. */
  letGoMs: number;
}

export interface LockListener {
  held(): void;
  /** Another member has it, or may have: `expired` says that only the time says so, and NATS did not answer. */
  lost(why: 'taken' | 'expired'): void;
}

export class Lock {
  readonly #locks: Locks;
  readonly #name: string;
  readonly #member: string;
  readonly #options: LockOptions;
  readonly #listener: LockListener;
  #revision: number | undefined;
  #renewedAt = 0;
  #hasExpired = false;
  /** When NATS did not answer, the last time. */
  #failedAt = Number.NEGATIVE_INFINITY;
  /** The turn that is under way. */
  #turning: Promise<void> | undefined;
  #isEnded = false;
  readonly #stop: () => void;

  constructor(locks: Locks, name: string, member: string, options: LockOptions, listener: LockListener) {
    this.#locks = locks;
    this.#name = name;
    this.#member = member;
    this.#options = options;
    this.#listener = listener;
    this.#stop = options.clock.every(options.ttlMs / 3, () => this.#turn());
    this.#turn();
  }

  get isHeld(): boolean {
    return this.#revision !== undefined;
  }

  /** Tries at once, or after the attempt that is under way: its holder says that it has released it. */
  try(): void {
    this.#failedAt = Number.NEGATIVE_INFINITY;
    if (this.#turning) void this.#turning.then(() => this.#turn());
    else this.#turn();
  }

  /** Gives it up, to try again later. */
  drop(): void {
    this.#revision = undefined;
    this.#hasExpired = false;
  }

  /** Releases it, at once for others. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#stop();
    // A renewal that is under way has another revision when it is done.
    await this.#turning;
    const revision = this.#revision;
    this.#revision = undefined;
    // If NATS can't be reached it ends by itself.
    if (revision !== undefined) await this.#locks.release(this.#name, revision).catch(() => undefined);
  }

  #turn(): void {
    this.#expire();
    if (this.#turning || this.#isEnded) return;
    const asked = this.#options.clock.now();
    // Where NATS did not answer anybody, the member that had the lock is to have it again.
    if (this.#revision === undefined && asked - this.#failedAt < this.#options.ttlMs / 2) return;
    const turn = this.#revision === undefined ? this.#take(asked) : this.#renew(asked, this.#revision);
    this.#turning = turn
      .catch(() => {
        this.#failedAt = this.#options.clock.now();
      })
      .finally(() => {
        this.#turning = undefined;
      });
  }

  #expire(): void {
    const { clock, letGoMs } = this.#options;
    if (this.#revision === undefined || this.#hasExpired || clock.now() - this.#renewedAt <= letGoMs) return;
    this.#hasExpired = true;
    this.#listener.lost('expired');
  }

  async #take(asked: number): Promise<void> {
    const revision = await this.#locks.take(this.#name, this.#member);
    if (revision === undefined) return;
    if (this.#isEnded) return void this.#locks.release(this.#name, revision).catch(() => undefined);
    this.#revision = revision;
    this.#renewedAt = asked;
    this.#hasExpired = false;
    this.#listener.held();
  }

  async #renew(asked: number, revision: number): Promise<void> {
    const next =
      (await this.#locks.renew(this.#name, this.#member, revision)) ??
      // It has ended by itself, and nobody has taken it.
      (await this.#locks.take(this.#name, this.#member));
    if (this.#revision !== revision) return;
    this.#revision = next;
    this.#renewedAt = asked;
    if (next !== undefined) this.#hasExpired = false;
    else this.#listener.lost('taken');
  }
}
