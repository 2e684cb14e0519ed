// The entries of one source on their way into the shared stream: one message at a time, each fenced by the one before it, so that of two owners of a
// source one is refused. Nothing is shown before the stream has taken it.
import { formatCursor } from '../../protocol/cursor.js';
import type { EntryDraft } from '../../protocol/draft.js';
import type { Cursor } from '../../protocol/types.js';
import { entriesBody, entryTexts, messageId, OFFSETS_PER_MESSAGE, partBody, partsOf } from './message.js';
import type { SharedStream } from './port.js';
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
    const { stream, source, listener } = this.#start;
    const { clock } = this.#options;
    const id = messageId(this.#epoch, this.#writer, ++this.#written);
    const begun = clock.now();
    while (!this.#isEnded) {
      try {
        const written = await stream.write({ source, body: body(), id, after: this.#last });
        const seq = written.kind === 'taken' ? written.seq : await this.#refused(id);
        if (this.#isEnded || seq === 'renewed') return undefined;
        this.#isRetrying = false;
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

  /** Why the stream refused a message: it has it already, its source's messages have all left the retention, or it has one of another owner. */
  async #refused(id: string): Promise<number | 'repeat' | 'renewed' | 'fenced'> {
    const { stream, source } = this.#start;
    if (await this.#isRenewed()) return 'renewed';
    const last = await stream.last(source);
    // Its acknowledgement was lost, and it was repeated after the stream had forgotten its id.
    if (last?.id === id) return last.seq;
    if (last) return 'fenced';
    this.#last = 0;
    return 'repeat';
  }

  /** Whether the stream was made anew: it refuses a place that it never had. */
  async #isRenewed(): Promise<boolean> {
    const { epoch } = await this.#start.stream.state();
    if (epoch === this.#epoch) return false;
    this.#epoch = epoch;
    this.#last = 0;
    this.#head = 0;
    this.#checkpoint = 0;
    this.#wantsCheckpoint = true;
    this.#start.listener.renewed(epoch);
    return true;
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
