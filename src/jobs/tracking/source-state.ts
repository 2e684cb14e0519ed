// What a source is, as its clients see it: up, connecting or down, and why. Every change is published once.
import type { DownReason, SourceInfo } from '../../protocol/types.js';
import type { RunStore } from './run-store.js';
import type { TrackOptions } from './track-options.js';

export interface SourceStateOptions {
  /** Milliseconds that nobody may listen before the runs of the source are lost. */
  lostAfterMs: number;
  /** Milliseconds of a monotonic clock. */
  monotonic: () => number;
  report: TrackOptions['report'];
}

/** With these nobody listens: if it stays so, QEMU has ended. Behind every other reason there may be a QEMU whose jobs run on. */
const NOBODY_LISTENS: readonly DownReason[] = ['absent', 'refused'];

export class SourceState {
  readonly #name: string;
  readonly #store: RunStore;
  readonly #options: SourceStateOptions;
  readonly #onLost: () => void;
  #info: SourceInfo;
  #lostTimer: NodeJS.Timeout | undefined;
  #stalledAt: number | undefined;

  /** @param onLost called when nobody has listened for `lostAfterMs`. */
  constructor(name: string, store: RunStore, options: SourceStateOptions, onLost: () => void) {
    this.#name = name;
    this.#store = store;
    this.#options = options;
    this.#onLost = onLost;
    this.#info = { name, state: 'connecting', since: store.timestamp() };
  }

  get info(): SourceInfo {
    return this.#info;
  }

  get isStalled(): boolean {
    return this.#stalledAt !== undefined;
  }

  /** Negotiated, and about to be asked for its jobs. */
  connected(qemu: string): void {
    this.#listens();
    this.#info = { name: this.#name, state: 'connecting', since: this.#info.since, qemu };
  }

  synced(jobs: number, qemu: string): void {
    this.#stalledAt = undefined;
    this.#store.tell('GATEWAY_SOURCE_SYNCED', { jobs });
    this.#info = { name: this.#name, state: 'up', since: this.#store.timestamp(), qemu };
  }

  /** @param lost a connection that stood has ended: published even where the reason is the same again. */
  down(reason: DownReason, lost = false): void {
    this.#stalledAt = undefined;
    const changed = this.#info.state !== 'down' || this.#info.reason !== reason;
    if (lost || changed) this.#store.tell('GATEWAY_SOURCE_DOWN', { reason });
    if (changed && reason === 'refused-query') this.#options.report(reason, {});
    if (changed) this.#info = { name: this.#name, state: 'down', reason, since: this.#store.timestamp() };
    if (!NOBODY_LISTENS.includes(reason)) this.#listens();
    else if (this.#lostTimer === undefined && this.#store.runs.size > 0)
      this.#lostTimer = setTimeout(() => {
        this.#lostTimer = undefined;
        this.#onLost();
      }, this.#options.lostAfterMs);
  }

  /** Connected, but QEMU's main loop does not answer; the connection is kept. @param waitedMs for an answer. */
  stalled(waitedMs: number): void {
    if (this.#stalledAt !== undefined) return;
    this.#stalledAt = this.#options.monotonic() - waitedMs;
    this.#info = { ...this.#info, reason: 'stalled', since: this.#store.timestamp() };
    this.#store.tell('GATEWAY_SOURCE_STALLED', { waitedMs });
    this.#options.report('stalled', { waitedMs });
  }

  responsive(): void {
    if (this.#stalledAt === undefined) return;
    const stalledMs = Math.round(this.#options.monotonic() - this.#stalledAt);
    this.#stalledAt = undefined;
    const { reason: _stalled, ...rest } = this.#info;
    this.#info = { ...rest, since: this.#store.timestamp() };
    this.#store.tell('GATEWAY_SOURCE_RESPONSIVE', { stalledMs });
    this.#options.report('responsive', { stalledMs });
  }

  close(): void {
    this.#listens();
  }

  #listens(): void {
    clearTimeout(this.#lostTimer);
    this.#lostTimer = undefined;
  }
}
