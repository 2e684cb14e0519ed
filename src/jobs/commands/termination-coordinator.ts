// The open terminations: runs that callers want to end or whose end they await. Calls and the trackers' signals become commands to monitors and
// answers to callers, each within its bound. `reduceTermination` decides; this file has the timers, the monitor, and the wait for the log.
import type { CallContext } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import { type Answer, refuse } from '../../protocol/answer.js';
import type { Requested, Settled } from '../../protocol/methods.js';
import { isBlockJob } from '../../protocol/rules.js';
import type { CommandReply } from '../../sources/index.js';
import type { Run } from '../model/run.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import type { TrackSignal, WrittenCommand } from '../tracking/track-listener.js';
import { answerOf, notShown } from './answers.js';
import {
  jobOf,
  type OpenTermination,
  openFor,
  requestOf,
  TERMINATION_LIMITS,
  type TerminationLimits,
} from './open-termination.js';
import { mapQmpError, sourceBusy } from './qmp-error.js';
import { sendCommand } from './send-command.js';
import {
  type EndCommand,
  isClosed,
  reduceTermination,
  type TerminationAnswer,
  type TerminationEffect,
  type TerminationInput,
} from './termination.js';
import { Waits } from './waits.js';

/** A command's reply is awaited far beyond every caller's bound, since a late acceptance still counts for the run's outcome. */
const REPLY_MS = 2 * 3_600_000;

export interface TerminationCall {
  wants: EndCommand | 'wait';
  sync: boolean;
  escalateAfterMs?: number;
}

/** Called when the first caller on a source begins to wait and when the last one ceases: meanwhile queries back up the events. */
export type OnWaiting = (source: string, waiting: boolean) => void;

export class TerminationCoordinator {
  readonly #clock: Clock;
  readonly #onWaiting: OnWaiting;
  readonly #open = new Map<string, OpenTermination>();
  /** The open terminations by source and job id. A busy monitor begins thousands of runs a second, and few of them have a termination. */
  readonly #ofJob = new Map<string, Set<OpenTermination>>();
  readonly #waits: Waits;
  /** The calls of callers in a cluster, by caller. */
  readonly #requests = new Map<number, string>();
  /** Answers that wait for the log, by caller. */
  readonly #notShown = new Map<number, TerminationAnswer>();
  readonly #limits: TerminationLimits;
  /** Number of waiting callers by source. */
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

  /** Resolves with the answer, at the context's deadline at the latest; never rejects. The run must not have settled. */
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
      const answered = (answer: Answer<Requested | Settled>): void => {
        this.#requests.delete(id);
        resolve(answer);
      };
      if (context.request !== undefined) this.#requests.set(id, context.request);
      this.#waits.add(id, answered, context, {
        due: () => {
          // If the run has ended and only the proof of a pivot is missing, it settles now without it: the caller gets the outcome within its bound.
          if (sync) open.tracker.conclude(run.run);
          this.#input(open, { kind: 'timeout', caller: id });
          const unshown = this.#notShown.get(id);
          if (unshown) this.#waits.answer(id, notShown(unshown, open.tracker.shownRun(run.id)));
        },
        gone: () => this.#input(open, { kind: 'gone', caller: id }),
      });
      // QEMU has only job-cancel for a job that is no block job, and it always forces.
      const command = wants === 'soft' && !isBlockJob(run.type) ? 'force' : wants;
      const caller = { id, wants: command, sync, by: context.principal.name };
      this.#input(open, { kind: 'call', caller, ...(escalateAfterMs !== undefined && { escalateAfterMs }) });
      if (context.signal.aborted) this.#waits.leave(id);
    });
  }

  /** Passes on the next signal of a tracker. */
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
        if (run !== open.run.run) this.#input(open, { kind: 'new-run', run });
      return;
    }
    for (const open of [...this.#open.values()]) {
      if (open.run.source !== source) continue;
      if (signal.kind === 'down') this.#input(open, { kind: 'down' });
      else if (open.tracker.runs.get(open.run.id)?.run === open.run.run) this.#input(open, { kind: 'survived' });
    }
  }

  /** A source of before the restart has come again: its runs go on in this tracker, and so do their terminations. */
  claimed(tracker: SourceTracker): void {
    for (const open of this.#open.values()) if (open.run.source === tracker.name) open.tracker = tracker;
  }

  /** Another gateway has the source: what was sent stays in force, and its outcome is published there. */
  released(source: string): void {
    for (const open of [...this.#open.values()]) {
      if (open.run.source !== source) continue;
      open.stopEscalation?.();
      for (const caller of [...open.state.callers.keys()]) this.#waits.answer(caller, elsewhere(source));
      open.state.callers.clear();
      this.#forget(open);
      this.#count(open);
    }
  }

  /** Answers every caller. There must be no call afterwards. */
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
    const open = openFor(tracker, run);
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

  /** Reports the first and the last waiting caller of a source. */
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
        return this.#write(open, effect.command, effect.by, effect.escalation);
      case 'withdraw':
        open.withdraw[effect.command]?.();
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

  /** Answers once the log shows what the answer rests on. A timeout rests on nothing new, so it is answered at once. */
  #answer(open: OpenTermination, caller: number, answer: TerminationAnswer): void {
    if (answer.kind === 'timeout') return void this.#waits.answer(caller, answerOf(answer, open));
    this.#notShown.set(caller, answer);
    open.tracker.whenShown(() => {
      this.#notShown.delete(caller);
      this.#waits.answer(caller, answerOf(answer, open));
    });
  }

  #write(open: OpenTermination, command: EndCommand, by: string, escalation: boolean): void {
    const { tracker, run } = open;
    if (!tracker.isUp) return this.#input(open, { kind: 'unanswered', command, sent: false });
    const verb = command === 'complete' ? 'complete' : 'abort';
    const force = command === 'force';
    const args = verb === 'abort' ? { job: run.ref.id, force, ...(escalation && { escalation }) } : { job: run.ref.id };
    const written = ({ position }: WrittenCommand): void => {
      open.positions[command] = position;
      this.#input(open, { kind: 'written', command });
    };
    const replied = (reply: CommandReply): void => {
      switch (reply.kind) {
        case 'accepted':
          if (command === 'soft') open.acceptedAt = this.#clock.now();
          return this.#input(open, { kind: 'accepted', command });
        case 'refused':
          void this.#refusal(open, command, reply).then((input) => this.#input(open, input));
          return;
        case 'busy':
          return this.#input(open, { kind: 'refused', command, error: sourceBusy(tracker.name) });
        case 'timeout':
        case 'closed':
          return this.#input(open, { kind: 'unanswered', command, sent: reply.sent });
      }
    };
    const before = (): void => {
      const present = tracker.runs.get(run.id);
      if (present?.run === run.run && present.sawReady && !force) tracker.renewBaseline(present);
    };
    open.withdraw[command] = sendCommand(
      { tracker, run },
      { verb, by, args, ...requestOf(open, command, this.#requests) },
      { verb, id: run.id, force },
      { lane: 'abort', timeoutMs: REPLY_MS, written, replied, before, clock: this.#clock },
    );
  }

  /** A fresh query distinguishes "no such job" from "not in this status". */
  async #refusal(
    open: OpenTermination,
    command: EndCommand,
    error: { class: string; desc: string },
  ): Promise<TerminationInput> {
    await open.tracker.refresh();
    const present = open.tracker.runs.get(open.run.id);
    const live = present?.run === open.run.run ? present : undefined;
    // The type was unknown when the soft cancel was written; to a job that is no block job, QEMU answers it with DeviceNotActive.
    if (command === 'soft' && error.class === 'DeviceNotActive' && live && !isBlockJob(live.type))
      return { kind: 'forced-only' };
    const verb = command === 'complete' ? 'complete' : 'abort';
    return { kind: 'refused', command, error: mapQmpError(error, verb, command === 'force', live, open.tracker) };
  }
}

const elsewhere = (source: string): Answer<never> =>
  refuse('OUTCOME_UNKNOWN', `another gateway has taken over ${source}; job.wait asks it for the outcome`);
