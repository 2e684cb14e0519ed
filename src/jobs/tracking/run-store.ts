// The runs of one source and their entries in the log: the only writer of both. Two states of it are kept: `runs`, as decided, for who decides
// on; `shownRuns`, as far as the log shows the entries, for clients. A log in memory shows an entry at once, and the two are one.
import type { Clock } from '../../clock.js';
import { formatMicros, type Micros } from '../../protocol/time.js';
import type { CommandId, GatewayEventData, SettledRun } from '../../protocol/types.js';
import type { QueriedEvents, SourceEvent } from '../../sources/index.js';
import type { UnansweredCommand } from '../model/fold-runs.js';
import type { EndedRun, JobInput, ReduceContext, Transition } from '../model/input.js';
import type { Journal } from '../model/journal.js';
import { reduceJob } from '../model/reduce-job.js';
import type { Run } from '../model/run.js';
import { ErrorThrottle, type ThrottleOptions } from './error-throttle.js';
import { SOURCE_EVIDENCE, type SourceEvidence } from './source-evidence.js';

/** A run that has settled. Clients may see the settlement once the log shows its entry. */
export interface Ended {
  /** Its cursor is empty until the log shows the entry. */
  settled: SettledRun;
  /** The run in its last state. */
  last: Run;
}

export type RunSignal = { kind: 'began'; run: Run } | { kind: 'settled'; ended: Ended };

/** What the QEMU behind the source can do. */
export interface QemuAbilities extends Readonly<QueriedEvents> {
  /** It can be asked for its block graph now. */
  readonly canProve: boolean;
}

export interface RunStoreOptions {
  storm: ThrottleOptions;
  /**
   * Bounds on the present runs of the source and on the characters of their ids. A job beyond them gets no run, and its events are published without
   * one.
   */
  maxRuns: number;
  maxIds: number;
  limited?: (limit: 'source_jobs') => void;
  clock: Clock;
}

/** What followed from an input, in order. */
export interface Applied extends Pick<Transition, 'needsQuery' | 'needsGraph'> {
  signals: readonly RunSignal[];
}

const NOTHING: Applied = { needsQuery: false, needsGraph: false, signals: [] };
const NO_SIGNALS: readonly RunSignal[] = [];

export class RunStore {
  readonly #source: string;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #throttle: ErrorThrottle;
  readonly #runs = new Map<string, Run>();
  /** Ids with steps that the log does not show yet: the run as the log shows it, and the number of those steps. */
  readonly #notShown = new Map<string, { run: Run | undefined; steps: number }>();
  /** What the log does not show yet, in order, from this index on: to shift a large array moves all of it. */
  #waiting: { id: string; run: Run | undefined }[] = [];
  #waitingFrom = 0;
  #isShown = false;
  /** Callbacks for where the source is closed before the log shows what is waited for. */
  readonly #unshown = new Set<() => void>();
  /** Ids whose run has a baseline, or awaits its proof. */
  readonly #proving = new Set<string>();
  readonly #maxRuns: number;
  readonly #maxIds: number;
  readonly #limited: RunStoreOptions['limited'];
  /** Characters of the ids of all runs. */
  #ids = 0;
  readonly #unanswered = new Map<CommandId, UnansweredCommand>();
  /** One object for all steps, since this is the hottest path of the program. */
  readonly #context: ReduceContext & { id: string };
  /** Names the runs and commands of this store; another process, or another source, has another. */
  readonly #store: string;
  #runsBegun = 0;
  #commandsWritten = 0;

  /** @param abilities asked when a step needs it. */
  constructor(source: string, journal: Journal, abilities: QemuAbilities, options: RunStoreOptions) {
    const { storm, clock, maxRuns, maxIds, limited } = options;
    this.#source = source;
    this.#journal = journal;
    this.#clock = clock;
    this.#store = clock.token(6);
    this.#maxRuns = maxRuns;
    this.#maxIds = maxIds;
    this.#limited = limited;
    this.#context = {
      source,
      id: '',
      get canProve() {
        return abilities.canProve;
      },
      get legacy() {
        return abilities.legacy;
      },
      get quietCancel() {
        return abilities.quietCancel;
      },
      nextRun: () => `${this.#store}:${++this.#runsBegun}`,
      now: () => this.#micros(),
    };
    this.#throttle = new ErrorThrottle(storm, clock, (draft) => this.#journal.append([draft]));
  }

  /** Present runs by id, with concluded ones that still occupy their id. */
  get runs(): ReadonlyMap<string, Run> {
    return this.#runs;
  }

  /** Commands that were written and that nothing has answered. */
  get unanswered(): UnansweredCommand[] {
    return [...this.#unanswered.values()];
  }

  /** Runs and commands of before the gateway's restart, which the log has. Before any input. */
  restore(runs: Iterable<Run>, commands: Iterable<UnansweredCommand>): void {
    for (const run of runs) {
      this.#runs.set(run.id, run);
      this.#ids += run.id.length;
      if (run.baseline || run.end) this.#proving.add(run.id);
    }
    for (const each of commands) this.#unanswered.set(each.command.command, each);
  }

  /** Ids of runs for which it matters who uses their disks. */
  get proving(): ReadonlySet<string> {
    return this.#proving;
  }

  /** Of the newest entry that the log shows. */
  get cursor(): string {
    return this.#journal.cursor;
  }

  /** Every run as the log shows it. */
  *shownRuns(): Iterable<Run> {
    if (this.#notShown.size === 0) return yield* this.#runs.values();
    for (const [id, run] of this.#runs) if (!this.#notShown.has(id)) yield run;
    for (const { run } of this.#notShown.values()) if (run) yield run;
  }

  shownRun(id: string): Run | undefined {
    const late = this.#notShown.get(id);
    return late ? late.run : this.#runs.get(id);
  }

  /**
   * @param callback called once the log shows everything decided before: at once, with a log in memory.
   * @param never called in its place where the source is closed before.
   */
  whenShown(callback: () => void, never?: () => void): void {
    if (!never) return this.#journal.append([], callback);
    this.#unshown.add(never);
    this.#journal.append([], () => {
      if (this.#unshown.delete(never)) callback();
    });
  }

  apply(id: string, input: JobInput): Applied {
    const before = this.#runs.get(id);
    if (!before && (this.#runs.size >= this.#maxRuns || this.#ids + id.length > this.#maxIds)) {
      this.#limited?.('source_jobs');
      if (input.kind === 'event') this.publish(input.event);
      if (input.kind !== 'answered') return NOTHING;
    }
    // Errors of this run that are held back came before this input.
    if (before && !(input.kind === 'event' && input.signal.kind === 'error')) this.#throttle.flush(before.run);
    if (input.kind === 'written')
      this.#unanswered.set(input.command.command, { id, ref: input.ref, command: input.command });
    if (input.kind === 'answered') this.#unanswered.delete(input.command.command);
    this.#context.id = id;
    const { run, drafts, ended, needsQuery, needsGraph } = reduceJob(before, input, this.#context);
    if (run) this.#runs.set(id, run);
    else this.#runs.delete(id);
    if (!before !== !run) this.#ids += run ? id.length : -id.length;
    if (run?.baseline !== before?.baseline || run?.end !== before?.end)
      this.#proving[run?.baseline || run?.end ? 'add' : 'delete'](id);
    const isError = input.kind === 'event' && input.signal.kind === 'error';
    const passing = isError ? drafts.filter((draft) => this.#throttle.admits(draft)) : drafts;
    if (passing.length > 0 || this.#waiting.length > this.#waitingFrom) {
      this.#isShown = false;
      this.#journal.append(passing, this.#shown);
      if (!this.#isShown) this.#wait(id, before, run);
    }
    const isNew = run !== undefined && run.run !== before?.run;
    if (!isNew && ended.length === 0)
      return needsQuery || needsGraph ? { needsQuery, needsGraph, signals: NO_SIGNALS } : NOTHING;
    const signals = ended.map((each): RunSignal => ({ kind: 'settled', ended: this.#endOf(each) }));
    if (isNew) signals.push({ kind: 'began', run });
    return { needsQuery, needsGraph, signals };
  }

  /** Publishes an event that concerns no job. */
  publish({ type, time, data, bytes }: SourceEvent): void {
    this.#journal.append([{ source: this.#source, type, time, data, bytes }]);
  }

  /** Records what a restart should know of the source. */
  note(evidence: SourceEvidence): void {
    this.#journal.append([
      { source: this.#source, type: SOURCE_EVIDENCE, time: this.#micros(), data: evidence, internal: true },
    ]);
  }

  /** A name for the next command. */
  nextCommand(): string {
    return `${this.#store}:c${++this.#commandsWritten}`;
  }

  /** Publishes one of the gateway's own events about the source. @param shown called when the log shows it. */
  emit<Type extends keyof GatewayEventData>(type: Type, data: GatewayEventData[Type], shown: () => void): void {
    this.#journal.append([{ source: this.#source, type, time: this.#micros(), data }], shown);
  }

  /** Publishes what the throttle holds back. */
  flush(): void {
    this.#throttle.flush();
  }

  close(): void {
    this.#throttle.close();
    for (const never of this.#unshown) never();
    this.#unshown.clear();
  }

  /** Now, as the wire has it. */
  timestamp(): string {
    return formatMicros(this.#micros());
  }

  #micros(): Micros {
    return Math.round(this.#clock.date() * 1_000);
  }

  #wait(id: string, before: Run | undefined, run: Run | undefined): void {
    this.#waiting.push({ id, run });
    const late = this.#notShown.get(id);
    if (late) late.steps += 1;
    else this.#notShown.set(id, { run: before, steps: 1 });
  }

  /** Called for each append, in order; while it returns where the log shows it at once. One for all: this is the hottest path there is. */
  readonly #shown = (): void => {
    const step = this.#waiting[this.#waitingFrom];
    if (!step) {
      this.#isShown = true;
      return;
    }
    this.#waitingFrom += 1;
    if (
      this.#waitingFrom * 2 > this.#waiting.length &&
      (this.#waitingFrom > 1_024 || this.#waitingFrom === this.#waiting.length)
    ) {
      this.#waiting = this.#waiting.slice(this.#waitingFrom);
      this.#waitingFrom = 0;
    }
    const late = this.#notShown.get(step.id);
    if (!late) return;
    late.run = step.run;
    late.steps -= 1;
    if (late.steps === 0) this.#notShown.delete(step.id);
  };

  #endOf({ run: last, time, position }: EndedRun): Ended {
    const { run, settled, ref } = last;
    if (!settled) throw new Error('a run that has ended without a settlement');
    const ended: SettledRun = {
      source: this.#source,
      job: ref.id,
      run,
      get cursor() {
        return position.cursor ?? '';
      },
      time: formatMicros(time),
      settled,
    };
    return { settled: ended, last };
  }
}
