// One source's connection, as its jobs see it: the signals of its supervised monitor become inputs of its runs. Queries are merged at their place
// in the byte stream; while there is no connection the runs are unobserved.
import type { LogPosition } from '../../protocol/draft.js';
import type { DownReason, GatewayEventData, SourceInfo } from '../../protocol/types.js';
import { formatVersion, type QmpCommandName, type QmpEvent, type QmpSession } from '../../qmp/index.js';
import { backoff, compareIdentity, type Identity, observe, type SourceSignal } from '../../sources/index.js';
import type { JobInput } from '../model/input.js';
import { isDisturbing, readJobEvent } from '../model/job-event.js';
import type { Journal } from '../model/journal.js';
import { mayPivot } from '../model/outcome.js';
import type { QueriedJob } from '../model/queried-job.js';
import { hasEnded, isActive, progressOf, type Run } from '../model/run.js';
import { Doubts } from './doubts.js';
import { GRAPH_QUERY, PivotProofs } from './pivot-proofs.js';
import { Queries } from './queries.js';
import { type Ability, RunStore } from './run-store.js';
import { SourceState } from './source-state.js';
import type { TrackListener, WrittenCommand } from './track-listener.js';
import { TRACK_DEFAULTS, type TrackOptions } from './track-options.js';

type Phase =
  | { kind: 'down' }
  /** Events wait until GATEWAY_SOURCE_UP is written. */
  | { kind: 'identifying'; session: QmpSession; identity: Identity; held: QmpEvent[]; heldBytes: number }
  | { kind: 'syncing'; session: QmpSession; queries: Queries }
  | { kind: 'up'; session: QmpSession; queries: Queries };

export class SourceTracker implements Ability {
  readonly name: string;
  readonly runs: ReadonlyMap<string, Run>;
  readonly #listener: TrackListener;
  readonly #store: RunStore;
  readonly #options: TrackOptions;
  readonly #socketBirth: () => string | undefined;
  readonly #state: SourceState;
  readonly #proofs: PivotProofs;
  #phase: Phase = { kind: 'down' };
  #identity: Identity | undefined;
  #birthBefore: string | undefined;
  legacy = false;
  /** Of the next try to sync, then of the next probe. */
  #timer: NodeJS.Timeout | undefined;
  #heard = false;
  /** By the monotonic clock: the last look that found an event or a reply; the last merged query. */
  #lastHeard = 0;
  #lastMerged = Number.NEGATIVE_INFINITY;
  readonly #doubts = new Doubts((ids) => {
    if ([...ids].some((id) => this.runs.has(id))) this.#query();
  });
  /** Ids whose run ended since the last query was written: its reply may have been made before, and overtaken by the events. */
  readonly #gone = new Set<string>();

  constructor(
    name: string,
    journal: Journal,
    listener: TrackListener,
    socketBirth: () => string | undefined,
    options: Partial<TrackOptions> = {},
  ) {
    this.name = name;
    this.#listener = listener;
    this.#socketBirth = socketBirth;
    this.#options = { ...TRACK_DEFAULTS, ...options };
    this.#store = new RunStore(name, journal, this, this.#options);
    this.runs = this.#store.runs;
    this.#state = new SourceState(name, this.#store, this.#options, () => this.#applyAll({ kind: 'gone' }));
    const { proofMs } = this.#options;
    this.#proofs = new PivotProofs({ proofMs, runs: this.#store.runs, apply: (id, input) => this.#apply(id, input) });
  }

  /** As the log shows it. */
  get info(): SourceInfo {
    return this.#state.info;
  }

  /** Of the newest entry that the log shows. */
  get cursor(): string {
    return this.#store.cursor;
  }

  /** Its runs as the log shows them. */
  get shownRuns(): Iterable<Run> {
    return this.#store.shownRuns();
  }

  shownRun(id: string): Run | undefined {
    return this.#store.shownRun(id);
  }

  /** @param callback called once the log shows all that was decided before. */
  whenShown(callback: () => void): void {
    this.#store.whenShown(callback);
  }

  /** The session to command, once the runs are known; else nothing may be sent. */
  get session(): QmpSession | undefined {
    return this.#phase.kind === 'up' ? this.#phase.session : undefined;
  }

  get canProve(): boolean {
    return !this.legacy && this.#proofs.isPossible && this.has(GRAPH_QUERY);
  }

  /** The next signal of the supervised monitor. */
  take(signal: SourceSignal): void {
    switch (signal.kind) {
      case 'connecting':
        this.#birthBefore = this.#socketBirth();
        return;
      case 'waiting':
        return this.#state.down(signal.reason);
      case 'up':
        return this.#up(signal.session);
      case 'event':
        return this.#hear(signal.event);
      case 'down':
        return this.#down(signal.reason);
    }
  }

  /** Asks both queries anew; resolves when their replies are merged, `false` if there were none. */
  async refresh(): Promise<boolean> {
    return this.#phase.kind === 'up' && this.#phase.queries.fresh();
  }

  /** A query that is under way will do: for progress. */
  async poll(): Promise<boolean> {
    return this.#phase.kind === 'up' && this.#phase.queries.current();
  }

  /** Whether the measures of its live runs are older, and a query would renew them. */
  isOlderThan(ageMs: number): boolean {
    if (this.#phase.kind !== 'up' || this.#state.isStalled) return false;
    return this.#options.monotonic() - this.#lastMerged > ageMs && [...this.runs.values()].some(isActive);
  }

  /** Whether the present QEMU has a command (query-commands). */
  has(command: QmpCommandName): boolean {
    return 'queries' in this.#phase && this.#phase.queries.has(command);
  }

  /** A command is written for a run. @returns its entry, for what QEMU answers; `position` is set when the log shows it. */
  written({ id, ref }: Run, data: Omit<GatewayEventData['GATEWAY_COMMAND'], 'command'>): WrittenCommand {
    const command = { command: this.#store.nextCommand(), ...data };
    const position: LogPosition = { cursor: undefined };
    this.#apply(id, { kind: 'written', ref, command, position });
    return { id, ref, command, position };
  }

  /** What QEMU said of it, or that it said nothing. */
  answered({ id, ref, command }: WrittenCommand, answer: Extract<JobInput, { kind: 'answered' }>['answer']): void {
    this.#apply(id, { kind: 'answered', ref, command, answer });
  }

  /** A command for an earlier run of the id was accepted in the present one. */
  misdelivered(id: string, by: string): void {
    this.#apply(id, { kind: 'misdelivered', by });
  }

  /** A command of ours may lead to a pivot: who uses the disk now is asked in the same write, before it. */
  renewBaseline(run: Run): void {
    if (this.canProve && mayPivot(run)) this.#proofs.wantFirst(run);
  }

  /** Settles runs that have ended without the proof that they wait for: one of them, or all. */
  conclude(run?: string): void {
    this.#proofs.conclude(({ run: each }) => run === undefined || each === run);
  }

  /** The gateway ends: nothing more is published. */
  close(): void {
    this.conclude();
    this.#state.close();
    this.#proofs.detach();
    clearTimeout(this.#timer);
    if ('queries' in this.#phase) this.#phase.queries.close();
    this.#phase = { kind: 'down' };
    this.#store.close();
  }

  #up(session: QmpSession): void {
    const identity = observe(session.greeting.version, this.#birthBefore, this.#socketBirth());
    const phase: Phase = { kind: 'identifying', session, identity, held: [], heldBytes: 0 };
    this.#phase = phase;
    this.#lastHeard = this.#options.monotonic();
    this.#state.connected(formatVersion(session.greeting.version));
    session.request(
      'query-cpus-fast',
      {},
      (reply) => {
        if (reply.kind === 'closed' || this.#phase !== phase) return;
        if (reply.kind === 'return') identity.threads = reply.value.map((cpu) => cpu['thread-id']);
        this.#identified(phase);
      },
      { timeoutMs: this.#options.queryMs },
    );
  }

  #identified({ session, identity, held }: Extract<Phase, { kind: 'identifying' }>): void {
    const same = compareIdentity(this.#identity, identity);
    const qemu = formatVersion(session.greeting.version);
    this.#identity = identity;
    this.#state.identified(qemu, same);
    if (same === false) this.#applyAll({ kind: 'gone' });
    const queries = new Queries(session, {
      timeoutMs: this.#options.queryMs,
      asked: () => this.#gone.clear(),
      merge: (jobs, legacy) => this.#merge(jobs, legacy),
      stalled: (is) => (is ? this.#state.stalled(this.#options.queryMs) : this.#state.responsive()),
    });
    this.#phase = { kind: 'syncing', session, queries };
    this.#proofs.attach(session);
    // What a graph says of the disks of another QEMU proves nothing.
    if (same !== true) this.#applyAll({ kind: 'disturbed' });
    for (const event of held) this.#hear(event);
    this.#sync(queries, 0);
  }

  #sync(queries: Queries, refusals: number): void {
    void queries.fresh().then((merged) => {
      if (merged || this.#phase.kind !== 'syncing' || this.#phase.queries !== queries) return;
      // With `-preconfig` QEMU refuses some queries until `x-exit-preconfig`.
      this.#state.down('refused-query');
      const { refusedMs: baseMs, refusedMaxMs: maxMs } = this.#options;
      this.#timer = setTimeout(() => this.#sync(queries, refusals + 1), backoff(refusals, 1, { baseMs, maxMs }));
    });
  }

  #down(reason: DownReason): void {
    const was = this.#phase;
    clearTimeout(this.#timer);
    this.#phase = { kind: 'down' };
    if ('queries' in was) was.queries.close();
    // They were received before the QEMU was identified, so they are published without a run.
    if (was.kind === 'identifying') for (const event of was.held) this.#store.publish(event);
    this.#store.flush();
    this.#applyAll({ kind: 'unobserved' });
    this.#proofs.detach();
    this.#state.down(reason, was.kind !== 'down');
    if (was.kind === 'up') this.#listener.signal(this.name, { kind: 'down' });
  }

  #hear(event: QmpEvent): void {
    this.#heard = true;
    const phase = this.#phase;
    if (phase.kind === 'identifying') {
      phase.held.push(event);
      phase.heldBytes += event.bytes ?? 0;
      if (phase.heldBytes > this.#options.heldBytes) this.#identified(phase);
      return;
    }
    const job = readJobEvent(event);
    if (job && (job.signal.kind !== 'other' || this.runs.has(job.id)))
      return this.#apply(job.id, { kind: 'event', event, signal: job.signal });
    this.#store.publish(event);
    if (isDisturbing(event)) this.#applyAll({ kind: 'disturbed' }, this.#store.proving);
  }

  #applyAll(input: JobInput, ids: Iterable<string> = this.runs.keys()): void {
    for (const id of [...ids]) this.#apply(id, input);
  }

  #apply(id: string, input: JobInput): void {
    const before = this.runs.get(id);
    const { needsQuery, needsGraph, signals } = this.#store.apply(id, input);
    const after = this.runs.get(id);
    const isReplaced = after?.run !== before?.run;
    if (before && (isReplaced || (after?.end?.dismissed && !before.end?.dismissed))) this.#gone.add(id);
    if (before && !hasEnded(before) && (isReplaced || hasEnded(after))) this.#proofs.concludeMovedBy(before);
    if (before?.end && (isReplaced || !after?.end)) this.#proofs.forget(id);
    if (after && needsGraph && this.canProve) this.#proofs.want(after);
    // Most that is asked when a job concludes is answered by the events that came with it; the type of a new one is not.
    if (needsQuery && isReplaced) this.#query();
    else if (needsQuery) this.#doubts.add(id);
    for (const signal of signals) this.#listener.signal(this.name, signal);
  }

  #query(): void {
    if ('queries' in this.#phase) void this.#phase.queries.fresh();
  }

  /** Both replies have come, at their place between the events. */
  #merge(jobs: readonly QueriedJob[], legacy: boolean): void {
    this.legacy = legacy;
    this.#lastHeard = this.#options.monotonic();
    this.#lastMerged = this.#lastHeard;
    const present = new Set(jobs.map(({ id }) => id));
    for (const id of [...this.runs.keys()]) if (!present.has(id)) this.#apply(id, { kind: 'absent' });
    // Overtaken, or a new run already: only a later reply tells.
    const isFree = (id: string): boolean => this.runs.get(id)?.end?.dismissed ?? !this.runs.has(id);
    const doubtful = new Set(jobs.filter(({ id }) => this.#gone.has(id) && isFree(id)));
    for (const each of jobs) if (!doubtful.has(each)) this.#apply(each.id, { kind: 'queried', job: each });
    if (doubtful.size > 0) this.#query();
    if (this.#phase.kind === 'syncing') this.#synced(this.#phase, jobs.length);
    if (this.runs.size > 0) this.#listener.measured([...this.shownRuns].filter(isActive).map(progressOf));
  }

  #synced({ session, queries }: Extract<Phase, { kind: 'syncing' }>, jobs: number): void {
    this.#phase = { kind: 'up', session, queries };
    this.#state.synced(jobs, formatVersion(session.greeting.version));
    this.#listener.signal(this.name, { kind: 'synced' });
    this.#probe();
  }

  /** A monitor that says nothing is asked. The clock is not read for each event, so it is looked at twice as often. */
  #probe(): void {
    const { probeMs, monotonic } = this.#options;
    const now = monotonic();
    if (this.#heard) this.#lastHeard = now;
    this.#heard = false;
    if (now - this.#lastHeard >= probeMs) void this.poll();
    this.#timer = setTimeout(() => this.#probe(), probeMs / 2).unref();
  }
}
