// The runs of one source, and their entries in the journal: changed and published together, in one event-loop turn. In: what happened to an id.
// Out: `reduceJob`'s decision, written down. The only writer of both.
import { randomBytes } from 'node:crypto';
import { type Observable, Subject } from 'rxjs';
import { formatCursor } from '../../protocol/cursor.js';
import type { EntryDraft } from '../../protocol/draft.js';
import { formatMicros, type Micros } from '../../protocol/time.js';
import type { CommandId, GatewayEventData, Job, SettledRun, Settlement } from '../../protocol/types.js';
import type { QmpEvent } from '../../qmp/index.js';
import type { JobInput, ReduceContext, Transition } from '../model/input.js';
import type { Journal } from '../model/journal.js';
import { reduceJob } from '../model/reduce-job.js';
import { type Run, viewRun } from '../model/run.js';
import { ErrorThrottle, type ThrottleOptions } from './error-throttle.js';

export type RunSignal =
  | { kind: 'began'; run: Run }
  /** `job` is the run as it was last seen. */
  | { kind: 'settled'; settled: SettledRun; job: Job };

/** What the QEMU behind the source can do: `legacy`, before 3.0; `canProve`, it can be asked for its block graph now. */
export interface Ability {
  readonly legacy: boolean;
  readonly canProve: boolean;
}

export interface RunStoreOptions {
  storm: ThrottleOptions;
  /** Present runs of the source, and characters of their ids: of a job beyond them there is no run, and its events are published without one. */
  maxRuns: number;
  maxIds: number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

const NOTHING_ASKED = { ask: false, askGraph: false };

/** The trail of commands in the log. */
export interface CommandTrail {
  /** As it is written. @returns its name, for what QEMU answers. */
  commandWritten(run: Run, data: Omit<GatewayEventData['GATEWAY_COMMAND'], 'command'>): CommandId;
  /** What QEMU said of it, or that it said nothing. */
  commandAnswered(run: Run, data: GatewayEventData['GATEWAY_COMMAND_ANSWERED']): void;
}

export class RunStore implements CommandTrail {
  readonly signals$: Observable<RunSignal>;
  readonly #signals$ = new Subject<RunSignal>();
  readonly #source: string;
  readonly #journal: Journal;
  readonly #now: () => number;
  readonly #gate: ErrorThrottle;
  readonly #runs = new Map<string, Run>();
  /** Ids whose run has a baseline, or awaits its proof. */
  readonly #proving = new Set<string>();
  readonly #maxRuns: number;
  readonly #maxIds: number;
  /** Characters of the ids of all runs. */
  #ids = 0;
  /** One for all steps: this is the hottest path there is. */
  readonly #context: ReduceContext & { id: string };
  /** Names the runs and commands of this store; another process, or another source, has another. */
  readonly #store = randomBytes(6).toString('hex');
  #runsBegun = 0;
  #commandsWritten = 0;
  #head = 0;

  /** @param ability asked when a step needs it. */
  constructor(source: string, journal: Journal, ability: Ability, { storm, now, maxRuns, maxIds }: RunStoreOptions) {
    this.#source = source;
    this.#journal = journal;
    this.#now = now;
    this.#maxRuns = maxRuns;
    this.#maxIds = maxIds;
    this.signals$ = this.#signals$.asObservable();
    this.#context = {
      source,
      id: '',
      get canProve() {
        return ability.canProve;
      },
      get legacy() {
        return ability.legacy;
      },
      nextRun: () => `${this.#store}:${++this.#runsBegun}`,
      cursorAt: (nth) => formatCursor(this.#journal.epoch, this.#head + nth + 1),
      now: () => this.#micros(),
    };
    this.#gate = new ErrorThrottle(storm, (draft) => this.#journal.append(draft));
  }

  /** Present runs; concluded ones that still occupy their id included. */
  get runs(): ReadonlyMap<string, Run> {
    return this.#runs;
  }

  /** Ids of runs to which it matters who uses their disks. */
  get proving(): ReadonlySet<string> {
    return this.#proving;
  }

  get cursor(): string {
    return formatCursor(this.#journal.epoch, this.#journal.head);
  }

  /** @returns what only the source can tell: by its queries, by its block graph. */
  apply(id: string, input: JobInput): Pick<Transition, 'ask' | 'askGraph'> {
    const before = this.#runs.get(id);
    if (!before && (this.#runs.size >= this.#maxRuns || this.#ids + id.length > this.#maxIds)) {
      if (input.kind === 'event') this.hear(input.event);
      return NOTHING_ASKED;
    }
    // What the storm gate holds of this run goes first, so that the numbers below are the next ones.
    if (before && !(input.kind === 'event' && input.signal.kind === 'error')) this.#gate.flush(before.run);
    const { head } = this.#journal;
    this.#context.id = id;
    this.#head = head;
    const next = reduceJob(before, input, this.#context);
    const { run, drafts, settled } = next;
    // The present changes before its entry is published, in one event-loop turn: a snapshot is never older than the cursor it comes with.
    if (run) this.#runs.set(id, run);
    else this.#runs.delete(id);
    if (!before !== !run) this.#ids += run ? id.length : -id.length;
    if (run?.baseline !== before?.baseline || run?.end !== before?.end)
      this.#proving[run?.baseline || run?.end ? 'add' : 'delete'](id);
    for (const draft of drafts) {
      this.publish(draft);
      if (draft.type !== 'GATEWAY_JOB_SETTLED') continue;
      const ended = settled.shift();
      if (ended) this.#settled(ended, draft.data as Settlement, draft.time);
    }
    if (run && run.run !== before?.run) this.#signals$.next({ kind: 'began', run });
    return next;
  }

  /** An event that is not of a job. */
  hear({ type, time, data, bytes }: QmpEvent): void {
    this.publish({ source: this.#source, type, time, data, bytes });
  }

  publish(draft: EntryDraft): void {
    this.#gate.push(draft);
  }

  commandWritten(run: Run, data: Omit<GatewayEventData['GATEWAY_COMMAND'], 'command'>): CommandId {
    const command = `${this.#store}:c${++this.#commandsWritten}`;
    this.tell('GATEWAY_COMMAND', { command, ...data }, run);
    return command;
  }

  commandAnswered(run: Run, data: GatewayEventData['GATEWAY_COMMAND_ANSWERED']): void {
    this.tell('GATEWAY_COMMAND_ANSWERED', data, run);
  }

  /** An event of the gateway's own, of the source or of one of its runs. */
  tell<Type extends keyof GatewayEventData>(type: Type, data: GatewayEventData[Type], run?: Run): void {
    const draft: EntryDraft = { source: this.#source, type, time: this.#micros(), data };
    this.publish(run ? { ...draft, job: run.ref } : draft);
  }

  /** Writes what the storm gate holds. */
  flush(): void {
    this.#gate.flush();
  }

  close(): void {
    this.#gate.close();
    this.#signals$.complete();
  }

  /** Now, as the wire has it. */
  timestamp(): string {
    return formatMicros(this.#micros());
  }

  #micros(): Micros {
    return Math.round(this.#now() * 1_000);
  }

  #settled(last: Run, settled: Settlement, at: Micros | null): void {
    const { run } = last;
    const job = last.ref.id;
    const time = at === null ? null : formatMicros(at);
    this.#signals$.next({
      kind: 'settled',
      settled: { source: this.#source, job, run, cursor: this.cursor, time, settled },
      job: { ...viewRun(last), settled },
    });
  }
}
