// One source's connection, as its jobs see it. In: the signals of its supervised monitor. Out: what they mean for the ledger: events,
// queries merged at their place in the byte stream, blind spells and their ends.
import { merge, type Observable, Subject } from 'rxjs';
import type { DownReason, GatewayEventData, Progress, SourceInfo } from '../protocol/types.js';
import { formatVersion, type QmpCommandName, type QmpEvent, type QmpSession } from '../qmp/index.js';
import { compareIdentity, type Identity, type SourceSignal } from '../sources/index.js';
import { readJobEvent } from './event.js';
import type { Journal } from './journal.js';
import { Ledger, type LedgerSignal } from './ledger.js';
import { Queries } from './queries.js';
import { progressOf, type Run } from './run.js';
import type { Shown } from './shown.js';
import type { JobInput } from './step.js';
import { STORM_DEFAULTS, type StormOptions } from './storm.js';

export interface TrackOptions {
  /** Milliseconds that nobody may listen before the runs of a source are lost. */
  lostAfterMs: number;
  /** Milliseconds of silence after which a monitor is probed. */
  probeMs: number;
  /** Milliseconds to the replies of a query; past it the source is `stalled`. */
  queryMs: number;
  storm: StormOptions;
  /** Milliseconds since the epoch. */
  now: () => number;
}
export const TRACK_DEFAULTS: TrackOptions = {
  lostAfterMs: 10_000,
  probeMs: 30_000,
  queryMs: 30_000,
  storm: STORM_DEFAULTS,
  now: Date.now,
};

/** What a waiting command must hear, in the order in which it happened. `down`: runs are blind until `synced`. */
export type TrackSignal = LedgerSignal | { kind: 'down' } | { kind: 'synced' };

type Phase =
  | { kind: 'down' }
  /** Events wait until GATEWAY_SOURCE_UP is written. */
  | { kind: 'identifying'; session: QmpSession; held: QmpEvent[] }
  | { kind: 'syncing'; session: QmpSession; queries: Queries }
  | { kind: 'up'; session: QmpSession; queries: Queries };

export class SourceTracker {
  readonly name: string;
  readonly signals$: Observable<TrackSignal>;
  /** The measures of live runs after each query. */
  readonly progress$: Observable<Progress[]>;
  readonly #signals$ = new Subject<TrackSignal>();
  readonly #progress$ = new Subject<Progress[]>();
  readonly #ledger: Ledger;
  readonly #options: TrackOptions;
  readonly #socketBirth: () => string | undefined;
  #phase: Phase = { kind: 'down' };
  #info: SourceInfo;
  #identity: Identity | undefined;
  #birthBefore: string | undefined;
  #legacy = false;
  #lostTimer: NodeJS.Timeout | undefined;
  #probeTimer: NodeJS.Timeout | undefined;
  #lastHeard = 0;
  /** Ids of which only a query can tell more; asked after this turn's events. */
  readonly #doubts = new Set<string>();
  /** Ids whose run ended since the last query was written: its reply may have been made before, and overtaken by the events. */
  readonly #gone = new Set<string>();

  constructor(
    name: string,
    journal: Journal,
    socketBirth: () => string | undefined,
    options: Partial<TrackOptions> = {},
  ) {
    this.name = name;
    this.#socketBirth = socketBirth;
    this.#options = { ...TRACK_DEFAULTS, ...options };
    this.#ledger = new Ledger(name, journal, this.#options);
    this.signals$ = merge(this.#ledger.signals$, this.#signals$);
    this.progress$ = this.#progress$.asObservable();
    this.#info = { name, state: 'connecting', since: this.#ledger.timestamp() };
  }

  get info(): SourceInfo {
    return this.#info;
  }

  get runs(): ReadonlyMap<string, Run> {
    return this.#ledger.runs;
  }

  get cursor(): string {
    return this.#ledger.cursor;
  }

  /** The session to command, once the runs are known; else nothing may be sent. */
  get session(): QmpSession | undefined {
    return this.#phase.kind === 'up' ? this.#phase.session : undefined;
  }

  /** The next signal of the supervised monitor. */
  take(signal: SourceSignal): void {
    switch (signal.kind) {
      case 'connecting':
        this.#birthBefore = this.#socketBirth();
        return;
      case 'waiting':
        return this.#unreachable(signal.reason);
      case 'up':
        return this.#up(signal.session);
      case 'event':
        return this.#hear(signal.event);
      case 'down':
        return this.#down(signal.reason);
    }
  }

  /** Asks both queries anew; resolves when their replies are merged, `false` if there were none. */
  refresh(): Promise<boolean> {
    return this.#phase.kind === 'up' ? this.#phase.queries.fresh() : Promise.resolve(false);
  }

  /** As {@link refresh}, but a query that is under way will do: for progress. */
  poll(): Promise<boolean> {
    return this.#phase.kind === 'up' ? this.#phase.queries.current() : Promise.resolve(false);
  }

  /** Whether the present QEMU has a command (query-commands). */
  has(command: QmpCommandName): boolean {
    return this.#phase.kind === 'up' && this.#phase.queries.has(command);
  }

  /** Records what became of a command of ours. */
  record(id: string, input: Extract<JobInput, { kind: 'command' | 'stray' }>): void {
    this.#step(id, input);
  }

  /** The audit trail: before a command is written. */
  audit(run: Run, data: GatewayEventData['GATEWAY_COMMAND']): void {
    this.#ledger.tell('GATEWAY_COMMAND', data, run);
  }

  /** The gateway ends: nothing more is told. */
  close(): void {
    clearTimeout(this.#lostTimer);
    clearTimeout(this.#probeTimer);
    if (this.#phase.kind === 'syncing' || this.#phase.kind === 'up') this.#phase.queries.close();
    this.#phase = { kind: 'down' };
    this.#ledger.close();
    this.#signals$.complete();
    this.#progress$.complete();
  }

  #up(session: QmpSession): void {
    clearTimeout(this.#lostTimer);
    this.#lostTimer = undefined;
    this.#phase = { kind: 'identifying', session, held: [] };
    this.#lastHeard = this.#options.now();
    const { version } = session.greeting;
    const identity: Identity = { version: `${formatVersion(version)} ${version.package}` };
    // Only a file that was there before the connection is the one that was connected to: QEMU may be replaced meanwhile.
    const socket = this.#socketBirth();
    if (socket !== undefined && socket === this.#birthBefore) identity.socket = socket;
    session.request(
      'query-cpus-fast',
      {},
      (reply) => {
        if (reply.kind === 'closed' || this.#phase.kind !== 'identifying' || this.#phase.session !== session) return;
        if (reply.kind === 'return' && Array.isArray(reply.value))
          identity.threads = reply.value.map((cpu) => cpu['thread-id']);
        this.#identified(this.#phase, identity);
      },
      { timeoutMs: this.#options.queryMs },
    );
  }

  #identified({ session, held }: Extract<Phase, { kind: 'identifying' }>, identity: Identity): void {
    const same = compareIdentity(this.#identity, identity);
    const qemu = formatVersion(session.greeting.version);
    this.#identity = identity;
    this.#ledger.tell('GATEWAY_SOURCE_UP', { qemu, same });
    if (same === false) this.#loseAll();
    const queries = new Queries(session, {
      timeoutMs: this.#options.queryMs,
      asked: () => this.#gone.clear(),
      merge: (shown, legacy) => this.#merge(shown, legacy),
      stalled: (is) => this.#stalled(is),
    });
    this.#phase = { kind: 'syncing', session, queries };
    this.#info = { name: this.name, state: 'connecting', since: this.#info.since, qemu };
    for (const event of held) this.#hear(event);
    void queries.fresh();
  }

  #down(reason: DownReason): void {
    const was = this.#phase;
    clearTimeout(this.#probeTimer);
    this.#phase = { kind: 'down' };
    if (was.kind === 'syncing' || was.kind === 'up') was.queries.close();
    // Read, so told; whose they are can't be known any more.
    if (was.kind === 'identifying') for (const event of was.held) this.#ledger.publish({ source: this.name, ...event });
    this.#ledger.flush();
    this.#ledger.stepAll({ kind: 'blind' }, this.#legacy);
    this.#unreachable(reason, was.kind !== 'down');
    if (was.kind === 'up') this.#signals$.next({ kind: 'down' });
  }

  /** Told once for each reason. */
  #unreachable(reason: DownReason, lost = false): void {
    const changed = this.#info.state !== 'down' || this.#info.reason !== reason;
    if (lost || changed) this.#ledger.tell('GATEWAY_SOURCE_DOWN', { reason });
    if (changed) this.#info = { name: this.name, state: 'down', reason, since: this.#ledger.timestamp() };
    this.#nobodyListens(reason === 'absent' || reason === 'refused');
  }

  /** A peer that is silent or occupied is still a QEMU; one that is absent or refuses has ended, if it stays so. */
  #nobodyListens(nobody: boolean): void {
    if (!nobody) {
      clearTimeout(this.#lostTimer);
      this.#lostTimer = undefined;
    } else if (this.#lostTimer === undefined && this.runs.size > 0)
      this.#lostTimer = setTimeout(() => this.#loseAll(), this.#options.lostAfterMs);
  }

  #loseAll(): void {
    this.#lostTimer = undefined;
    this.#ledger.stepAll({ kind: 'gone' }, this.#legacy);
  }

  #hear(event: QmpEvent): void {
    this.#lastHeard = this.#options.now();
    if (this.#phase.kind === 'identifying') {
      this.#phase.held.push(event);
      return;
    }
    const job = readJobEvent(event);
    if (!job || (job.signal.kind === 'other' && !this.runs.has(job.id)))
      this.#ledger.publish({ source: this.name, ...event });
    else this.#step(job.id, { kind: 'event', event, signal: job.signal });
  }

  #step(id: string, input: JobInput): void {
    const before = this.runs.get(id)?.run;
    const asks = this.#ledger.step(id, input, this.#legacy);
    const after = this.runs.get(id)?.run;
    if (before !== undefined && after === undefined) this.#gone.add(id);
    if (!asks) return;
    // Most that is asked when a job concludes is answered by the events that came with it; the type of a new one is not.
    if (after !== before) return this.#query();
    if (this.#doubts.size === 0) setImmediate(() => this.#ask());
    this.#doubts.add(id);
  }

  #ask(): void {
    if ([...this.#doubts].some((id) => this.runs.has(id))) this.#query();
    this.#doubts.clear();
  }

  #query(): void {
    if (this.#phase.kind === 'syncing' || this.#phase.kind === 'up') void this.#phase.queries.fresh();
  }

  /** Both replies have come, at their place between the events. */
  #merge(shown: readonly Shown[], legacy: boolean): void {
    this.#legacy = legacy;
    this.#lastHeard = this.#options.now();
    const present = new Set(shown.map(({ id }) => id));
    for (const id of [...this.runs.keys()]) if (!present.has(id)) this.#step(id, { kind: 'absent' });
    // Overtaken, or a new life already: only a later reply tells.
    const doubtful = new Set(shown.filter(({ id }) => this.#gone.has(id) && !this.runs.has(id)));
    for (const each of shown) if (!doubtful.has(each)) this.#step(each.id, { kind: 'shown', shown: each });
    if (doubtful.size > 0) this.#query();
    if (this.#phase.kind === 'syncing') this.#synced(this.#phase, shown.length);
    if (this.runs.size > 0) this.#progress$.next([...this.runs.values()].filter((run) => !run.settled).map(progressOf));
  }

  #synced({ session, queries }: Extract<Phase, { kind: 'syncing' }>, jobs: number): void {
    this.#phase = { kind: 'up', session, queries };
    this.#ledger.tell('GATEWAY_SOURCE_SYNCED', { jobs });
    const qemu = formatVersion(session.greeting.version);
    this.#info = { name: this.name, state: 'up', since: this.#ledger.timestamp(), qemu };
    this.#signals$.next({ kind: 'synced' });
    this.#probe();
  }

  /** A monitor that says nothing is asked; the queries find what events failed to tell. */
  #probe(): void {
    const quiet = this.#options.now() - this.#lastHeard;
    if (quiet >= this.#options.probeMs) void this.poll();
    const next = quiet >= this.#options.probeMs ? this.#options.probeMs : this.#options.probeMs - quiet;
    this.#probeTimer = setTimeout(() => this.#probe(), next);
    this.#probeTimer.unref();
  }

  /** Connected, but QEMU's main loop does not answer. */
  #stalled(is: boolean): void {
    const { reason, ...rest } = this.#info;
    if (is) this.#info = { ...rest, reason: 'stalled' };
    else if (reason === 'stalled') this.#info = rest;
  }
}
