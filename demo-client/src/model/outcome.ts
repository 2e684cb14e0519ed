// How an ending reads. In: a settlement, or a settled answer. Out: a title, a tone, and what a person has to know. Pure.
import {
  type Entry,
  isEventOf,
  type Outcome,
  type Pivoted,
  type PivotProof,
  type Provenance,
} from 'qmp-gateway/protocol';

export type Tone = 'good' | 'calm' | 'warn' | 'bad';

export interface Ending {
  outcome: Outcome;
  provenance: Provenance;
  pivoted: Pivoted;
  forced: boolean;
  escalated: boolean;
  dismissed: boolean;
  error?: string;
}

export const OUTCOME_TONE: Record<Outcome, Tone> = {
  completed: 'good',
  cancelled: 'calm',
  failed: 'bad',
  lost: 'warn',
};

export const PROVENANCE_TEXT: Record<Provenance, string> = {
  observed: 'Observed: the gateway saw every event of this ending.',
  reconciled: 'Reconciled: the gateway did not see it happen; a query proved it afterwards.',
  unknown: 'Unknown: the job vanished while the gateway could not see. Success is not assumed.',
};

export function pivotText(pivoted: Pivoted): string {
  if (pivoted === 'unknown') return "It is not known whether the disk switched to the copy: don't delete it.";
  return pivoted ? 'The disk has switched to the copy.' : 'The disk did not switch; it is where it was.';
}

/** How `pivoted` is known; a settlement of an older gateway does not say it. */
export function proofOf(settled: { pivotProof?: PivotProof }): string | undefined {
  switch (settled.pivotProof) {
    case 'type':
      return 'a job of this type never switches the disk';
    case 'event':
      return 'QEMU said that it was cancelled';
    case 'graph':
      return 'QEMU’s block graph shows it';
    case 'command':
      return 'QEMU accepted job.complete from here, and the job ended without an error';
    case null:
    case undefined:
      return undefined;
  }
}

/** What was asked for, where this page asked. */
export interface Asked {
  force: boolean;
  wasReady: boolean;
  /** Whether QEMU may have got it. */
  sent: boolean;
}

/** One sentence for the end of an abort, in particular where it is not what was asked for. */
export function abortText({ outcome, pivoted, escalated }: Ending, asked: Asked): string {
  if (!asked.sent) return 'The job has ended meanwhile. Not by this abort: nothing of it was sent.';
  switch (outcome) {
    case 'completed':
      if (asked.force || !asked.wasReady) return 'The job completed before the cancel could take effect.';
      return pivoted === true
        ? 'The job completed, and the disk switched to the copy: another client had completed it before this cancel.'
        : `The job completed instead: a soft cancel of a READY mirror lets it finish a consistent copy. ${pivotText(pivoted)}`;
    case 'cancelled':
      return escalated
        ? 'QEMU cancelled it after the soft cancel had been escalated to force.'
        : 'QEMU cancelled the job, as asked.';
    case 'failed':
      return 'The job failed by itself before the cancel took effect.';
    case 'lost':
      return 'The job vanished while the gateway could not see it. Nobody knows how it ended.';
  }
}

/** Who finalized a run here, by its events. */
export function finalizedBy(events: readonly Entry[]): string[] {
  const hands = events.flatMap((entry) =>
    isEventOf(entry, 'GATEWAY_COMMAND') && entry.data.verb === 'finalize' ? [entry.data.by] : [],
  );
  return [...new Set(hands)];
}
