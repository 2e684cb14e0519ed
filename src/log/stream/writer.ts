// The entries of one source on their way into the shared stream: one message at a time, each fenced by the one before it, so that of two owners of a
// source one is refused. Nothing is shown before the stream has taken it.
import { formatCursor } from '../../protocol/cursor.js';
import type { EntryDraft } from '../../protocol/draft.js';
import type { Cursor } from '../../protocol/types.js';
import { entriesBody, entryTexts, messageId, OFFSETS_PER_MESSAGE, partBody, partsOf, writerOfId } from './message.js';
import type { SharedStream, StreamState } from './port.js';
import { WaitingEntries, type Written } from './waiting.js';
import type { WriterListener, WriterOptions } from './writer-options.js';

export interface WriterStart {
  stream: SharedStream;
  source: string;
  /** The member that writes. */
  owner: string;
  epoch: string;
  /** Of the newest message of the source. */
  last: number;
  /** The state of the source as the stream shows it. */
  save: () => Iterable<string>;
  listener: WriterListener;
  options: WriterOptions;
}

type Refusal = 'repeat' | 'renewed' | 'fenced';

/** Refusals in a row after which messages that the stream does not have are taken for lost: a server that has just come to lead may not show the newest. */
const LOST_AFTER = 5;

export class SourceWriter {
  readonly #start: WriterStart;
  readonly #options: WriterOptions;
  readonly #writer: string;
  #epoch: string;
  #last: number;
  #checkpoint = 0;
  #head = 0;
  readonly #waiting: WaitingEntries;
  #written = 0;
  #sinceCheckpoint = 0;
  /** Of the newest checkpoint. */
  #lines = 0;
  #wantsCheckpoint = true;
  #isWriting = false;
  #isRetrying = false;
  /** Whether the stream may have another epoch. */
  #isInDoubt = false;
  /** Refusals in a row by a stream that has less of the source than it has acknowledged. */
  #fewer = 0;
  #isEnded = false;
  /** Ends the wait before a message is written again. */
  #retry: (() => void) | undefined;
  #idle: (() => void)[] = [];
  readonly #stopTimer: () => void;

  /** The first message is a checkpoint, which refuses the owner before this one. */
  constructor(start: WriterStart) {
    this.#start = start;
    this.#options = start.options;
    this.#epoch = start.epoch;
    this.#last = start.last;
    this.#head = start.last * OFFSETS_PER_MESSAGE;
    const { clock, checkpointMs, maxWaitingBytes } = this.#options;
    this.#waiting = new WaitingEntries(clock, maxWaitingBytes);
    this.#writer = clock.token(6);
    this.#stopTimer = clock.every(checkpointMs, () => {
      if (this.#sinceCheckpoint > 0) this.checkpoint();
    });
    this.#begin();
  }

  /** Of the newest entry that the stream has. */
  get cursor(): Cursor {
    return formatCursor(this.#epoch, this.#head);
  }

  get status(): { waitingBytes: number; maxWaitingBytes: number; isRetrying: boolean } {
    const { maxWaitingBytes } = this.#options;
    return { waitingBytes: this.#waiting.bytes, maxWaitingBytes, isRetrying: this.#isRetrying };
  }

  /** Of its newest checkpoint; 0: it has written none. */
  get checkpointSeq(): number {
    return this.#checkpoint;
  }

  append(drafts: readonly EntryDraft[], shown?: () => void): void {
    if (this.#isEnded) return;
    if (drafts.length === 0 && this.#waiting.isEmpty && !this.#isWriting) return shown?.();
    this.#waiting.push(drafts, shown);
    this.#begin();
  }

  /** Writes the state of the source into the stream, so that messages before it may leave the retention. */
  checkpoint(): void {
    this.#wantsCheckpoint = true;
    this.#begin();
  }

  /** Tries again at once: the connection is back. */
  wake(): void {
    this.#retry?.();
  }

  /** What the stream says of itself, now and then: of another epoch a writer hears in no other way where its messages are taken. */
  seen({ epoch, lastSeq }: StreamState): void {
    if (epoch === this.#epoch && lastSeq >= this.#last) return;
    this.#isInDoubt = true;
    this.checkpoint();
  }

  /** Resolves when everything that was appended is in the stream, or can't be any more. */
  drained(): Promise<void> {
    if (this.#isEnded || (!this.#isWriting && this.#waiting.isEmpty)) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Nothing more is written. */
  end(): void {
    this.#isEnded = true;
    this.#stopTimer();
    this.#waiting.clear();
    this.#retry?.();
    this.#settleIdle();
  }

  #begin(): void {
    if (this.#isWriting || this.#isEnded) return;
    this.#isWriting = true;
    // All that the present callback appends, as of one piece of a monitor's bytes, goes into one message.
    this.#options.clock.next(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (!this.#isEnded && (this.#wantsCheckpoint || !this.#waiting.isEmpty)) {
      if (this.#wantsCheckpoint) await this.#writeCheckpoint();
      else await this.#writeEntries();
      if (!this.#isEnded) this.#closeGap();
    }
    this.#isWriting = false;
    this.#settleIdle();
  }

  #settleIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const each of idle) each();
  }

  async #writeEntries(): Promise<void> {
    const written: Written[] = [];
    for (const drafts of this.#waiting.next()) {
      const texts = entryTexts(drafts);
      const seq = await this.#put(() => entriesBody(this.#headOf(), texts));
      // The stream was made anew: the state of the source goes first.
      if (seq === undefined) return this.#waiting.putBack();
      written.push({ seq, count: texts.length });
      place(drafts, this.#epoch, seq);
      this.#sinceCheckpoint += texts.length;
    }
    // A large state is written less often, so that checkpoints stay a part of what is written.
    if (this.#sinceCheckpoint >= Math.max(this.#options.checkpointEntries, this.#lines)) this.#wantsCheckpoint = true;
    this.#waiting.taken(written, (seq, index) => {
      this.#head = seq * OFFSETS_PER_MESSAGE + index;
    });
  }

  async #writeCheckpoint(): Promise<void> {
    this.#wantsCheckpoint = false;
    const saved = [...this.#start.save()];
    this.#lines = saved.length;
    const parts = partsOf(saved);
    let first = 0;
    for (const [at, lines] of parts.entries()) {
      const isLast = at === parts.length - 1;
      const seq = await this.#put(() => partBody(this.#headOf(isLast ? first : 0), at + 1, parts.length, lines));
      // Ended, or the stream was made anew, and a checkpoint is wanted again.
      if (seq === undefined) return;
      if (at === 0) first = seq;
    }
    this.#checkpoint = first;
    this.#sinceCheckpoint = 0;
  }

  #headOf(checkpoint = 0): { owner: string; checkpoint: number } {
    return { owner: this.#start.owner, checkpoint: checkpoint || this.#checkpoint };
  }

  /** Resolves with the place of the message; `undefined`: nothing is written any more, or the stream was made anew. */
  async #put(body: () => string): Promise<number | undefined> {
    const { listener } = this.#start;
    const { clock } = this.#options;
    const id = messageId(this.#epoch, this.#writer, ++this.#written);
    const begun = clock.now();
    while (!this.#isEnded) {
      try {
        const seq = (this.#isInDoubt && (await this.#changed(id))) || (await this.#write(id, body()));
        if (this.#isEnded || seq === 'renewed') return undefined;
        this.#isRetrying = false;
        this.#fewer = 0;
        if (seq === 'repeat') continue;
        if (seq === 'fenced') {
          listener.fenced();
          this.end();
          return undefined;
        }
        this.#last = seq;
        listener.acknowledged(clock.now() - begun);
        return seq;
      } catch (error) {
        listener.failing(error, !this.#isRetrying);
        this.#isRetrying = true;
        await this.#pause();
      }
    }
    return undefined;
  }

  async #write(id: string, body: string): Promise<number | Refusal> {
    const { stream, source } = this.#start;
    const written = await stream.write({ source, body, id, after: this.#last });
    if (written.kind === 'taken') return written.seq;
    return (await this.#changed(id)) ?? (await this.#refused(id));
  }

  /** Why the stream refused a message: it has it already, it has none of its source any more, it has lost some, or it has one of another owner. */
  async #refused(id: string): Promise<number | Refusal> {
    const { stream, source } = this.#start;
    const last = await stream.last(source);
    // Its acknowledgement was lost, and it was repeated after the stream had forgotten its id.
    if (last?.id === id) return last.seq;
    const { lastSeq } = await stream.state();
    if ((last?.seq ?? lastSeq) < this.#last) return this.#lost(id);
    if (last) return 'fenced';
    // They have left the retention.
    this.#last = 0;
    return 'repeat';
  }

  /** Places that readers have seen are given out again, so that what they know of them must not count any more. */
  async #lost(id: string): Promise<number | Refusal> {
    const { stream, listener } = this.#start;
    this.#fewer += 1;
    if (this.#fewer < LOST_AFTER) throw new Error('the stream lacks messages that it had acknowledged');
    this.#fewer = 0;
    if ((await stream.renew(this.#epoch)) === 'renewed') return (await this.#changed(id)) ?? 'repeat';
    listener.reused();
    return 'fenced';
  }

  /** Whether the stream was made anew, or has lost messages and was given another epoch. */
  async #changed(id: string): Promise<number | Refusal | undefined> {
    const { stream, source, listener } = this.#start;
    const { epoch } = await stream.state();
    this.#isInDoubt = false;
    if (epoch === this.#epoch) return undefined;
    const last = await stream.last(source);
    if (last && writerOfId(last.id) !== this.#writer) return 'fenced';
    this.#epoch = epoch;
    this.#last = last?.seq ?? 0;
    this.#head = 0;
    this.#checkpoint = 0;
    this.#wantsCheckpoint = true;
    listener.renewed(epoch);
    return last?.id === id ? last.seq : 'renewed';
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#options.clock.after(this.#options.retryMs, () => this.#retry?.());
      this.#retry = () => {
        stop();
        this.#retry = undefined;
        resolve();
      };
    });
  }

  #closeGap(): void {
    const gap = this.#waiting.closeGap();
    if (!gap) return;
    const { source, listener } = this.#start;
    const time = Math.round(this.#options.clock.date() * 1_000);
    const data = { dropped: gap.dropped, since: new Date(gap.since).toISOString() };
    this.#waiting.push([...gap.kept, { source, type: 'GATEWAY_SOURCE_GAP', time, data }], undefined, false);
    this.#wantsCheckpoint = true;
    listener.gap(gap.dropped);
  }
}

/** Before the next message is made, which may refer to these. */
function place(drafts: readonly EntryDraft[], epoch: string, seq: number): void {
  for (const [index, { position }] of drafts.entries())
    if (position) position.cursor = formatCursor(epoch, seq * OFFSETS_PER_MESSAGE + index);
}
