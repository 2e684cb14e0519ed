// One source's jobs. In: the signals of its supervised monitor. Out: entries in the journal, the present runs, and what happened to
// them. The only writer of this source's runs; every decision is `step`'s.
import { type Observable, Subject } from 'rxjs';
import { formatCursor } from '../protocol/cursor.js';
import type { GatewayEventData, Job, Progress, SettledRun, Settlement, SourceInfo } from '../protocol/types.js';
import { formatVersion, type QmpCommandName, type QmpEvent, type QmpSession } from '../qmp/index.js';
import { compareIdentity, type Identity, type SourceSignal } from '../sources/index.js';
import { readJobEvent } from './event.js';
import type { Journal, JournalDraft } from './journal.js';
import { Queries } from './queries.js';
import { type Run, viewRun } from './run.js';
import type { Shown } from './shown.js';
import { type JobInput, step } from './step.js';
import { STORM_DEFAULTS, StormGate, type StormOptions } from './storm.js';

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

/** What a waiting command must hear, in the order in which it happened. */
export type TrackSignal =
  | { kind: 'began'; run: Run }
  | { kind: 'settled'; settled: SettledRun; job: Job }
  /** The connection is lost; runs are blind until `synced`. */
  | { kind: 'down' }
  | { kind: 'synced' };

type Phase =
  | { kind: 'down' }
  /** Events wait until GATEWAY_SOURCE_UP is written. */
  | { kind: 'identifying'; session: QmpSession; held: QmpEvent[] }
  | { kind: 'syncing'; session: QmpSession; queries: Queries }
  | { kind: 'up'; session: QmpSession; queries: Queries };

export class SourceTracker {
  readonly name: string;
  readonly signals$: Observable<TrackSignal>;
  readonly progress$: Observable<Progress[]>;
  readonly info$: Observable<SourceInfo>;
  readonly #signals$ = new Subject<TrackSignal>();
  readonly #progress$ = new Subject<Progress[]>();
  readonly #info$ = new Subject<SourceInfo>();
  readonly #journal: Journal;
  readonly #options: TrackOptions;
  readonly #socketBirth: () => string | undefined;
  readonly #gate: StormGate;
  #runs = new Map<string, Run>();
  #phase: Phase = { kind: 'down' };
  #info: SourceInfo;
  #identity: Identity | undefined;
  #legacy = false;
  #lostTimer: NodeJS.Timeout | undefined;
  #probeTimer: NodeJS.Timeout | undefined;
  #lastHeard = 0;

  constructor(
    name: string,
    journal: Journal,
    socketBirth: () => string | undefined,
    options: Partial<TrackOptions> = {},
  ) {
    this.name = name;
    this.#journal = journal;
    this.#socketBirth = socketBirth;
    this.#options = { ...TRACK_DEFAULTS, ...options };
    this.signals$ = this.#signals$.asObservable();
    this.progress$ = this.#progress$.asObservable();
    this.info$ = this.#info$.asObservable();
    this.#info = { name, state: 'connecting', since: this.#timestamp() };
    this.#gate = new StormGate(this.#options.storm, (draft) => this.#journal.append(draft));
  }

  get info(): SourceInfo {
    return this.#info;
  }

  /** Present runs, in the order in which they began; concluded ones that still occupy their id included. */
  get runs(): ReadonlyMap<string, Run> {
    return this.#runs;
  }

  /** The session to command, once the runs are known; else nothing may be sent. */
  get session(): QmpSession | undefined {
    return this.#phase.kind === 'up' ? this.#phase.session : undefined;
  }

  get cursor(): string {
    return formatCursor(this.#journal.epoch, this.#journal.head);
  }

  /** The next signal of the supervised monitor. */
  take(signal: SourceSignal): void {
    switch (signal.kind) {
      case 'connecting':
        return;
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

  /** Records a command of ours on the run, and in the journal where it is about to be written. */
  record(id: string, input: Extract<JobInput, { kind: 'command' | 'stray' }>): void {
    this.#step(id, input);
  }

  /** The audit trail: before a command is written. */
  audit(run: Run, data: GatewayEventData['GATEWAY_COMMAND']): void {
    this.#publish({
      source: this.name,
      type: 'GATEWAY_COMMAND',
      time: this.#timestamp(),
      job: { id: run.id, run: run.run },
      data,
    });
  }

  /** The source is removed, or the gateway ends: nothing more is told. */
  close(): void {
    clearTimeout(this.#lostTimer);
    clearTimeout(this.#probeTimer);
    this.#gate.close();
    if (this.#phase.kind === 'syncing' || this.#phase.kind === 'up') this.#phase.queries.close();
    this.#phase = { kind: 'down' };
    this.#signals$.complete();
    this.#progress$.complete();
    this.#info$.complete();
  }

  #up(session: QmpSession): void {
    clearTimeout(this.#lostTimer);
    this.#lostTimer = undefined;
    this.#phase = { kind: 'identifying', session, held: [] };
    this.#lastHeard = this.#options.now();
    const { version } = session.greeting;
    const identity: Identity = { version: `${formatVersion(version)} ${version.package}` };
    const socket = this.#socketBirth();
    if (socket) identity.socket = socket;
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
    this.#tell('GATEWAY_SOURCE_UP', { qemu, same });
    if (same === false) this.#loseAll();
    const queries = new Queries(session, {
      timeoutMs: this.#options.queryMs,
      merge: (shown, legacy) => this.#merge(shown, legacy),
      stalled: (is) => this.#stalled(is),
    });
    this.#phase = { kind: 'syncing', session, queries };
    this.#setInfo({ name: this.name, state: 'connecting', since: this.#info.since, qemu });
    for (const event of held) this.#hear(event);
    void queries.fresh();
  }

  #down(reason: GatewayEventData['GATEWAY_SOURCE_DOWN']['reason']): void {
    const was = this.#phase;
    clearTimeout(this.#probeTimer);
    this.#phase = { kind: 'down' };
    if (was.kind === 'syncing' || was.kind === 'up') was.queries.close();
    if (was.kind === 'identifying') for (const event of was.held) this.#journal.append(this.#plain(event));
    this.#gate.flush();
    for (const id of [...this.#runs.keys()]) this.#step(id, { kind: 'blind' });
    const changed = this.#info.state !== 'down' || this.#info.reason !== reason;
    if (was.kind !== 'down' || changed) this.#tell('GATEWAY_SOURCE_DOWN', { reason });
    if (changed) this.#setInfo({ name: this.name, state: 'down', reason, since: this.#timestamp() });
    if (was.kind === 'syncing' || was.kind === 'up') this.#signals$.next({ kind: 'down' });
    this.#nobodyListens(reason === 'absent' || reason === 'refused');
  }

  /** A peer that is silent or occupied is still a QEMU; one that is absent or refuses has ended, if it stays so. */
  #nobodyListens(nobody: boolean): void {
    if (!nobody) {
      clearTimeout(this.#lostTimer);
      this.#lostTimer = undefined;
    } else if (this.#lostTimer === undefined && this.#runs.size > 0)
      this.#lostTimer = setTimeout(() => this.#loseAll(), this.#options.lostAfterMs);
  }

  #loseAll(): void {
    this.#lostTimer = undefined;
    for (const id of [...this.#runs.keys()]) this.#step(id, { kind: 'gone' });
  }

  #hear(event: QmpEvent): void {
    this.#lastHeard = this.#options.now();
    if (this.#phase.kind === 'identifying') {
      this.#phase.held.push(event);
      return;
    }
    const job = readJobEvent(event);
    if (!job || (job.signal.kind === 'other' && !this.#runs.has(job.id))) this.#publish(this.#plain(event));
    else this.#step(job.id, { kind: 'event', event, signal: job.signal });
  }

  #plain({ type, time, data }: QmpEvent): JournalDraft {
    return { source: this.name, type, time, data };
  }

  /** Both replies have come, at their place between the events. */
  #merge(shown: readonly Shown[], legacy: boolean): void {
    this.#legacy = legacy;
    this.#lastHeard = this.#options.now();
    const present = new Set(shown.map(({ id }) => id));
    for (const id of [...this.#runs.keys()]) if (!present.has(id)) this.#step(id, { kind: 'absent' });
    for (const each of shown) this.#step(each.id, { kind: 'shown', shown: each });
    if (this.#phase.kind === 'syncing') this.#synced(this.#phase, shown.length);
    if (this.#runs.size > 0)
      this.#progress$.next([...this.#runs.values()].filter((run) => !run.settled).map(progressOf));
  }

  #synced({ session, queries }: Extract<Phase, { kind: 'syncing' }>, jobs: number): void {
    this.#phase = { kind: 'up', session, queries };
    this.#tell('GATEWAY_SOURCE_SYNCED', { jobs });
    this.#setInfo({
      name: this.name,
      state: 'up',
      since: this.#timestamp(),
      ...(this.#info.qemu !== undefined && { qemu: this.#info.qemu }),
    });
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

  #step(id: string, input: JobInput): void {
    const before = this.#runs.get(id);
    // What the storm gate holds of this run goes first, so that the numbers below are the next ones.
    if (before && !(input.kind === 'event' && input.signal.kind === 'error')) this.#gate.flush(before.run);
    const { epoch, head } = this.#journal;
    const { run, drafts, ask } = step(before, input, {
      source: this.name,
      id,
      runAt: (nth) => formatCursor(epoch, head + nth + 1),
      now: this.#timestamp(),
      legacy: this.#legacy,
    });
    // The present changes before it is told, in one turn: a snapshot is never older than the cursor it comes with.
    if (run) this.#runs.set(id, run);
    else this.#runs.delete(id);
    for (const { type, time, data, run: of } of drafts) {
      this.#publish({ source: this.name, type, time, job: { id, run: of }, data });
      if (type !== 'GATEWAY_JOB_SETTLED') continue;
      const settled = { source: this.name, job: id, run: of, cursor: this.cursor, time, settled: data as Settlement };
      const last = run?.run === of ? run : before;
      if (last) this.#signals$.next({ kind: 'settled', settled, job: { ...viewRun(last), settled: settled.settled } });
    }
    if (run && run.run !== before?.run) this.#signals$.next({ kind: 'began', run });
    if (ask && this.#phase.kind !== 'down' && this.#phase.kind !== 'identifying') void this.#phase.queries.fresh();
  }

  #publish(draft: JournalDraft): void {
    this.#gate.push(draft);
  }

  #tell<Type extends keyof GatewayEventData>(type: Type, data: GatewayEventData[Type]): void {
    this.#publish({ source: this.name, type, time: this.#timestamp(), data });
  }

  /** Connected, but QEMU's main loop does not answer. */
  #stalled(is: boolean): void {
    const { reason, ...rest } = this.#info;
    if (is && reason !== 'stalled') this.#setInfo({ ...rest, reason: 'stalled' });
    else if (!is && reason === 'stalled') this.#setInfo(rest);
  }

  #setInfo(info: SourceInfo): void {
    this.#info = info;
    this.#info$.next(info);
  }

  #timestamp(): string {
    return new Date(this.#options.now()).toISOString();
  }
}

function progressOf({ source, id: job, run, status, len, offset, speed }: Run): Progress {
  return { source, job, run, status, len, offset, speed };
}
