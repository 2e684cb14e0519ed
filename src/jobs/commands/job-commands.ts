// Every verb on a job, from call to answer, within the bound of the call. Nothing rejects. An answer is given once the log shows what it rests on.
import type { CallContext } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import { type Answer, refuse } from '../../protocol/answer.js';
import type { AbortParams, JobTarget, Requested, Settled } from '../../protocol/methods.js';
import type { Int64, Job, JobVerb, SettledRun, Settlement } from '../../protocol/types.js';
import { type Run, viewRun } from '../model/run.js';
import type { SourceRegistry } from '../tracking/source-registry.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import type { TrackSignal, WrittenCommand } from '../tracking/track-listener.js';
import { settledResult } from './answers.js';
import { mapQmpError, sourceBusy } from './qmp-error.js';
import {
  beingCompleted,
  closing,
  hasEnded,
  isCompleting,
  notTaken,
  sourceDown,
  stale,
  unanswered,
  unknownOutcome,
  unsupported,
} from './refusals.js';
import { sendCommand } from './send-command.js';
import { type OnWaiting, TerminationCoordinator } from './termination-coordinator.js';
import { type VerbReply, VerbsUnderWay } from './verbs-under-way.js';
import { within } from './waits.js';

type SimpleVerb = Exclude<JobVerb, 'abort' | 'complete'>;

/** Where a target leads: a present run, or a settlement. */
type Located =
  | { kind: 'present'; tracker: SourceTracker; run: Run }
  | { kind: 'settled'; tracker: SourceTracker; settled: SettledRun };

export class JobCommands {
  readonly #registry: SourceRegistry;
  readonly #clock: Clock;
  readonly #terminations: TerminationCoordinator;
  readonly #underWay = new VerbsUnderWay();

  constructor(registry: SourceRegistry, clock: Clock, onWaiting: OnWaiting) {
    this.#registry = registry;
    this.#clock = clock;
    this.#terminations = new TerminationCoordinator(clock, onWaiting);
  }

  /** Passes on the next signal of a source's tracker. */
  take(source: string, signal: TrackSignal): void {
    this.#underWay.take(signal);
    this.#terminations.take(source, signal);
  }

  /** The tracker goes on with the runs of the stand-in for its source. */
  claimed(tracker: SourceTracker): void {
    this.#terminations.claimed(tracker);
  }

  /** Another gateway has the source from now on. */
  released(source: string): void {
    this.#terminations.released(source);
  }

  close(): void {
    this.#terminations.close();
  }

  async abort(context: CallContext, params: AbortParams): Promise<Answer<Requested | Settled>> {
    const { sync = false, force = false, escalateAfterMs } = params;
    const located = await this.#locate(context, params);
    if (!located.ok) return located;
    const { tracker } = located.result;
    if (located.result.kind === 'settled') return this.#answerSettled(context, tracker, located.result.settled, false);
    const { run } = located.result;
    if (run.settled) return this.#answerSettled(context, tracker, this.#settledOf(tracker, run, run.settled));
    if ((force || escalateAfterMs !== undefined) && !tracker.can('force'))
      return unsupported(tracker, force ? 'force' : 'escalateAfterMs');
    // The run has ended and only its settlement is missing: there is nothing to send.
    if (run.end) return this.#terminations.call(tracker, run, context, { wants: 'wait', sync: true });
    if (!force && isCompleting(run)) return beingCompleted(run);
    const call = { wants: force ? 'force' : 'soft', sync } as const;
    return this.#terminations.call(
      tracker,
      run,
      context,
      escalateAfterMs === undefined ? call : { ...call, escalateAfterMs },
    );
  }

  complete(context: CallContext, params: JobTarget & { sync?: boolean }): Promise<Answer<Requested | Settled>> {
    return this.#awaitEnd(context, params, 'complete', params.sync ?? false);
  }

  async wait(context: CallContext, params: JobTarget): Promise<Answer<Settled>> {
    const answer = await this.#awaitEnd(context, params, 'wait', true);
    // A `wait` is answered by a settlement or an error, never by `requested`.
    return answer as Answer<Settled>;
  }

  pause(context: CallContext, params: JobTarget): Promise<Answer<Requested>> {
    return this.#simple(context, 'pause', params);
  }

  resume(context: CallContext, params: JobTarget): Promise<Answer<Requested>> {
    return this.#simple(context, 'resume', params);
  }

  finalize(context: CallContext, params: JobTarget): Promise<Answer<Requested>> {
    return this.#simple(context, 'finalize', params);
  }

  dismiss(context: CallContext, params: JobTarget): Promise<Answer<Requested>> {
    return this.#simple(context, 'dismiss', params);
  }

  setSpeed(context: CallContext, params: JobTarget & { speed: Int64 }): Promise<Answer<Requested>> {
    return this.#simple(context, 'setSpeed', params, params.speed);
  }

  /** The job by a fresh query, or a run that has ended from the history. */
  async get(context: CallContext, params: JobTarget): Promise<Answer<Job>> {
    const { source, job, run } = params;
    if (this.#terminations.isClosed) return closing();
    const tracker = this.#registry.get(source);
    if (!tracker) return refuse('SOURCE_NOT_FOUND', `no source ${source}`);
    const { history } = this.#registry;
    const present = (): Run | undefined => tracker.runNamed(job);
    if (run === undefined || present()?.run === run || !history.ended(params)) {
      if (!tracker.isUp) return sourceDown(tracker);
      if (!(await this.#fresh(context, tracker))) return unanswered(tracker, job);
    }
    if (!(await this.#shown(context, tracker))) return notTaken(tracker, job);
    const id = present()?.id;
    const shown = id === undefined ? undefined : tracker.shownRun(id);
    if (shown && (run === undefined || shown.run === run)) return { ok: true, result: viewRun(shown) };
    const ended = history.ended(params);
    if (ended) return { ok: true, result: { ...ended.job, settled: { ...ended.settled.settled, dismissed: true } } };
    return shown ? stale(shown) : refuse('JOB_NOT_FOUND', `no job ${job} on ${source}`);
  }

  async #awaitEnd(
    context: CallContext,
    target: JobTarget,
    wants: 'wait' | 'complete',
    sync: boolean,
  ): Promise<Answer<Requested | Settled>> {
    const located = await this.#locate(context, target, wants === 'wait');
    if (!located.ok) return located;
    const { tracker } = located.result;
    if (located.result.kind === 'settled') return this.#answerSettled(context, tracker, located.result.settled, false);
    const { run } = located.result;
    if (run.settled) return this.#answerSettled(context, tracker, this.#settledOf(tracker, run, run.settled));
    if (run.end) return this.#terminations.call(tracker, run, context, { wants: 'wait', sync: true });
    if (wants === 'complete' && !tracker.can('complete')) return unsupported(tracker, 'complete');
    return this.#terminations.call(tracker, run, context, { wants, sync });
  }

  async #simple(context: CallContext, verb: SimpleVerb, target: JobTarget, speed?: Int64): Promise<Answer<Requested>> {
    const located = await this.#locate(context, target);
    if (!located.ok) return located;
    if (located.result.kind === 'settled' || located.result.run.end?.dismissed) return hasEnded();
    if (!located.result.tracker.can(verb)) return unsupported(located.result.tracker, verb);
    return this.#send(context, verb, located.result, speed);
  }

  async #send(
    context: CallContext,
    verb: SimpleVerb,
    { tracker, run }: { tracker: SourceTracker; run: Run },
    speed: Int64 | undefined,
  ): Promise<Answer<Requested>> {
    if (!tracker.isUp) return sourceDown(tracker);
    const { source, id } = run;
    const job = run.ref.id;
    let written: WrittenCommand | undefined;
    const reply = await this.#underWay.send({ run, verb, signal: context.signal }, (replied) =>
      sendCommand(
        { tracker, run },
        {
          ...{ verb, by: context.principal.name, args: speed === undefined ? { job } : { job, speed } },
          ...(context.request !== undefined && { request: context.request }),
        },
        { verb, id, ...(speed !== undefined && { speed }) },
        {
          clock: this.#clock,
          lane: 'verb',
          timeoutMs: Math.max(1, context.deadline - this.#clock.now()),
          written: (command) => {
            written = command;
          },
          replied,
        },
      ),
    );
    if (!(await this.#shown(context, tracker))) return notTaken(tracker, job, isAccepted(reply));
    const live = tracker.runs.get(id);
    const same = live?.run === run.run ? live : undefined;
    switch (reply.kind) {
      case 'accepted': {
        if (live && !same) return unknownOutcome(run, live);
        const cursor = written?.position.cursor ?? tracker.cursor;
        return { ok: true, result: { status: 'requested', source, job, run: run.run, cursor } };
      }
      case 'refused': {
        await this.#fresh(context, tracker);
        const now = tracker.runs.get(id);
        return { ok: false, error: mapQmpError(reply, verb, false, now?.run === run.run ? now : undefined, tracker) };
      }
      case 'busy':
        return { ok: false, error: sourceBusy(source) };
      case 'withdrawn':
        return hasEnded();
      case 'timeout':
        return refuse('TIMEOUT', 'QEMU has not answered within the bound', {
          accepted: reply.sent ? null : false,
          job: viewRun(tracker.shownRun(id) ?? run),
        });
      case 'closed':
        return reply.sent ? unknownOutcome(run, live === same ? undefined : live) : sourceDown(tracker);
    }
  }

  /** @param mayWait the call only waits for an end, so a source that is not connected is no reason to refuse it. */
  async #locate(context: CallContext, { source, job, run }: JobTarget, mayWait = false): Promise<Answer<Located>> {
    if (this.#terminations.isClosed) return closing();
    const tracker = this.#registry.get(source);
    if (!tracker) return refuse('SOURCE_NOT_FOUND', `no source ${source}`);
    const { history } = this.#registry;
    const live = (): Run | undefined => tracker.runNamed(job);
    // Without `run` the call binds to the run that is present at receipt: by the end of the wait another one may have the id.
    const bound = run ?? live()?.run;
    const ended = (): Answer<Located> | undefined => {
      const settled = bound === undefined ? undefined : history.ended({ source, job, run: bound })?.settled;
      return settled && { ok: true, result: { kind: 'settled', tracker, settled } };
    };
    const before = live()?.run === bound ? undefined : ended();
    if (before) return before;
    if (!tracker.isUp && !(mayWait && live())) return sourceDown(tracker);
    if (!live() && tracker.isUp && !(await this.#fresh(context, tracker))) return unanswered(tracker, job);
    const found = live();
    if (found && (bound === undefined || found.run === bound))
      return { ok: true, result: { kind: 'present', tracker, run: found } };
    return ended() ?? (found ? stale(found) : refuse('JOB_NOT_FOUND', `no job ${job} on ${source}`));
  }

  /** A concluded job may occupy its id for longer than its settlement is kept in the history. */
  #settledOf(tracker: SourceTracker, { source, ref, run }: Run, settled: Settlement): SettledRun {
    const remembered = this.#registry.history.get({ source, run })?.settled;
    return remembered ?? { source, job: ref.id, run, cursor: tracker.cursor, time: null, settled };
  }

  /** @param isPresent `false`: it may have been dismissed since it was settled. */
  async #answerSettled(
    context: CallContext,
    tracker: SourceTracker,
    settled: SettledRun,
    isPresent = true,
  ): Promise<Answer<Settled>> {
    if (!(await this.#shown(context, tracker))) return notTaken(tracker, settled.job, true);
    // Not before the log shows it: its cursor is known from then on.
    const result = settledResult(settled);
    return { ok: true, result: isPresent ? result : { ...result, dismissed: true } };
  }

  /** Resolves once the log shows everything decided so far; `false` if it does not within the bound, or the caller has gone. */
  #shown(context: CallContext, tracker: SourceTracker): Promise<boolean> {
    return within(this.#clock, context, new Promise((resolve) => tracker.whenShown(() => resolve(true))));
  }

  /** Queries the jobs anew; `false` if there is no reply within the bound, or the caller has gone. */
  #fresh(context: CallContext, tracker: SourceTracker): Promise<boolean> {
    return within(this.#clock, context, tracker.refresh());
  }
}

/** What the reply to a command says of its acceptance; `null`: nothing. */
function isAccepted(reply: VerbReply): boolean | null {
  if (reply.kind === 'accepted') return true;
  return 'sent' in reply && reply.sent ? null : false;
}
