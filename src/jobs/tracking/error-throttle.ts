// QEMU can raise 6,000 BLOCK_JOB_ERROR a second for one job (measured). Beyond `burst` in a window, for one run, operation and action, the log gets
// one entry a window, with `repeated`.
import type { Clock } from '../../clock.js';
import type { EntryDraft } from '../../protocol/draft.js';

export interface ThrottleOptions {
  /** Errors of one kind that pass in a window. */
  burst: number;
  /** Length of a window in milliseconds. */
  windowMs: number;
}
export const THROTTLE_DEFAULTS: ThrottleOptions = { burst: 10, windowMs: 1_000 };

interface Window {
  passed: number;
  held: { draft: EntryDraft; count: number } | undefined;
  /** Stops the timer that closes it. */
  stop: () => void;
}

/** QEMU has three actions and two operations. The combinations beyond that share one window. */
const MAX_KINDS = 16;

export class ErrorThrottle {
  readonly #options: ThrottleOptions;
  readonly #clock: Clock;
  readonly #pass: (draft: EntryDraft) => void;
  /** By run, then by operation and action. */
  readonly #windows = new Map<string, Map<string, Window>>();

  /** @param pass takes what was held back. */
  constructor(options: ThrottleOptions, clock: Clock, pass: (draft: EntryDraft) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#pass = pass;
  }

  /**
   * Whether an entry passes now. A BLOCK_JOB_ERROR beyond the burst is held back until its window closes, or {@link flush}; any other entry passes.
   */
  admits(draft: EntryDraft): boolean {
    if (draft.type !== 'BLOCK_JOB_ERROR' || !draft.job) return true;
    const { operation, action } = draft.data as { operation?: unknown; action?: unknown };
    const { run } = draft.job;
    const windows = this.#windows.get(run) ?? new Map<string, Window>();
    const named = `${operation} ${action}`;
    const kind = windows.size < MAX_KINDS || windows.has(named) ? named : '';
    const window = windows.get(kind);
    if (!window) {
      const stop = this.#clock.after(this.#options.windowMs, () => this.#close(run, kind));
      this.#windows.set(run, windows.set(kind, { passed: 1, held: undefined, stop }));
      return true;
    }
    if (window.passed < this.#options.burst && !window.held) {
      window.passed += 1;
      return true;
    }
    if (window.held) window.held.count += 1;
    else window.held = { draft, count: 1 };
    return false;
  }

  /** Passes what is held back, of one run or of all; the windows stay open. */
  flush(run?: string): void {
    const some = run === undefined ? [...this.#windows.values()] : [this.#windows.get(run)];
    for (const windows of some) for (const window of windows?.values() ?? []) this.#release(window);
  }

  close(): void {
    for (const [run, windows] of this.#windows) for (const kind of windows.keys()) this.#close(run, kind);
  }

  #close(run: string, kind: string): void {
    const windows = this.#windows.get(run);
    const window = windows?.get(kind);
    if (!windows || !window) return;
    window.stop();
    windows.delete(kind);
    if (windows.size === 0) this.#windows.delete(run);
    this.#release(window);
  }

  #release(window: Window): void {
    const { held } = window;
    window.held = undefined;
    if (held) this.#pass(held.count === 1 ? held.draft : { ...held.draft, repeated: held.count });
  }
}
