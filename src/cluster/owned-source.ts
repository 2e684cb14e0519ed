// One source of an owner, from the lock to the last entry: locked, its state read from the stream, its first checkpoint written, then followed.
import type { Clock } from '../clock.js';
import { Restoration } from '../jobs/index.js';
import {
  loadSource,
  placeEntries,
  type SharedStream,
  type SourceHistory,
  SourceWriter,
  type WriterOptions,
} from '../log/index.js';
import type { Locks } from '../nats/index.js';
import type { EntryDraft } from '../protocol/draft.js';
import { Lock } from './lock.js';
import { Requests } from './requests.js';

export interface OwnedSourceOptions {
  source: string;
  member: string;
  stream: SharedStream;
  locks: Locks;
  clock: Clock;
  /** Milliseconds without a renewal after which another member may take the source. */
  ttlMs: number;
  letGoMs: number;
  /** Milliseconds until a failed start is tried again. */
  retryMs: number;
  writer: WriterOptions;
  /** Whether another member would take the source over. */
  hasStandby: () => boolean;
  /** The state of the source as the stream shows it, as lines. */
  save: () => Iterable<string>;
}

export interface OwnedSourceListener {
  /** The runs of before, before the source is followed. */
  restored(state: Restoration): void;
  /** The source is ours: it may be connected to. @param isTakenOver whether another member had it last. */
  owned(isTakenOver: boolean): void;
  /** What the owner before has written of the source is not what an owner writes: its jobs are taken for new ones. */
  unreadable(error: unknown): void;
  /** Another member has it, or may have it: nothing more may be done for it. */
  released(why: string): void;
  /** The stream refused a message, since another member had written. */
  fenced(): void;
  /** The stream has acknowledged a message, so many milliseconds after the first attempt to write it. */
  acknowledged(ms: number): void;
  /** So many entries were dropped. */
  gap(dropped: number): void;
  /** The stream has lost messages, whose places are given out again under the same epoch. */
  reused(): void;
  /** The stream could not be read or written, and is tried again. @param isFirst of a writer's tries in a row. */
  failing(error: unknown, isFirst: boolean): void;
}

export class OwnedSource {
  readonly #options: OwnedSourceOptions;
  readonly #listener: OwnedSourceListener;
  readonly #lock: Lock;
  #writer: SourceWriter | undefined;
  #requests = new Requests();
  #isOwned = false;
  #isStarting = false;
  #isEnded = false;

  constructor(options: OwnedSourceOptions, listener: OwnedSourceListener) {
    this.#options = options;
    this.#listener = listener;
    const { locks, source, member } = options;
    this.#lock = new Lock(locks, source, member, options, {
      held: () => void this.#start(),
      lost: (why) => this.#lost(why),
    });
  }

  get isOwned(): boolean {
    return this.#isOwned;
  }

  /** The calls of its commands. */
  get requests(): Requests {
    return this.#requests;
  }

  /** What becomes of the source, on the way into the stream. */
  append(drafts: readonly EntryDraft[], shown?: () => void): void {
    const now = this.#options.clock.date();
    for (const draft of drafts) this.#requests.entry(draft, now);
    this.#writer?.append(drafts, shown);
  }

  /** Present from before the first entry on. */
  get writer(): SourceWriter | undefined {
    return this.#writer;
  }

  /** Its holder has released it. */
  try(): void {
    if (!this.#lock.isHeld) this.#lock.try();
  }

  /** Everything is written, then the lock is released. @param boundMs milliseconds that it may take. */
  async end(boundMs: number): Promise<void> {
    this.#isEnded = true;
    const writer = this.#writer;
    if (writer) {
      writer.checkpoint();
      // A timer that is left would keep the process from ending.
      let stop = (): void => undefined;
      const late = new Promise<void>((resolve) => {
        stop = this.#options.clock.after(boundMs, resolve);
      });
      await Promise.race([writer.drained(), late]);
      stop();
      writer.end();
    }
    await this.#lock.end();
  }

  async #start(): Promise<void> {
    if (this.#isStarting) return;
    this.#isStarting = true;
    const { clock, retryMs } = this.#options;
    while (this.#lock.isHeld && !this.#isOwned && !this.#isEnded) {
      try {
        await this.#open();
      } catch (error) {
        this.#listener.failing(error, true);
      }
      if (!this.#isOwned) await new Promise<void>((resume) => clock.after(retryMs, resume));
    }
    this.#isStarting = false;
  }

  async #open(): Promise<void> {
    const { stream, source, member, save, clock, writer: options } = this.#options;
    const { epoch } = await stream.state();
    const history = await loadSource(stream, source);
    if (!this.#lock.isHeld || this.#isEnded) return;
    const { state, requests } = this.#read(history, epoch);
    this.#requests = requests;
    const all = (): Iterable<string> => [...save(), ...requests.save(clock.date())];
    const writer = new SourceWriter({
      ...{ stream, source, owner: member, epoch, last: history.last, save: all, options },
      listener: {
        fenced: () => this.#fenced(writer),
        acknowledged: (ms) => this.#listener.acknowledged(ms),
        gap: (dropped) => this.#listener.gap(dropped),
        renewed: () => undefined,
        reused: () => this.#listener.reused(),
        failing: (error, isFirst) => this.#listener.failing(error, isFirst),
      },
    });
    this.#writer = writer;
    this.#listener.restored(state);
    await writer.drained();
    if (this.#writer !== writer || !this.#lock.isHeld || this.#isEnded) return;
    this.#isOwned = true;
    this.#listener.owned(history.owner !== undefined && history.owner !== member);
  }

  /** An owner before that was taken must not keep the source from its next: nothing is then known of its runs. */
  #read({ lines, messages, problem }: SourceHistory, epoch: string): { state: Restoration; requests: Requests } {
    const { source, clock } = this.#options;
    const [state, requests] = [new Restoration(source), new Requests()];
    try {
      if (problem) throw problem;
      for (const line of lines) {
        state.line(line);
        requests.line(line);
      }
      for (const { seq, body } of messages)
        for (const { draft, cursor } of placeEntries(source, epoch, seq, body)) {
          state.apply({ ...draft, cursor });
          requests.entry(draft, clock.date(), cursor);
        }
      return { state, requests };
    } catch (error) {
      this.#listener.unreadable(error);
      return { state: new Restoration(source), requests: new Requests() };
    }
  }

  /** Another member has written: it has the lock by now, or has had it. */
  #fenced(writer: SourceWriter): void {
    if (this.#writer !== writer) return;
    const wasOwned = this.#isOwned;
    this.#listener.fenced();
    this.#release('another member writes for it');
    // What was taken from this member is not taken back, although it has not heard yet that its lock is gone. Before it was this member's own, the
    // owner before it has written a last time.
    if (wasOwned) this.#lock.drop();
    else if (this.#lock.isHeld) void this.#start();
  }

  #lost(why: 'taken' | 'expired'): void {
    // Nobody else would have it, and the stream would refuse one of two: the monitor is read on, so that nothing is lost.
    if (why === 'expired' && !this.#options.hasStandby()) return;
    if (why === 'expired') this.#lock.drop();
    this.#release(why === 'taken' ? 'another member has its lock' : 'its lock could not be renewed');
  }

  #release(why: string): void {
    this.#writer?.end();
    this.#writer = undefined;
    this.#isOwned = false;
    this.#listener.released(why);
  }
}
