// The end of a run as a text for the user who requested it: what happened, which may differ from what was requested. Pure.
import {
  describePivot,
  type Entry,
  isEventOf,
  type Outcome,
  type Pivoted,
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

/** What this page requested. */
export interface Asked {
  force: boolean;
  /** The job was READY then, so a soft cancel lets it finish. */
  wasInSync: boolean;
  /** Whether QEMU may have got it. */
  sent: boolean;
}

/** One sentence for the end of an abort, in particular if it is not what was requested. */
export function abortText({ outcome, pivoted, escalated }: Ending, asked: Asked): string {
  if (!asked.sent) return 'The job has ended meanwhile. Not by this abort: nothing of it was sent.';
  switch (outcome) {
    case 'completed':
      if (asked.force || !asked.wasInSync) return 'The job completed before the cancel could take effect.';
      return pivoted === true
        ? 'The job completed, and the disk switched to the copy: another client had completed it before this cancel.'
        : `The job completed instead: a soft cancel of a READY job lets it finish a consistent copy. ${describePivot(pivoted)}`;
    case 'cancelled':
      return escalated
        ? 'QEMU cancelled it after the soft cancel had been escalated to force.'
        : 'QEMU cancelled the job, as requested.';
    case 'failed':
      return 'The job failed by itself before the cancel took effect.';
    case 'lost':
      return 'The job vanished while the gateway had no connection. How it ended is unknown.';
  }
}

/** Who finalized the run through this gateway, by its events. */
export function finalizedBy(events: readonly Entry[]): string[] {
  const hands = events.flatMap((entry) =>
    isEventOf(entry, 'GATEWAY_COMMAND') && entry.data.verb === 'finalize' ? [entry.data.by] : [],
  );
  return [...new Set(hands)];
}
