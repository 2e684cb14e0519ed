// The jobs that stand still until a person decides, the most urgent first; and what would help each. Pure.
import { type Decision, decisionOf, type Job, type JobVerb } from 'qmp-gateway/protocol';

/** READY jobs may wait for days, and ended ones that hold their id do no harm: they don't count. */
export function needsPerson(job: Job): boolean {
  const decision = decisionOf(job);
  return decision === 'error' || decision === 'pending';
}

export function countNeeding(jobs: Iterable<Job>): number {
  let count = 0;
  for (const job of jobs) if (needsPerson(job)) count += 1;
  return count;
}

export function needsOf(jobs: Iterable<Job>): Job[] {
  const found = [...jobs].filter(needsPerson);
  const rank = (job: Job): number => Number(decisionOf(job) !== 'error');
  return found.sort((a, b) => rank(a) - rank(b) || (`${a.source} ${a.job}` < `${b.source} ${b.job}` ? -1 : 1));
}

const HELP: Readonly<Record<Decision, readonly JobVerb[]>> = {
  error: ['resume', 'abort'],
  pending: ['finalize', 'abort'],
  ready: ['complete', 'abort'],
  undismissed: ['dismiss'],
};

/** The verbs that end the waiting of such a job. */
export const helpFor = (job: Job): readonly JobVerb[] => HELP[decisionOf(job) ?? 'ready'];
