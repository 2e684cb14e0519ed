// From the decision of a termination to the result or the error that the caller gets on the wire. Pure.
import { type Answer, refuse } from '../../protocol/answer.js';
import type { LogPosition } from '../../protocol/draft.js';
import type { Requested, Settled } from '../../protocol/methods.js';
import type { Cursor, SettledRun } from '../../protocol/types.js';
import { type Run, viewRun } from '../model/run.js';
import type { EndCommand, TerminationAnswer } from './termination.js';

export interface AnsweredRun {
  /** As it was when the termination was opened. */
  run: Run;
  tracker: { shownRun(id: string): Run | undefined; readonly cursor: Cursor };
  /** Position of the GATEWAY_COMMAND of each command that was written. */
  positions: Partial<Record<EndCommand, LogPosition>>;
}

/** Called once the log shows what the answer rests on. */
export function answerOf(
  answer: TerminationAnswer,
  { run: opened, tracker, positions }: AnsweredRun,
): Answer<Requested | Settled> {
  const { source, run } = opened;
  const job = opened.ref.id;
  switch (answer.kind) {
    case 'requested':
      return {
        ok: true,
        result: { status: 'requested', source, job, run, cursor: positions[answer.command]?.cursor ?? tracker.cursor },
      };
    case 'settled':
      return { ok: true, result: settledResult(answer.settled) };
    case 'refused':
      return { ok: false, error: answer.error };
    case 'down':
      return refuse('SOURCE_DOWN', 'the monitor was lost before the command was written; nothing was sent', { run });
    case 'unknown':
      return refuse('OUTCOME_UNKNOWN', 'the command was sent, and its effect is unknown', {
        run,
        ...(answer.newRun !== undefined && { newRun: answer.newRun }),
      });
    case 'timeout': {
      const live = tracker.shownRun(opened.id);
      return refuse('TIMEOUT', TIMEOUT_TEXT[`${answer.accepted}`], {
        accepted: answer.accepted,
        job: viewRun(live?.run === run ? live : opened),
      });
    }
  }
}

const TIMEOUT_TEXT = {
  true: 'the job has not ended within the bound; what QEMU has accepted stays in force',
  false: 'the job has not ended within the bound',
  null: 'QEMU has not answered within the bound; the command was written and may still be carried out',
};

/** The bound has passed, and the answer that was decided rests on entries that the log does not show yet. */
export function notShown(answer: TerminationAnswer, job: Run | undefined): Answer<never> {
  const accepted =
    answer.kind === 'refused' || answer.kind === 'down' ? false : answer.kind === 'unknown' ? null : true;
  return refuse('TIMEOUT', 'the log of the gateway did not take the result of the command within the bound', {
    accepted,
    ...(job && { job: viewRun(job) }),
  });
}

export function settledResult({ source, job, run, cursor, settled }: SettledRun): Settled {
  const { outcome, provenance, pivoted, pivotProof, forced, escalated, dismissed, error } = settled;
  return {
    status: 'settled',
    outcome,
    provenance,
    pivoted,
    pivotProof,
    forced,
    escalated,
    dismissed,
    ...(error !== undefined && { error }),
    source,
    job,
    run,
    cursor,
  };
}
