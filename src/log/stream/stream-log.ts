// The log of all owners as an edge has it: the newest entries in memory, in the order of the stream, with the cursors that every other edge gives them.
// The state that clients see is folded from the same messages, in the same event-loop turn.
import { type Observable, Subject, type Subscription } from 'rxjs';
import { Broadcast } from '../../broadcast.js';
import type { Cursor } from '../../protocol/types.js';
import type { EventReader, LoggedEntry, LogStatus, Slice } from '../event-log.js';
import { MemoryLog } from '../memory-log.js';
import { Arrivals } from './arrivals.js';
import { CheckpointParts } from './checkpoint-parts.js';
import { Containment } from './containment.js';
import { StreamFollower } from './follow.js';
import { loadSources, type Window } from './load.js';
import { OFFSETS_PER_MESSAGE, placeEntries, readBody, type StreamBody } from './message.js';
import { OlderEntries } from './older-entries.js';
import type { SharedStream, StreamMessage, StreamState } from './port.js';
import {
  STREAM_LOG_DEFAULTS,
  type StreamFold,
  type StreamLogListener,
  type StreamLogOptions,
} from './stream-log-options.js';

type Part = Extract<StreamBody, { kind: 'part' }>;
type Entries = Extract<StreamBody, { kind: 'entries' }>;

export class StreamLog implements EventReader {
  readonly entries$: Observable<LoggedEntry>;
  readonly replaced$: Observable<void>;
  readonly #stream: SharedStream;
  readonly #fold: StreamFold;
  readonly #options: StreamLogOptions;
  readonly #listener: StreamLogListener;
  readonly #containment: Containment;
  readonly #entries = new Broadcast<LoggedEntry>();
  readonly #replacements$ = new Subject<void>();
  #memory: MemoryLog;
  #relay: Subscription | undefined;
  #follower: StreamFollower | undefined;
  /** By the followers before. */
  #filled = 0;
  /** Of checkpoints that are not whole, by source. */
  readonly #parts = new Map<string, CheckpointParts>();
  readonly #arrivals: Arrivals;
  #older: OlderEntries | undefined;
  /** After it the stream has every entry, as far as is known here. */
  #streamAfter = 0;
  /** Offset of the newest entry that is folded. */
  #folded = 0;
  /** Of the messages that are folded: while the stream is loaded, that of the log to come. */
  #foldedEpoch = '';
  /** In words, why the stream can't be read. */
  #failure: string | undefined;
  #isLoaded = false;
  #isClosed = false;

  constructor(
    stream: SharedStream,
    fold: StreamFold,
    options: Partial<StreamLogOptions> & Pick<StreamLogOptions, 'clock'>,
    listener: StreamLogListener = { failing: () => undefined, malformed: () => undefined },
  ) {
    this.#stream = stream;
    this.#fold = fold;
    this.#options = { ...STREAM_LOG_DEFAULTS, limits: {}, ...options };
    this.#listener = listener;
    this.#containment = new Containment((source, error) => listener.malformed(source, error));
    this.#arrivals = new Arrivals(options.clock, this.#options.awaitMs, () => options.clock.now() - this.lagMs);
    this.#memory = this.#newMemory('');
    this.entries$ = this.#entries.values$;
    this.replaced$ = this.#replacements$.asObservable();
  }

  /** Resolves when the state of every source is known, and new messages are followed. It does not reject: what fails is tried again. */
  async open(): Promise<void> {
    const { clock, retryMs } = this.#options;
    while (!this.#isClosed)
      try {
        await this.#load();
        return;
      } catch (error) {
        this.#follower?.end();
        this.#note(error);
        await new Promise<void>((resume) => clock.after(retryMs, resume));
      }
  }

  get epoch(): string {
    return this.#memory.epoch;
  }

  get head(): number {
    return this.#memory.head;
  }

  get cursor(): Cursor {
    return this.#memory.cursor;
  }

  /** The epoch is the stream's. */
  get begin(): number {
    return 0;
  }

  /** Of what is in memory, which may be full: what leaves it is read from the stream. */
  get status(): LogStatus {
    const evicted = { source: 0, entries: 0, bytes: 0, age: 0 };
    const unbounded = { maxEntries: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
    return { ...this.#memory.status, ...unbounded, evicted, isRetrying: this.#failure !== undefined };
  }

  /** Milliseconds since it was last certain that no message is missing. */
  get lagMs(): number {
    return this.#follower?.lagMs ?? 0;
  }

  /** Messages that the live path lost, and that were read. */
  get filled(): number {
    return this.#filled + (this.#follower?.filled ?? 0);
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Resolves when the log shows everything up to that offset, which may be that of an entry that is not for clients. */
  reached(offset: number): Promise<void> {
    return this.#folded >= offset ? Promise.resolve() : this.#arrivals.reached(offset);
  }

  retainsAfter(offset: number, wants: (source: string) => boolean): boolean {
    if (offset > this.head) return this.#arrivals.isExpected(offset);
    // Older entries are in the stream still.
    return this.#memory.retainsAfter(offset, wants) || offset >= this.#streamAfter;
  }

  readAfter(offset: number, limit: number): Slice {
    const { completeAfter } = this.#memory;
    if (offset < completeAfter && this.#older && offset >= this.#streamAfter)
      return this.#older.readAfter(offset, limit, completeAfter);
    if (offset <= this.head) return this.#memory.readAfter(offset, limit);
    return { entries: [], examined: offset, pending: this.#arrivals.reachedOrLate(offset) };
  }

  offsetBefore(...search: Parameters<EventReader['offsetBefore']>): ReturnType<EventReader['offsetBefore']> {
    return this.#memory.offsetBefore(...search);
  }

  evictedUpTo(wants: (source: string) => boolean): number {
    return this.#memory.evictedUpTo(wants);
  }

  offsetAt(time: number): number {
    return this.#memory.offsetAt(time);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#follower?.end();
    this.#relay?.unsubscribe();
    this.#arrivals.close();
    this.#entries.complete();
    this.#replacements$.complete();
  }

  async #load(): Promise<void> {
    const state = await this.#stream.state();
    const { epoch, lastSeq } = state;
    const follower = new StreamFollower(this.#stream, epoch, this.#options, {
      message: (message) => this.#take(message),
      replaced: () => void this.#reload(),
      failing: (error) => this.#note(error),
    });
    this.#filled += this.#follower?.filled ?? 0;
    this.#follower = follower;
    const memory = this.#newMemory(epoch);
    const histories = await loadSources(this.#stream, await this.#readWindow(memory, state), lastSeq);
    // In one turn, so that nobody is shown a part of it.
    this.#parts.clear();
    this.#fold.clear(epoch);
    this.#folded = lastSeq * OFFSETS_PER_MESSAGE;
    this.#evict(state.firstSeq);
    for (const [source, { lines, owner, messages, parts, problem }] of histories) {
      this.#containment.take(source, () => {
        if (problem) throw problem;
        this.#fold.restore(source, lines, owner);
      });
      this.#parts.set(source, parts);
      for (const { seq, body } of messages) this.#foldEntries(source, seq, body);
    }
    const { clock, retryMs } = this.#options;
    this.#older = new OlderEntries({
      ...{ stream: this.#stream, epoch, clock, retryMs },
      evicted: (firstSeq) => this.#evict(firstSeq),
      failing: (error) => this.#note(error),
    });
    this.#adopt(memory, lastSeq);
    this.#note(undefined);
    follower.begin(lastSeq);
    this.#isLoaded = true;
  }

  /** The newest messages, for who resumes. */
  async #readWindow(memory: MemoryLog, { firstSeq, lastSeq }: StreamState): Promise<Window> {
    const from = Math.max(firstSeq, lastSeq - this.#options.windowMessages + 1, 1);
    const messages = new Map<string, StreamMessage[]>();
    memory.beginAfter(from > 1 ? from * OFFSETS_PER_MESSAGE - 1 : 0);
    if (lastSeq >= from)
      await this.#stream.replay(from, lastSeq, (message) => {
        this.#insert(memory, message);
        const own = messages.get(message.source);
        if (own) own.push(message);
        else messages.set(message.source, [message]);
      });
    return { from, messages };
  }

  #adopt(memory: MemoryLog, lastSeq: number): void {
    const isAnother = this.#isLoaded;
    this.#relay?.unsubscribe();
    this.#memory = memory;
    this.#relay = memory.entries$.subscribe((entry) => this.#entries.next(entry));
    if (lastSeq === 0) memory.beginAfter(0);
    if (isAnother) this.#replacements$.next();
    this.#arrivals.arrived(this.#folded);
  }

  #evict(firstSeq: number): void {
    this.#streamAfter = firstSeq <= 1 ? 0 : firstSeq * OFFSETS_PER_MESSAGE - 1;
  }

  async #reload(): Promise<void> {
    this.#follower?.end();
    await this.open();
  }

  #take(message: StreamMessage): void {
    const body = readBody(message.body);
    // An answer may wait for a message that has no entries.
    this.#folded = Math.max(this.#folded, message.seq * OFFSETS_PER_MESSAGE);
    if (!body) this.#leaveOut(message);
    else if (body.kind === 'part') this.#takePart(message, body);
    else {
      this.#foldEntries(message.source, message.seq, body);
      this.#insert(this.#memory, message, body);
    }
    this.#arrivals.arrived(this.#folded);
  }

  #leaveOut({ source, seq }: StreamMessage): void {
    this.#containment.take(source, () => {
      throw new Error(`the message ${seq} has not the form of this version`);
    });
  }

  /** The fold goes on from each checkpoint: it has what an entry does not say, as after entries that an owner had to drop. */
  #takePart({ source, seq }: StreamMessage, part: Part): void {
    const parts = this.#parts.get(source) ?? new CheckpointParts();
    this.#parts.set(source, parts);
    const whole = parts.take(seq, part);
    if (whole) this.#containment.take(source, () => this.#fold.restore(source, whole.lines, part.owner));
  }

  #foldEntries(source: string, seq: number, body: Entries): void {
    this.#folded = Math.max(this.#folded, seq * OFFSETS_PER_MESSAGE + body.entries.length - 1);
    this.#containment.take(source, () => {
      for (const { draft, cursor } of placeEntries(source, this.#foldedEpoch, seq, body))
        this.#fold.entry(draft, cursor);
    });
  }

  #insert(memory: MemoryLog, { seq, source, time, body }: StreamMessage, read = readBody(body)): void {
    if (read?.kind !== 'entries') return;
    const ageMs = time === undefined ? 0 : Math.max(0, this.#options.clock.date() - time);
    for (const { draft, offset } of placeEntries(source, memory.epoch, seq, read))
      if (!draft.internal) memory.insert(draft, offset, ageMs);
  }

  #newMemory(epoch: string): MemoryLog {
    const { limits, clock } = this.#options;
    this.#foldedEpoch = epoch;
    return new MemoryLog({ limits, epoch, clock });
  }

  #note(error: unknown): void {
    const failure = error === undefined ? undefined : String(error);
    if (failure === this.#failure) return;
    this.#failure = failure;
    this.#listener.failing(error);
  }
}
