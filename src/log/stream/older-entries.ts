// Entries that have left the memory of an edge and that the stream still has: read in blocks, and kept for the clients that come along.
import type { Clock } from '../../clock.js';
import type { LoggedEntry, Slice } from '../event-log.js';
import { MemoryLog } from '../memory-log.js';
import { OFFSETS_PER_MESSAGE, placeEntries, readBody } from './message.js';
import type { SharedStream, StreamMessage } from './port.js';

/** Messages of a block, and blocks that are kept. */
const BLOCK = 256;
const BLOCKS = 64;

export interface OlderEntriesOptions {
  stream: SharedStream;
  epoch: string;
  clock: Clock;
  /** Milliseconds until a block that could not be read may be asked for again. */
  retryMs: number;
  /** Messages before that place have left the stream. */
  evicted: (firstSeq: number) => void;
  failing: (error: unknown) => void;
}

export class OlderEntries {
  readonly #options: OlderEntriesOptions;
  /** By their number; the one that was used last is at the end. */
  readonly #blocks = new Map<number, Block>();
  readonly #loading = new Map<number, Promise<void>>();

  constructor(options: OlderEntriesOptions) {
    this.#options = options;
  }

  /** Up to `limit` entries after `offset` and up to `before`, where another part of the log begins. */
  readAfter(offset: number, limit: number, before: number): Slice {
    const number = Math.floor((offset + 1) / OFFSETS_PER_MESSAGE / BLOCK);
    const block = this.#blocks.get(number);
    const end = Math.min(before, (number + 1) * BLOCK * OFFSETS_PER_MESSAGE - 1);
    if (!block || offset < block.after || end > block.upTo)
      return { entries: [], examined: offset, pending: this.#load(number) };
    this.#blocks.delete(number);
    this.#blocks.set(number, block);
    const from = block.entries.findIndex((entry) => entry.offset > offset);
    const rest = from < 0 ? [] : block.entries.slice(from, from + limit + 1).filter((entry) => entry.offset <= before);
    const entries = rest.slice(0, limit);
    return { entries, examined: rest.length > limit ? (entries.at(-1)?.offset ?? end) : end };
  }

  #load(number: number): Promise<void> {
    const loading = this.#loading.get(number) ?? this.#read(number).finally(() => this.#loading.delete(number));
    this.#loading.set(number, loading);
    return loading;
  }

  async #read(number: number): Promise<void> {
    const { stream, epoch, clock, retryMs, evicted, failing } = this.#options;
    const first = Math.max(1, number * BLOCK);
    const last = (number + 1) * BLOCK - 1;
    // Only their form as entries is needed of this log.
    const log = new MemoryLog({ epoch, clock, limits: UNLIMITED });
    try {
      const { lastSeq } = await stream.state();
      await stream.replay(first, Math.min(last, lastSeq), (message) => insert(log, epoch, message));
      // Messages that have left the stream before they were read are not taken for none.
      const { firstSeq, epoch: present } = await stream.state();
      if (present !== epoch) throw new Error('the stream was made anew');
      evicted(firstSeq);
      const after = Math.max(first, firstSeq) * OFFSETS_PER_MESSAGE - 1;
      const upTo = (Math.min(last, lastSeq) + 1) * OFFSETS_PER_MESSAGE - 1;
      this.#keep(number, {
        entries: log.readAfter(0, Number.POSITIVE_INFINITY).entries,
        after: first === 1 && firstSeq <= 1 ? 0 : after,
        upTo,
      });
    } catch (error) {
      failing(error);
      await new Promise<void>((resume) => clock.after(retryMs, resume));
    }
  }

  #keep(number: number, block: Block): void {
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size >= BLOCKS && oldest !== undefined) this.#blocks.delete(oldest);
    this.#blocks.set(number, block);
  }
}

/** Complete for the offsets after `after`, up to `upTo`. */
interface Block {
  readonly entries: readonly LoggedEntry[];
  readonly after: number;
  readonly upTo: number;
}

const UNLIMITED = {
  perSource: Number.POSITIVE_INFINITY,
  total: Number.POSITIVE_INFINITY,
  totalBytes: Number.POSITIVE_INFINITY,
  ageMs: Number.POSITIVE_INFINITY,
};

function insert(log: MemoryLog, epoch: string, { source, seq, body }: StreamMessage): void {
  const read = readBody(body);
  if (read?.kind !== 'entries') return;
  for (const { draft, offset } of placeEntries(source, epoch, seq, read))
    if (!draft.internal) log.insert(draft, offset, 0);
}
