// How an ending reads. In: a settlement, or a settled answer. Out: a title, a tone, and what a person has to know. Pure.
import type { Outcome, Pivoted, Provenance } from 'qmp-gateway/protocol';

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
  if (pivoted === 'unknown') return "The disk may have switched to the copy: don't delete it.";
  return pivoted ? 'The disk has switched to the copy.' : 'The disk did not switch; it is where it was.';
}

/** What was asked for, where this page asked. */
export interface Asked {
  force: boolean;
  wasReady: boolean;
}

/** One sentence for the end of an abort, in particular where it is not what was asked for. */
export function abortText({ outcome, pivoted, escalated }: Ending, asked: Asked): string {
  switch (outcome) {
    case 'completed':
      return !asked.force && asked.wasReady && pivoted === false
        ? 'The job completed instead: a soft cancel of a READY mirror lets it finish a consistent copy. The disk did not switch.'
        : 'The job completed before the cancel could take effect.';
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
