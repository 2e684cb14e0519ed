// Whether a job needs a person to act: at most one mark, the most severe one. Pure.
import { type Decision, decisionOf, type Job } from 'qmp-gateway/protocol';

export type Mark = Decision | 'unclear';

export interface Attention {
  mark: Mark;
  label: string;
  /** The meaning, and what would help. */
  advice: string;
}

/** In order of urgency, for sorting. */
const GRAVITY: Record<Mark, number> = { error: 0, pending: 1, ready: 3, undismissed: 4, unclear: 5 };

/** Without a mark a job goes on by itself; READY jobs, which may wait for days, come after it. */
export const gravityOf = (attention: Attention | undefined): number => (attention ? GRAVITY[attention.mark] : 2);

export function attentionOf(job: Job): Attention | undefined {
  switch (decisionOf(job)) {
    case 'undismissed':
      return {
        mark: 'undismissed',
        label: 'Holds its id',
        advice: 'It has ended and still occupies its id in QEMU. Dismiss it to free the id.',
      };
    case 'error':
      return job.ioStatus === 'nospace'
        ? stopped('No space', 'The target is full. Free space there, then resume.')
        : stopped('I/O error', 'Stopped by an I/O error. Resume to try again, or abort with force.');
    case 'pending':
      return {
        mark: 'pending',
        label: 'Needs finalize',
        advice: 'Its work is done and it waits for you: finalize or abort.',
      };
    case 'ready':
      return {
        mark: 'ready',
        label: 'Ready',
        advice:
          'The copy is in sync and follows every write. Not done: complete it to switch over, or abort to leave the disk.',
      };
    case undefined:
      return undefined;
  }
}

const stopped = (label: string, advice: string): Attention => ({ mark: 'error', label, advice });
