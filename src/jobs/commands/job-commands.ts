// Every verb on a job, from call to answer. In: the call's context and the wire's params. Out: an answer within its bound; nothing rejects.

import type { CallContext } from '../../access/index.js';
import { type Answer, refuse } from '../../protocol/answer.js';
import type { AbortParams, JobTarget, Requested, Settled } from '../../protocol/methods.js';
import type { Int64, Job, JobVerb, Settlement } from '../../protocol/types.js';
import type { QmpReply } from '../../qmp/index.js';
import { runNamed } from '../model/job-name.js';
import { type Run, viewRun } from '../model/run.js';
import type { SourceRegistry } from '../tracking/source-registry.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import { settledResult } from './answers.js';
import { qmpCall } from './command.js';
import { mapQmpError, sourceBusy } from './qmp-error.js';
import { type OnWaiting, TerminationCoordinator } from './termination-coordinator.js';
import { within } from './waits.js';
import { writeCommand } from './write-command.js';

type SimpleVerb = Exclude<JobVerb, 'abort' | 'complete'>;

/** Where a target leads: a live run that may be commanded, or a settlement. */
type Located = { kind: 'live'; tracker: SourceTracker; run: Run } | { kind: 'settled'; settled: Settled };

export class JobCommands {
  readonly #registry: SourceRegistry;
  readonly #terminations: TerminationCoordinator;

  /** Feed it with {@link SourceRegistry.signals$} through {@link take}. */
  constructor(registry: SourceRegistry, onWaiting: OnWaiting) {
    this.#registry = registry;
    this.#terminations = new TerminationCoordinator(onWaiting);
  }

  take(...signal: Parameters<TerminationCoordinator['take']>): void {
    this.#terminations.take(...signal);
  }

  close(): void {
    this.#terminations.close();
  }

  async abort(context: CallContext, params: AbortParams): Promise<Answer<Requested | Settled>> {
    const { sync = false, force = false, escalateAfterMs } = params;
    const located = await this.#locate(context, params);
    if (!located.ok) return located;
    if (located.result.kind === 'settled') return { ok: true, result: located.result.settled };
    const { tracker, run } = located.result;
    if (run.settled) return { ok: true, result: this.#settledOf(tracker, run, run.settled) };
    // It has ended, and only its settlement is missing: there is nothing to send.
    if (run.end) return this.#terminations.call(tracker, run, context, { wants: 'wait', sync: true });
    if (!force && isCompleting(run))
      return refuse('JOB_STATE', 'the job is being completed: a soft cancel would not keep the disk from its pivot', {
        status: run.status,
        hint: 'job.wait tells the outcome; abort with force ends it without a pivot if it is not too late',
      });
    const call = { wants: force ? 'force' : 'soft', sync } as const;
    return this.#terminations.call(
      tracker,
      run,
      context,
      escalateAfterMs === undefined ? call : { ...call, escalateAfterMs },
    );
  }

  complete(context: CallContext, params: JobTarget & { sync?: boolean }): Promise<Answer<Requested | Settled>> {
    return this.#ask(context, params, 'complete', params.sync ?? false);
  }

  async wait(context: CallContext, params: JobTarget): Promise<Answer<Settled>> {
    const answer = await this.#ask(context, params, 'wait', true);
    // A waiter is answered by the settlement alone.
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

  /** From a fresh query; a run that has ended from memory. */
  async get(context: CallContext, params: JobTarget): Promise<Answer<Job>> {
    const { source, job, run } = params;
    if (this.#terminations.isClosed) return closing();
    const tracker = this.#registry.get(source);
    if (!tracker) return refuse('SOURCE_NOT_FOUND', `no source ${source}`);
    const remembered = run === undefined ? undefined : this.#registry.memory.get(run);
    const live = runNamed(tracker.runs, job);
    if (remembered && live?.run !== run) return { ok: true, result: remembered.job };
    if (!tracker.session) return sourceDown(tracker);
    if (!(await this.#fresh(context, tracker))) return unanswered(tracker, job);
    const fresh = runNamed(tracker.runs, job);
    if (fresh && (run === undefined || fresh.run === run)) return { ok: true, result: viewRun(fresh) };
    const ended = run === undefined ? this.#registry.memory.newest(source, job) : this.#registry.memory.get(run);
    if (ended) return { ok: true, result: ended.job };
    return fresh ? stale(fresh) : refuse('JOB_NOT_FOUND', `no job ${job} on ${source}`);
  }

  async #ask(
    context: CallContext,
    target: JobTarget,
    wants: 'wait' | 'complete',
    sync: boolean,
  ): Promise<Answer<Requested | Settled>> {
    const located = await this.#locate(context, target, wants === 'wait');
    if (!located.ok) return located;
    if (located.result.kind === 'settled') return { ok: true, result: located.result.settled };
    const { tracker, run } = located.result;
    if (run.settled) return { ok: true, result: this.#settledOf(tracker, run, run.settled) };
    if (run.end) return this.#terminations.call(tracker, run, context, { wants: 'wait', sync: true });
    return this.#terminations.call(tracker, run, context, { wants, sync });
  }

  async #simple(context: CallContext, verb: SimpleVerb, target: JobTarget, speed?: Int64): Promise<Answer<Requested>> {
    const located = await this.#locate(context, target);
    if (!located.ok) return located;
    if (located.result.kind === 'settled' || located.result.run.end?.dismissed)
      return refuse('JOB_STATE', 'the job has ended', { status: 'concluded', hint: 'job.get tells its outcome' });
    return this.#send(context, verb, located.result, speed);
  }

  async #send(
    context: CallContext,
    verb: SimpleVerb,
    { tracker, run }: { tracker: SourceTracker; run: Run },
    speed: Int64 | undefined,
  ): Promise<Answer<Requested>> {
    const { session } = tracker;
    if (!session) return sourceDown(tracker);
    const { source, id } = run;
    const job = run.ref.id;
    let { cursor } = tracker;
    const reply = await new Promise<QmpReply>((answer) => {
      writeCommand(
        { tracker, session, run },
        { verb, by: context.principal.name, args: speed === undefined ? { job } : { job, speed } },
        qmpCall({ verb, id, ...(speed !== undefined && { speed }) }, (command) => tracker.has(command)),
        { lane: 'verb', timeoutMs: Math.max(1, context.deadline - performance.now()) },
        {
          answer,
          written: (at) => {
            cursor = at;
          },
        },
      );
    });
    const live = tracker.runs.get(id);
    const same = live?.run === run.run ? live : undefined;
    switch (reply.kind) {
      case 'return':
        if (live && !same) return unknownOutcome(run, live);
        return { ok: true, result: { status: 'requested', source, job, run: run.run, cursor } };
      case 'error': {
        await this.#fresh(context, tracker);
        const now = tracker.runs.get(id);
        return { ok: false, error: mapQmpError(reply, verb, false, now?.run === run.run ? now : undefined) };
      }
      case 'busy':
        return { ok: false, error: sourceBusy(source) };
      case 'timeout':
        return refuse('TIMEOUT', 'QEMU has not answered within the bound', {
          accepted: reply.sent ? null : false,
          job: viewRun(live ?? run),
        });
      case 'closed':
        return reply.sent ? unknownOutcome(run, live === same ? undefined : live) : sourceDown(tracker);
    }
  }

  /** @param blindWaits whether a source that is away is no reason to refuse: for who only waits. */
  async #locate(context: CallContext, { source, job, run }: JobTarget, blindWaits = false): Promise<Answer<Located>> {
    if (this.#terminations.isClosed) return closing();
    const tracker = this.#registry.get(source);
    if (!tracker) return refuse('SOURCE_NOT_FOUND', `no source ${source}`);
    const live = (): Run | undefined => runNamed(tracker.runs, job);
    // Without `run` it binds to the life that is live at receipt; what follows may outlast it.
    const bound = run ?? live()?.run;
    const ended = (): Answer<Located> | undefined => {
      const remembered = bound === undefined ? undefined : this.#registry.memory.get(bound)?.settled;
      if (remembered?.source !== source || remembered.job !== job) return undefined;
      return { ok: true, result: { kind: 'settled', settled: settledResult(remembered) } };
    };
    const before = live()?.run === bound ? undefined : ended();
    if (before) return before;
    if (!tracker.session && !(blindWaits && live())) return sourceDown(tracker);
    if (!live() && tracker.session && !(await this.#fresh(context, tracker))) return unanswered(tracker, job);
    const found = live();
    if (found && (bound === undefined || found.run === bound))
      return { ok: true, result: { kind: 'live', tracker, run: found } };
    return ended() ?? (found ? stale(found) : refuse('JOB_NOT_FOUND', `no job ${job} on ${source}`));
  }

  /** A concluded job may occupy its id longer than its settlement is remembered. */
  #settledOf(tracker: SourceTracker, { source, ref, run }: Run, settled: Settlement): Settled {
    const remembered = this.#registry.memory.get(run)?.settled;
    return settledResult(remembered ?? { source, job: ref.id, run, cursor: tracker.cursor, time: null, settled });
  }

  /** A fresh query within the bound; `false` if it did not come, or nobody waits for it any more. */
  #fresh(context: CallContext, tracker: SourceTracker): Promise<boolean> {
    return within(context, tracker.refresh());
  }
}

/**
 * Whether a complete is under way, ours or another client's. Of the latter QEMU says nothing until the job goes on from READY; our own soft
 * cancel makes it go on too.
 */
function isCompleting({ complete, soft, sawReady, status }: Run): boolean {
  return complete !== 'none' || (sawReady && soft === 'none' && (status === 'waiting' || status === 'pending'));
}

function closing(): Answer<never> {
  return refuse('SOURCE_DOWN', 'the gateway is closing; nothing was sent', { state: 'down' });
}

function unanswered(tracker: SourceTracker, job: string): Answer<never> {
  if (!tracker.session) return sourceDown(tracker);
  const run = runNamed(tracker.runs, job);
  return refuse('TIMEOUT', 'QEMU has not answered within the bound; nothing was sent', {
    accepted: false,
    ...(run && { job: viewRun(run) }),
  });
}

function sourceDown(tracker: SourceTracker): Answer<never> {
  const { state, reason } = tracker.info;
  return refuse('SOURCE_DOWN', `the source is ${state === 'up' ? 'not answering' : state}; nothing was sent`, {
    state,
    ...(reason !== undefined && { why: reason }),
  });
}

function stale(live: Run): Answer<never> {
  return refuse('STALE_RUN', 'the id belongs to another run now; nothing was sent', { run: live.run });
}

function unknownOutcome(run: Run, live: Run | undefined): Answer<never> {
  return refuse('OUTCOME_UNKNOWN', 'the command was sent, and nobody can know what became of it', {
    run: run.run,
    ...(live && { newRun: live.run }),
  });
}
