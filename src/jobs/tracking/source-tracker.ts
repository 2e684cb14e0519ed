// The runs of one source: its signals become inputs of its runs. While there is no connection the runs are unobserved.
import type { LogPosition } from '../../protocol/draft.js';
import type { DownReason, GatewayEventData, SourceInfo, SourceVerb } from '../../protocol/types.js';
import type {
  JobCommand,
  JobSource,
  QueriedEvents,
  QueriedJob,
  SendOptions,
  SourceEvent,
  SourceSignal,
} from '../../sources/index.js';
import type { UnansweredCommand } from '../model/fold-runs.js';
import type { JobInput } from '../model/input.js';
import { isDisturbing, readJobEvent } from '../model/job-event.js';
import { runNamed } from '../model/job-name.js';
import type { Journal } from '../model/journal.js';
import { mayPivot } from '../model/outcome.js';
import { hasEnded, isActive, progressOf, type Run, runAlsoNamed } from '../model/run.js';
import { Doubts } from './doubts.js';
import { PivotProofs } from './pivot-proofs.js';
import { type QemuAbilities, RunStore } from './run-store.js';
import { SourceMemory } from './source-memory.js';
import { SourceState } from './source-state.js';
import { verbsOf } from './source-verbs.js';
import type { TrackListener, WrittenCommand } from './track-listener.js';
import { TRACK_DEFAULTS, type TrackOptions } from './track-options.js';

/** `negotiated`: it is not known yet which QEMU the events are of. `syncing`: its jobs are being queried. */
type Phase = 'down' | 'negotiated' | 'syncing' | 'up';

export class SourceTracker implements QemuAbilities {
  readonly name: string;
  readonly runs: ReadonlyMap<string, Run>;
  readonly carrierOf: JobSource['carrierOf'];
  /** Whether a command waits until the log shows its entry. */
  readonly isFenced: boolean;
  readonly #listener: TrackListener;
  readonly #store: RunStore;
  readonly #options: TrackOptions;
  readonly #state: SourceState;
  readonly #proofs: PivotProofs;
  readonly #source: JobSource;
  /** What a restart is to know of it, beside its runs. */
  readonly memory: SourceMemory;
  #phase: Phase = 'down';
  #qemu = '';
  quietCancel = false;
  #lastMerged = Number.NEGATIVE_INFINITY;
  readonly #doubts: Doubts;
  /** Ids whose run ended since the last query was written: its reply may have been made before, and overtaken by the events. */
  readonly #endedSinceQuery = new Set<string>();

  /** The caller passes it the signals of the source. */
  constructor(source: JobSource, journal: Journal, listener: TrackListener, options: Partial<TrackOptions> = {}) {
    const { name } = source;
    this.name = name;
    this.#source = source;
    this.isFenced = journal.isFenced === true;
    this.carrierOf = (command) => source.carrierOf(command);
    this.#listener = listener;
    this.#options = { ...TRACK_DEFAULTS, ...options };
    this.#doubts = new Doubts(this.#options.clock, (ids) => {
      if ([...ids].some((id) => this.runs.has(id))) void this.#source.refresh();
    });
    this.#store = new RunStore(name, journal, this, this.#options);
    this.runs = this.#store.runs;
    this.#state = new SourceState({ name, ...source.about }, verbsOf(source), this.#store, this.#options, () =>
      this.#applyAll({ kind: 'gone' }),
    );
    this.memory = new SourceMemory(source, this.#store, this.#state);
    const apply = (id: string, input: JobInput): void => this.#apply(id, input);
    this.#proofs = new PivotProofs(source, { ...this.#options, runs: this.#store.runs, apply });
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

  /** @param callback called once the log shows everything decided before. @param never called instead where the source is closed before. */
  whenShown(callback: () => void, never?: () => void): void {
    this.#store.whenShown(callback, never);
  }

  /** Whether its runs are known; if not, no command may be sent. */
  get isUp(): boolean {
    return this.#phase === 'up';
  }

  /** Whether the source has that verb; `force`: an abort that ends a READY mirror at once. */
  can(what: SourceVerb): boolean {
    return this.#source.can(what);
  }

  /** The present run of that name: QEMU's own, or else another by which the source knows it. */
  runNamed(name: string): Run | undefined {
    return runNamed(this.runs, name) ?? runAlsoNamed(this.runs, name, this.#source);
  }

  get legacy(): boolean {
    return this.memory.isLegacy;
  }

  get canProve(): boolean {
    return !this.legacy && this.#proofs.isPossible;
  }

  /** The gateway has restarted: nobody has heard what QEMU said, and nobody gets the answers that were awaited. */
  restarted(): void {
    for (const each of this.memory.saved.commands) this.answered(each, { result: 'unknown' });
    this.#applyAll({ kind: 'unobserved' });
    this.#state.down('restarted', true);
  }

  /** The next signal of the source. */
  take(signal: SourceSignal): void {
    switch (signal.kind) {
      case 'connecting':
      case 'overtaken':
        return;
      case 'waiting':
        return this.#state.down(signal.reason);
      case 'negotiated':
        this.#phase = 'negotiated';
        return this.#state.connected(signal.qemu);
      case 'up':
        return this.#up(signal);
      case 'event':
        return this.#hear(signal.event);
      case 'querying':
        return this.#endedSinceQuery.clear();
      case 'jobs':
        return this.#merge(signal.jobs, signal);
      case 'refused':
        return this.#state.down('refused-query');
      case 'stalled':
        return this.#state.stalled(signal.waitedMs);
      case 'responsive':
        return this.#state.responsive();
      case 'down':
        return this.#down(signal.reason);
    }
  }

  /** Queries the jobs anew; resolves when they are merged, with `false` if there is no reply. */
  async refresh(): Promise<boolean> {
    return this.isUp && this.#source.refresh();
  }

  /** As {@link refresh}, but a query that is under way will do. For progress. */
  async poll(): Promise<boolean> {
    return this.isUp && this.#source.poll();
  }

  /** Only while it {@link isUp}. */
  send(command: JobCommand, options: SendOptions): () => boolean {
    return this.#source.send(command, options);
  }

  /** Whether what is known of its jobs is older than that and a query would renew it: their measures, and with a legacy QEMU which there are. */
  isOlderThan(ageMs: number): boolean {
    if (!this.isUp || this.#state.isStalled) return false;
    const mayHaveChanged = this.legacy || [...this.runs.values()].some(isActive);
    return mayHaveChanged && this.#options.clock.now() - this.#lastMerged > ageMs;
  }

  /** A command was written for a run. @returns its entry, to be given to {@link answered}; its `position` is set when the log shows it. */
  written({ id, ref }: Run, data: Omit<GatewayEventData['GATEWAY_COMMAND'], 'command'>): WrittenCommand {
    const command = { command: this.#store.nextCommand(), ...data };
    const position: LogPosition = { cursor: undefined };
    this.#apply(id, { kind: 'written', ref, command, position });
    return { id, ref, command, position };
  }

  /** QEMU's reply to that command, or that there was none. */
  answered({ id, ref, command }: UnansweredCommand, answer: Extract<JobInput, { kind: 'answered' }>['answer']): void {
    this.#apply(id, { kind: 'answered', ref, command, answer });
  }

  /** A command for an earlier run of the id was accepted by the present one. */
  misdelivered(id: string, by: string): void {
    this.#apply(id, { kind: 'misdelivered', by });
  }

  /** A command of the gateway may lead to a pivot: the users of the disk are queried in the same write, right before it. */
  renewBaseline(run: Run): void {
    if (this.canProve && mayPivot(run)) this.#proofs.wantFirst(run);
  }

  /** Settles runs, or one run, that await the proof of a pivot without it. */
  conclude(run?: string): void {
    this.#proofs.conclude(({ run: each }) => run === undefined || each === run);
  }

  /**
   * The source is removed from the gateway, which will not see how its runs end.
   *
   * @param shown called when the log shows the removal.
   */
  remove(shown: () => void): void {
    this.#applyAll({ kind: 'gone' });
    this.#store.emit('GATEWAY_SOURCE_REMOVED', {}, shown);
    this.close();
  }

  /** The gateway is closing: nothing more is published. */
  close(): void {
    this.conclude();
    this.#state.close();
    this.#proofs.detach();
    this.#phase = 'down';
    this.#store.close();
  }

  #up({ qemu, same, identity, label }: Extract<SourceSignal, { kind: 'up' }>): void {
    this.#phase = 'syncing';
    if (identity !== undefined) this.memory.learn({ identity });
    this.#qemu = qemu;
    this.#state.identified(qemu, same, label);
    if (same === false) this.#applyAll({ kind: 'gone' });
    this.#proofs.attach();
    // The block graph of a QEMU that may be another one says nothing of the runs of the previous one.
    if (same !== true) this.#applyAll({ kind: 'disturbed' });
  }

  #down(reason: DownReason): void {
    const was = this.#phase;
    this.#phase = 'down';
    this.#store.flush();
    this.#applyAll({ kind: 'unobserved' });
    this.#proofs.detach();
    this.#state.down(reason, was !== 'down');
    if (was === 'up') this.#listener.signal(this.name, { kind: 'down' });
  }

  #hear(event: SourceEvent): void {
    // Received before the QEMU was identified: published without a run.
    if (this.#phase === 'negotiated') return this.#store.publish(event);
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
    if (before && (isReplaced || (after?.end?.dismissed && !before.end?.dismissed))) this.#endedSinceQuery.add(id);
    if (before && !hasEnded(before) && (isReplaced || hasEnded(after))) this.#proofs.concludeMovedBy(before);
    if (before?.end && (isReplaced || !after?.end)) this.#proofs.forget(id);
    if (after && needsGraph && this.canProve) this.#proofs.want(after);
    // When a job concludes, most doubts end with the events of the same turn, so its query waits for that turn's end. The type of a new run only a
    // query tells.
    if (needsQuery && isReplaced) void this.#source.refresh();
    else if (needsQuery) this.#doubts.add(id);
    for (const signal of signals) this.#listener.signal(this.name, signal);
  }

  /** Merges the replies of both queries, at their place between the events. */
  #merge(jobs: readonly QueriedJob[], { legacy, quietCancel }: QueriedEvents): void {
    if (legacy !== this.legacy) this.memory.learn({ legacy });
    this.quietCancel = quietCancel;
    this.#lastMerged = this.#options.clock.now();
    const present = new Set(jobs.map(({ id }) => id));
    for (const id of [...this.runs.keys()]) if (!present.has(id)) this.#apply(id, { kind: 'absent' });
    // The reply may be older than the end of that run, or show a new run of the id: only a later reply tells which.
    const isFree = (id: string): boolean => this.runs.get(id)?.end?.dismissed ?? !this.runs.has(id);
    const doubtful = new Set(jobs.filter(({ id }) => this.#endedSinceQuery.has(id) && isFree(id)));
    for (const each of jobs) if (!doubtful.has(each)) this.#apply(each.id, { kind: 'queried', job: each });
    if (doubtful.size > 0) void this.#source.refresh();
    if (this.#phase === 'syncing') {
      this.#phase = 'up';
      this.#state.synced(jobs.length, this.#qemu, verbsOf(this.#source));
      this.#listener.signal(this.name, { kind: 'synced' });
    }
    if (this.runs.size > 0) this.#listener.measured(this.name, [...this.shownRuns].filter(isActive).map(progressOf));
  }
}
