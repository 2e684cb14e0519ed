// A log whose entries are kept elsewhere: nothing is shown before the store has taken it. A failed batch is written again under the same id and
// before any later one. The waiting entries are bounded by bytes; beyond that the log fails for good, which ends its epoch.
import { NEVER, type Observable } from 'rxjs';
import { CLOCK, type Clock } from '../clock.js';
import type { EntryDraft } from '../protocol/draft.js';
import type { Cursor } from '../protocol/types.js';
import type { EventLog, LoggedEntry, LogStatus, Slice } from './event-log.js';
import type { MemoryLog } from './memory-log.js';

/** One write: all waiting entries up to {@link BATCH_ENTRIES}. Entries that were appended together are in the same batch. */
export interface Batch {
  /** Increases by one from batch to batch. A batch that is written again keeps its id, since the store may have taken it already. */
  id: number;
  drafts: readonly EntryDraft[];
}

export interface BatchStore {
  /** Rejects if the batch was not taken or if that can't be known. */
  write(batch: Batch): Promise<void>;
}

export interface StoredLogOptions {
  /** Milliseconds until a failed batch is written again. Default 1,000. */
  retryMs: number;
  /** Bytes of entries that wait for the store; beyond them the log fails. Default 64 MiB. */
  maxWaitingBytes: number;
  clock: Clock;
}
const DEFAULTS: StoredLogOptions = {
  retryMs: 1_000,
  maxWaitingBytes: 64 * 1024 * 1024,
  clock: CLOCK,
};

const BATCH_ENTRIES = 1_024;

/** Counted for an entry of the gateway's own, which comes without a size. */
const DRAFT_BYTES = 512;

/** One append. */
interface Waiting {
  drafts: readonly EntryDraft[];
  bytes: number;
  shown: (() => void) | undefined;
}

export class StoredLog implements EventLog {
  readonly entries$: Observable<LoggedEntry>;
  readonly failed: Promise<Error>;
  readonly replaced$ = NEVER;
  readonly #shown: MemoryLog;
  readonly #store: BatchStore;
  readonly #options: StoredLogOptions;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #nextId = 1;
  #isWriting = false;
  #isRetrying = false;
  #hasFailed = false;
  #lastError: unknown;
  #fail: (error: Error) => void = () => {};

  /** @param shown has the entries that the store has taken. */
  constructor(shown: MemoryLog, store: BatchStore, options: Partial<StoredLogOptions> = {}) {
    this.#shown = shown;
    this.#store = store;
    this.#options = { ...DEFAULTS, ...options };
    this.entries$ = shown.entries$;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  get epoch(): string {
    return this.#shown.epoch;
  }

  get head(): number {
    return this.#shown.head;
  }

  get cursor(): Cursor {
    return this.#shown.cursor;
  }

  get status(): LogStatus {
    return {
      ...this.#shown.status,
      waitingBytes: this.#waitingBytes,
      maxWaitingBytes: this.#options.maxWaitingBytes,
      isRetrying: this.#isRetrying,
    };
  }

  append(drafts: readonly EntryDraft[], shown?: () => void): void {
    if (this.#hasFailed) return;
    // Nothing waits and nothing is added, so everything appended is shown.
    if (drafts.length === 0 && this.#waiting.length === 0) return shown?.();
    let bytes = 0;
    for (const draft of drafts) bytes += draft.bytes ?? DRAFT_BYTES;
    this.#waiting.push({ drafts, bytes, shown });
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > this.#options.maxWaitingBytes) this.#end(`${this.#waitingBytes} bytes wait to be taken`);
    else if (!this.#isWriting) void this.#write();
  }

  get begin(): number {
    return this.#shown.begin;
  }

  retainsAfter(offset: number, wants: (source: string) => boolean): boolean {
    return this.#shown.retainsAfter(offset, wants);
  }

  readAfter(offset: number, limit: number): Slice {
    return this.#shown.readAfter(offset, limit);
  }

  offsetBefore(...search: Parameters<EventLog['offsetBefore']>): ReturnType<EventLog['offsetBefore']> {
    return this.#shown.offsetBefore(...search);
  }

  evictedUpTo(wants: (source: string) => boolean): number {
    return this.#shown.evictedUpTo(wants);
  }

  offsetAt(time: number): number {
    return this.#shown.offsetAt(time);
  }

  async close(): Promise<void> {
    await this.#shown.close();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0 && !this.#hasFailed) {
      const group = this.#group();
      await this.#take(group.flatMap(({ drafts }) => drafts));
      if (this.#hasFailed) return;
      this.#waiting.splice(0, group.length);
      for (const { drafts, bytes, shown } of group) {
        this.#waitingBytes -= bytes;
        this.#shown.append(drafts, shown);
      }
    }
    this.#isWriting = false;
  }

  /** The appends of the next batch. */
  #group(): readonly Waiting[] {
    let entries = 0;
    const end = this.#waiting.findIndex(({ drafts }) => {
      entries += drafts.length;
      return entries > BATCH_ENTRIES;
    });
    return this.#waiting.slice(0, end < 0 ? undefined : Math.max(1, end));
  }

  /** Resolves when the store has taken the entries, or the log has failed. */
  async #take(drafts: readonly EntryDraft[]): Promise<void> {
    if (drafts.length === 0) return;
    const batch = { id: this.#nextId++, drafts };
    while (!this.#hasFailed)
      try {
        await this.#store.write(batch);
        this.#isRetrying = false;
        return;
      } catch (error) {
        this.#lastError = error;
        this.#isRetrying = true;
        const { clock, retryMs } = this.#options;
        await new Promise<void>((resolve) => clock.after(retryMs, resolve));
      }
  }

  #end(why: string): void {
    this.#hasFailed = true;
    this.#waiting.length = 0;
    this.#fail(new Error(`the log takes nothing: ${why}`, { cause: this.#lastError }));
  }
}
