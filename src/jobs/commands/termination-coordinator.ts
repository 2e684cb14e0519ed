// The open terminations: runs whose end somebody asks for or waits for. Callers and the signals of the trackers become commands on monitors and
// answers to callers, each within its bound. `reduceTermination` decides; here are the timers, the monitor, and the wait for the log.
import type { CallContext } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import { type Answer, refuse } from '../../protocol/answer.js';
import type { LogPosition } from '../../protocol/draft.js';
import type { Requested, Settled } from '../../protocol/methods.js';
import type { CommandReply } from '../../sources/index.js';
import type { Run } from '../model/run.js';
import { isBlockJob } from '../model/status.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import type { TrackSignal, WrittenCommand } from '../tracking/track-listener.js';
import { answerOf, notShown } from './answers.js';
import { mapQmpError, sourceBusy } from './qmp-error.js';
import {
  type Ask,
  isClosed,
  openTermination,
  reduceTermination,
  type Termination,
  type TerminationAnswer,
  type TerminationEffect,
  type TerminationInput,
} from './termination.js';
import { Waits } from './waits.js';
import { writeCommand } from './write-command.js';

/** A command's reply is awaited far beyond every caller's bound: a late acceptance still counts for the run. */
const REPLY_MS = 2 * 3_600_000;

export interface TerminationCall {
  wants: Ask | 'wait';
  sync: boolean;
  escalateAfterMs?: number;
}

export interface TerminationLimits {
  /** Calls of `job.wait` that wait for one run, and in all; commands have the same again for themselves. */
  waitsPerRun: number;
  waits: number;
}
export const TERMINATION_LIMITS: TerminationLimits = { waitsPerRun: 2_048, waits: 16_384 };

interface OpenTermination {
  state: Termination;
  tracker: SourceTracker;
  /** As the termination was opened. */
  run: Run;
  positions: Partial<Record<Ask, LogPosition>>;
  /** Takes a command back that is not yet written. */
  withdraw: Partial<Record<Ask, () => boolean>>;
  acceptedAt: number | undefined;
  /** Stops the timer of its escalation. */
  stopEscalation: (() => void) | undefined;
  /** A step may cause the next one before it is done. */
  inputs: TerminationInput[];
  stepping: boolean;
  /** Callers that {@link TerminationCoordinator} has counted. */
  counted: number;
}

/** Called when somebody begins or ceases to wait for an end on a source: events may be missed, so the queries look too. */
export type OnWaiting = (source: string, waiting: boolean) => void;

export class TerminationCoordinator {
  readonly #clock: Clock;
  readonly #onWaiting: OnWaiting;
  readonly #open = new Map<string, OpenTermination>();
  /** The same by source and job id: a busy monitor begins thousands of runs a second, and nobody waits for most of them. */
  readonly #ofJob = new Map<string, Set<OpenTermination>>();
  readonly #waits: Waits;
  /** Answers that wait for the log, by caller. */
  readonly #notShown = new Map<number, TerminationAnswer>();
  readonly #limits: TerminationLimits;
  /** Callers by source. */
  readonly #waiting = new Map<string, number>();
  #nextCaller = 1;
  #closed = false;

  constructor(clock: Clock, onWaiting: OnWaiting, limits: TerminationLimits = TERMINATION_LIMITS) {
    this.#clock = clock;
    this.#waits = new Waits(clock);
    this.#onWaiting = onWaiting;
    this.#limits = limits;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Answers when it can, by the context's deadline at the latest; never rejects. The run must be live. */
  call(
    tracker: SourceTracker,
    run: Run,
    context: CallContext,
    { wants, sync, escalateAfterMs }: TerminationCall,
  ): Promise<Answer<Requested | Settled>> {
    if (this.#isFull(run, wants))
      return Promise.resolve(
        refuse('RATE_LIMITED', 'too many calls wait for the end of a run', { retryAfterMs: 1_000 }),
      );
    return new Promise((resolve) => {
      const open = this.#termination(tracker, run);
      const id = this.#nextCaller++;
      this.#waits.add(id, resolve, context, {
        due: () => {
          // The run may have ended, and only the proof of a pivot be missing: the bound is kept, with the outcome.
          if (sync) tracker.conclude(run.run);
          this.#input(open, { kind: 'timeout', caller: id });
          const unshown = this.#notShown.get(id);
          if (unshown) this.#waits.answer(id, notShown(unshown, tracker.shownRun(run.id)));
        },
        gone: () => this.#input(open, { kind: 'gone', caller: id }),
      });
      // QEMU knows only one way to cancel a job that is no block job: job-cancel, which always forces.
      const ask = wants === 'soft' && !isBlockJob(run.type) ? 'force' : wants;
      const caller = { id, wants: ask, sync, by: context.principal.name };
      this.#input(open, { kind: 'call', caller, ...(escalateAfterMs !== undefined && { escalateAfterMs }) });
      if (context.signal.aborted) this.#waits.leave(id);
    });
  }

  /** The next signal of a tracker. */
  take(source: string, signal: TrackSignal): void {
    if (signal.kind === 'settled') {
      const { settled } = signal.ended;
      const open = this.#open.get(settled.run);
      if (open) this.#input(open, { kind: 'settled', settled });
      return;
    }
    if (signal.kind === 'began') {
      const { run } = signal.run;
      for (const open of [...(this.#ofJob.get(jobOf(signal.run)) ?? [])])
        if (run !== open.run.run) this.#input(open, { kind: 'reborn', run });
      return;
    }
    for (const open of [...this.#open.values()]) {
      if (open.run.source !== source) continue;
      if (signal.kind === 'down') this.#input(open, { kind: 'down' });
      else if (open.tracker.runs.get(open.run.id)?.run === open.run.run) this.#input(open, { kind: 'survived' });
    }
  }

  /** Answers everybody; nobody may call any more. */
  close(): void {
    this.#closed = true;
    for (const open of this.#open.values()) open.stopEscalation?.();
    this.#waits.answerAll(refuse('OUTCOME_UNKNOWN', 'the gateway is closing'));
    this.#open.clear();
    this.#ofJob.clear();
  }

  #isFull({ run }: Run, wants: TerminationCall['wants']): boolean {
    const share = wants === 'wait' ? 1 : 2;
    const { waits, waitsPerRun } = this.#limits;
    const ofRun = this.#open.get(run)?.state.callers.size ?? 0;
    return this.#waits.size >= waits * share || ofRun >= waitsPerRun * share;
  }

  #termination(tracker: SourceTracker, run: Run): OpenTermination {
    const known = this.#open.get(run.run);
    if (known) return known;
    const open: OpenTermination = {
      state: openTermination(run.run),
      tracker,
      run,
      positions: {},
      withdraw: {},
      acceptedAt: undefined,
      stopEscalation: undefined,
      inputs: [],
      stepping: false,
      counted: 0,
    };
    this.#open.set(run.run, open);
    const job = jobOf(run);
    this.#ofJob.set(job, (this.#ofJob.get(job) ?? new Set()).add(open));
    return open;
  }

  #input(open: OpenTermination, input: TerminationInput): void {
    open.inputs.push(input);
    if (open.stepping) return;
    open.stepping = true;
    for (let next = open.inputs.shift(); next; next = open.inputs.shift()) {
      const { state, effects } = reduceTermination(open.state, next);
      open.state = state;
      for (const effect of effects) this.#effect(open, effect);
    }
    open.stepping = false;
    if (open.state.settled || open.state.escalateAfterMs === undefined) open.stopEscalation?.();
    if (isClosed(open.state)) this.#forget(open);
    this.#count(open);
  }

  #forget(open: OpenTermination): void {
    this.#open.delete(open.run.run);
    const job = jobOf(open.run);
    const terminations = this.#ofJob.get(job);
    terminations?.delete(open);
    if (terminations?.size === 0) this.#ofJob.delete(job);
  }

  /** Tells of the first and of the last who waits on a source. */
  #count(open: OpenTermination): void {
    const { source } = open.run;
    const before = this.#waiting.get(source) ?? 0;
    const now = before + open.state.callers.size - open.counted;
    open.counted = open.state.callers.size;
    if (now > 0) this.#waiting.set(source, now);
    else this.#waiting.delete(source);
    if (now > 0 !== before > 0) this.#onWaiting(source, now > 0);
  }

  #effect(open: OpenTermination, effect: TerminationEffect): void {
    switch (effect.kind) {
      case 'write':
        return this.#write(open, effect.ask, effect.by, effect.escalation);
      case 'withdraw':
        open.withdraw[effect.ask]?.();
        return;
      case 'answer':
        return this.#answer(open, effect.caller.id, effect.answer);
      case 'arm': {
        open.stopEscalation?.();
        const now = this.#clock.now();
        const elapsed = now - (open.acceptedAt ?? now);
        const escalate = (): void => this.#input(open, { kind: 'escalate' });
        open.stopEscalation = this.#clock.after(Math.max(0, effect.afterMs - elapsed), escalate);
        return;
      }
      case 'misdelivered':
        return open.tracker.misdelivered(open.run.id, effect.by);
    }
  }

  /** When the log shows what the answer speaks of; one that says at the bound that nothing is known yet speaks of nothing new. */
  #answer(open: OpenTermination, caller: number, answer: TerminationAnswer): void {
    if (answer.kind === 'timeout') return void this.#waits.answer(caller, answerOf(answer, open));
    this.#notShown.set(caller, answer);
    open.tracker.whenShown(() => {
      this.#notShown.delete(caller);
      this.#waits.answer(caller, answerOf(answer, open));
    });
  }

  #write(open: OpenTermination, ask: Ask, by: string, escalation: boolean): void {
    const { tracker, run } = open;
    if (!tracker.isUp) return this.#input(open, { kind: 'unanswered', ask, sent: false });
    const verb = ask === 'complete' ? 'complete' : 'abort';
    const force = ask === 'force';
    const args = verb === 'abort' ? { job: run.ref.id, force, ...(escalation && { escalation }) } : { job: run.ref.id };
    const written = ({ position }: WrittenCommand): void => {
      open.positions[ask] = position;
      this.#input(open, { kind: 'written', ask });
    };
    const replied = (reply: CommandReply): void => {
      switch (reply.kind) {
        case 'accepted':
          if (ask === 'soft') open.acceptedAt = this.#clock.now();
          return this.#input(open, { kind: 'accepted', ask });
        case 'refused':
          void this.#refusal(open, ask, reply).then((input) => this.#input(open, input));
          return;
        case 'busy':
          return this.#input(open, { kind: 'refused', ask, error: sourceBusy(tracker.name) });
        case 'timeout':
        case 'closed':
          return this.#input(open, { kind: 'unanswered', ask, sent: reply.sent });
      }
    };
    const present = tracker.runs.get(run.id);
    if (present?.run === run.run && present.sawReady && !force) tracker.renewBaseline(present);
    open.withdraw[ask] = writeCommand(
      { tracker, run },
      { verb, by, args },
      { verb, id: run.id, force },
      { lane: 'abort', timeoutMs: REPLY_MS, written, replied },
    );
  }

  /** A fresh query tells "not found" and "not in this state" apart. */
  async #refusal(open: OpenTermination, ask: Ask, error: { class: string; desc: string }): Promise<TerminationInput> {
    await open.tracker.refresh();
    const present = open.tracker.runs.get(open.run.id);
    const live = present?.run === open.run.run ? present : undefined;
    // Its type was not known when the soft cancel was written; of block-job-* commands, QEMU says that it has no such block job.
    if (ask === 'soft' && error.class === 'DeviceNotActive' && live && !isBlockJob(live.type))
      return { kind: 'forced-only' };
    const verb = ask === 'complete' ? 'complete' : 'abort';
    return { kind: 'refused', ask, error: mapQmpError(error, verb, ask === 'force', live) };
  }
}

/** A space is in no source name. */
const jobOf = ({ source, id }: Run): string => `${source} ${id}`;
