// The one exception of the log lane: QEMU can raise 6,000 BLOCK_JOB_ERROR a second for one job (measured). In: drafts of one source.
// Out: the same, but past `burst` in a window for one run, operation and action, one entry a window with `repeated`.
import type { EntryDraft } from '../protocol/draft.js';

export interface StormOptions {
  /** Errors of one kind that pass in a window. */
  burst: number;
  /** Milliseconds. */
  windowMs: number;
}
export const STORM_DEFAULTS: StormOptions = { burst: 10, windowMs: 1_000 };

interface Window {
  run: string;
  passed: number;
  held: { draft: EntryDraft; count: number } | undefined;
  timer: NodeJS.Timeout;
}

export class StormGate {
  readonly #options: StormOptions;
  readonly #pass: (draft: EntryDraft) => void;
  readonly #windows = new Map<string, Window>();

  constructor(options: StormOptions, pass: (draft: EntryDraft) => void) {
    this.#options = options;
    this.#pass = pass;
  }

  push(draft: EntryDraft): void {
    if (draft.type !== 'BLOCK_JOB_ERROR' || !draft.job) {
      // Whatever is told of a run comes after all that was raised before it.
      if (draft.job && this.#windows.size > 0) this.flush(draft.job.run);
      this.#pass(draft);
      return;
    }
    const { operation, action } = draft.data as { operation?: unknown; action?: unknown };
    const key = `${draft.job.run} ${operation} ${action}`;
    const window = this.#windows.get(key);
    if (!window) {
      const timer = setTimeout(() => this.#close(key), this.#options.windowMs);
      this.#windows.set(key, { run: draft.job.run, passed: 1, held: undefined, timer });
      this.#pass(draft);
    } else if (window.passed < this.#options.burst && !window.held) {
      window.passed += 1;
      this.#pass(draft);
    } else if (window.held) window.held.count += 1;
    else window.held = { draft, count: 1 };
  }

  /** Passes what is held of a run, or of all; the windows stay open. */
  flush(run?: string): void {
    for (const window of this.#windows.values()) if (run === undefined || window.run === run) this.#release(window);
  }

  close(): void {
    for (const [key, window] of this.#windows) {
      clearTimeout(window.timer);
      this.#windows.delete(key);
      this.#release(window);
    }
  }

  #close(key: string): void {
    const window = this.#windows.get(key);
    if (!window) return;
    this.#windows.delete(key);
    this.#release(window);
  }

  #release(window: Window): void {
    const { held } = window;
    window.held = undefined;
    if (held) this.#pass(held.count === 1 ? held.draft : { ...held.draft, repeated: held.count });
  }
}
