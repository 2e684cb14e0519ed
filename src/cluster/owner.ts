// The owner's part of a member: its sources as long as they are its own, their entries on the way into the stream, and commands for them.
import type { Logger } from 'pino';
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import type { Clock } from '../clock.js';
import type { Jobs, Journal, Restoration } from '../jobs/index.js';
import type { SharedStream } from '../log/index.js';
import type { Bus, Locks, Subjects } from '../nats/index.js';
import type { JobSource, ProvidedSource, SourceProvider } from '../sources/index.js';
import type { CallerChecks } from './callers.js';
import { CommandServer } from './command-server.js';
import { MeasureServer } from './measures.js';
import type { ClusterOptions } from './options.js';
import { OwnedSource } from './owned-source.js';
import type { Requests } from './requests.js';
import { StreamMaker } from './stream-maker.js';
import { type HoldMessage, isPeer, type PeerMessage } from './words.js';

export interface OwnerDeps {
  member: string;
  stream: SharedStream;
  bus: Bus;
  subjects: Subjects;
  locks: Locks;
  clock: Clock;
  options: ClusterOptions;
  logger: Logger;
  /** Makes the stream where there is none. */
  ensure: () => Promise<void>;
  /** The stream has acknowledged a message, so many milliseconds after the first attempt to write it. */
  acknowledged?: ((ms: number) => void) | undefined;
  callers: CallerChecks;
}

interface Held {
  source: JobSource;
  owned: OwnedSource;
  stopServing: (next: 'moved' | 'removed') => void;
  /** Ends hearing of its peers. */
  stopHearing: () => void;
  isRemoved?: true;
  /** Came under the same name after this one was removed: it is contended for when the lock of this one is released. */
  next?: JobSource | undefined;
}

export class Owner implements SourceProvider {
  /** The sources that are this member's own at the time. One subscriber. */
  readonly sources$: Observable<ProvidedSource>;
  readonly #deps: OwnerDeps;
  readonly #held = new Map<string, Held>();
  /** When another member said last that it would take a source over. */
  readonly #standbys = new Map<string, number>();
  readonly #stop: (() => void)[] = [];
  #subscriber: Subscriber<ProvidedSource> | undefined;
  #jobs: Jobs | undefined;
  #commands: CommandServer | undefined;
  #measures: MeasureServer | undefined;
  #isClosing = false;
  /** Since the start, over all sources. */
  readonly #counts = { fenced: 0, dropped: 0, takeovers: 0 };
  readonly #instance: string;
  readonly #maker: StreamMaker;

  constructor(deps: OwnerDeps) {
    this.#deps = deps;
    const { clock, options, ensure, logger } = deps;
    this.#maker = new StreamMaker(ensure, { clock, pauseMs: options.retryMs }, (err) =>
      logger.warn({ err }, 'the stream can not be made: it is tried again'),
    );
    this.#instance = clock.token(6);
    this.sources$ = new Observable((subscriber) => {
      this.#subscriber = subscriber;
    });
    this.#stop.push(
      clock.every(options.holdMs, () => this.#say()),
      clock.every(options.retentionMs, () => void this.#look()),
    );
  }

  /** Before any source. */
  begin(jobs: Jobs): void {
    this.#jobs = jobs;
    const { bus, subjects, clock, callers } = this.#deps;
    const { commands, view } = jobs;
    const cursorOf = (source: string): string => this.#held.get(source)?.owned.writer?.cursor ?? '';
    const requestsOf = (source: string): Requests | undefined => this.#held.get(source)?.owned.requests;
    this.#commands = new CommandServer({ bus, subjects, clock, commands, view, cursorOf, requestsOf, callers });
    this.#measures = new MeasureServer(bus, subjects, clock, view);
  }

  /** Where the entries of a source go; while the source is not this member's own, they go nowhere. */
  journalOf(source: string): Journal {
    const owned = (): OwnedSource | undefined => this.#held.get(source)?.owned;
    return {
      isFenced: true,
      get cursor() {
        return owned()?.writer?.cursor ?? '';
      },
      append: (drafts, shown) => owned()?.append(drafts, shown),
    };
  }

  /** Contends for the sources of the provider. */
  follow(provider: SourceProvider): Subscription {
    return provider.sources$.subscribe({
      next: (change) => (change.kind === 'added' ? this.#add(change.source) : void this.#remove(change.name)),
      error: (err: unknown) => this.#deps.logger.error({ err }, 'the provider of sources failed'),
    });
  }

  /** Each source that it has, or would take over. */
  status(): { name: string; isOwned: boolean; waitingBytes: number }[] {
    return [...this.#held].map(([name, { owned }]) => {
      const { waitingBytes = 0 } = owned.writer?.status ?? {};
      return { name, isOwned: owned.isOwned, waitingBytes };
    });
  }

  /** How often the stream refused a message, entries that were dropped, and sources that another member had before. */
  get counts(): Readonly<{ fenced: number; dropped: number; takeovers: number }> {
    return this.#counts;
  }

  /** NATS is back: what waits is written at once. */
  wake(): void {
    for (const { owned } of this.#held.values()) owned.writer?.wake();
    void this.#look();
  }

  /** It is closing: callers are sent to the next owner. */
  leave(): void {
    this.#isClosing = true;
    for (const stop of this.#stop) stop();
    this.#measures?.close();
    for (const { stopServing, stopHearing } of this.#held.values()) {
      stopServing('moved');
      stopHearing();
    }
  }

  /** Hands its sources over, after {@link leave}: everything is written, then another member may have them. No entry may follow. */
  async close(): Promise<void> {
    const { bus, subjects, member, options } = this.#deps;
    // Each is released as soon as its own entries are written: no source waits for another.
    const release = async (name: string, { owned }: Held): Promise<void> => {
      const wasOwned = owned.isOwned;
      await owned.end(options.handOverMs);
      if (wasOwned) bus.publish(subjects.peers(name), { v: 1, member, is: 'released' } satisfies PeerMessage);
    };
    await Promise.all([...this.#held].map(([name, held]) => release(name, held)));
    this.#commands?.close();
    this.#held.clear();
  }

  #add(source: JobSource): void {
    const known = this.#held.get(source.name);
    if (known?.isRemoved) {
      known.next = source;
      return;
    }
    if (known) {
      known.source = source;
      if (known.owned.isOwned) this.#subscriber?.next({ kind: 'added', source });
      return;
    }
    const { name } = source;
    const { bus, subjects, member } = this.#deps;
    const stopHearing = bus.subscribe(subjects.peers(name), (body) => {
      if (isPeer(body) && body.member !== member) this.#hear(name, body);
    });
    this.#held.set(name, { source, owned: this.#contend(name), stopServing: () => undefined, stopHearing });
  }

  #contend(name: string): OwnedSource {
    const { member, stream, locks, clock, options, logger } = this.#deps;
    const log = logger.child({ source: name });
    const shared = {
      source: name,
      member,
      stream,
      locks,
      clock,
      ttlMs: options.ttlMs,
      letGoMs: options.letGoMs,
      retryMs: options.retryMs,
    };
    const hasStandby = (): boolean => clock.now() - (this.#standbys.get(name) ?? Number.NEGATIVE_INFINITY) < STANDBY_MS;
    const save = (): Iterable<string> => this.#jobs?.saveOf(name) ?? [];
    return new OwnedSource(
      { ...shared, hasStandby, save, writer: { clock, ...options.writer } },
      {
        restored: (state: Restoration) => this.#jobs?.restore(state),
        owned: (isTakenOver) => {
          log.info('the source is owned by this member');
          if (isTakenOver) this.#counts.takeovers += 1;
          this.#owned(name);
        },
        unreadable: (err) =>
          log.error(
            { err },
            'what the owner before has written of the source is malformed: its jobs are taken for new ones',
          ),
        released: (why) => {
          log.warn({ why }, 'the source is no longer owned by this member');
          this.#released(name);
        },
        fenced: () => {
          this.#counts.fenced += 1;
        },
        acknowledged: (ms) => this.#deps.acknowledged?.(ms),
        gap: (dropped) => {
          this.#counts.dropped += dropped;
          log.error(
            { dropped },
            'the stream took no entries for too long: some were dropped, and the source is connected anew',
          );
          this.#jobs?.reconnect(name);
        },
        reused: () =>
          log.error(
            'the stream has lost messages, and this member may not give it another epoch: a client that was away may miss some without a word',
          ),
        failing: (err, isFirst) => {
          if (isFirst) log.warn({ err }, 'the stream took no entry: it is tried again');
          this.#maker.failing();
        },
      },
    );
  }

  #owned(name: string): void {
    const held = this.#held.get(name);
    if (!held || this.#isClosing) return;
    this.#subscriber?.next({ kind: 'added', source: held.source });
    held.stopServing = this.#commands?.serve(name) ?? held.stopServing;
    // Edges show the source from now on, although nothing may have happened to it yet.
    held.owned.writer?.checkpoint();
    this.#say();
  }

  #released(name: string): void {
    const held = this.#held.get(name);
    held?.stopServing('moved');
    if (held) held.stopServing = () => undefined;
    if (!this.#isClosing) this.#subscriber?.next({ kind: 'released', name });
    this.#say();
  }

  /** The configuration has it no more: its runs are given up, where it is this member's own. */
  async #remove(name: string): Promise<void> {
    const held = this.#held.get(name);
    if (!held) return;
    held.next = undefined;
    if (held.isRemoved) return;
    held.isRemoved = true;
    held.stopServing('removed');
    held.stopHearing();
    if (held.owned.isOwned) this.#subscriber?.next({ kind: 'removed', name });
    await held.owned.end(this.#deps.options.handOverMs);
    if (this.#held.get(name) !== held) return;
    this.#held.delete(name);
    if (held.next && !this.#isClosing) this.#add(held.next);
  }

  #hear(name: string, { is }: PeerMessage): void {
    if (is === 'standby') this.#standbys.set(name, this.#deps.clock.now());
    else this.#held.get(name)?.owned.try();
  }

  #say(): void {
    const { bus, subjects, member } = this.#deps;
    const owned: string[] = [];
    for (const [name, held] of this.#held) {
      if (held.owned.isOwned) owned.push(name);
      else bus.publish(subjects.peers(name), { v: 1, member, is: 'standby' } satisfies PeerMessage);
    }
    bus.publish(subjects.hold, { v: 1, member, instance: this.#instance, owned } satisfies HoldMessage);
  }

  /** Whether the stream has lost messages; and a source that is silent for days would lose its state with them, so its checkpoint is renewed long before. */
  async #look(): Promise<void> {
    try {
      const state = await this.#deps.stream.state();
      const middle = state.firstSeq + (state.lastSeq - state.firstSeq) / 2;
      for (const { owned } of this.#held.values()) {
        owned.writer?.seen(state);
        if (owned.writer && owned.writer.checkpointSeq < middle) owned.writer.checkpoint();
      }
    } catch {
      this.#maker.failing();
    }
  }
}

/** Milliseconds for which a standby counts that is not heard of: an owner that is cut off hears of none. */
const STANDBY_MS = 60_000;
