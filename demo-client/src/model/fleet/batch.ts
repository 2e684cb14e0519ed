// One verb for many runs: which of them it is sent for, in which order, and what became of each. Pure.

import type { JobTable } from 'qmp-gateway/client';
import { type JobVerb, offeredVerbs } from 'qmp-gateway/protocol';
import { type Conditions, effectOf, type Intent } from '../run/intent.js';
import type { Tone } from '../run/outcome.js';

/** A run as it was when it was chosen; the names of one that has ended are not in the table of jobs. */
export interface Target {
  run: string;
  source: string;
  job: string;
}

export interface Step extends Target {
  effect: string;
  /** The effect is not what the verb says: a soft abort that lets a READY job finish. */
  isUnusual: boolean;
}

export interface Plan {
  steps: readonly Step[];
  /** Nothing is sent for these. */
  excluded: readonly (Target & { why: string })[];
}

export interface Scene {
  table: JobTable;
  scopes: Conditions['scopes'];
}

/** Calls of one batch that are unanswered at the same time, at most. */
export const PARALLEL = 8;

/** Who the runs are: their names, for those that the table still has, live or ended. */
export function targetsOf(runs: Iterable<string>, { jobs, settled }: JobTable): Target[] {
  return [...runs].map((run) => {
    const known = jobs.get(run) ?? settled.get(run);
    return { run, source: known?.source ?? '', job: known?.job ?? run };
  });
}

const effectNow = (intent: Intent, run: string, { table, scopes }: Scene) => {
  const job = table.jobs.get(run);
  return effectOf(intent, job, { source: job && table.sources.get(job.source), scopes });
};

export function planBatch(intent: Intent, targets: readonly Target[], scene: Scene): Plan {
  const steps: Step[] = [];
  const excluded: (Target & { why: string })[] = [];
  for (const target of targets) {
    const effect = effectNow(intent, target.run, scene);
    if (effect.ok) steps.push({ ...target, effect: effect.text, isUnusual: effect.isUnusual });
    else excluded.push({ ...target, why: effect.why });
  }
  // What is not as the verb says is read first.
  return { steps: steps.sort((a, b) => Number(b.isUnusual) - Number(a.isUnusual)), excluded };
}

/** Why a step that waited for its turn must not be sent any more: it would do something else than what was shown. */
export function objectionTo(step: Step, intent: Intent, scene: Scene): string | undefined {
  const effect = effectNow(intent, step.run, scene);
  if (!effect.ok) return effect.why;
  return effect.text === step.effect ? undefined : `The job has changed. ${effect.text}`;
}

export type Progress =
  | { name: 'queued' }
  | { name: 'sent' }
  /** The answer came: what was asked for has happened, or QEMU has accepted it. */
  | { name: 'done'; text: string; tone: Tone }
  /** `inForce`: the command may have reached QEMU all the same. */
  | { name: 'failed'; text: string; inForce: boolean }
  | { name: 'withheld'; text: string };

export interface Tally {
  open: number;
  done: number;
  failed: number;
  withheld: number;
}

export function tallyOf(states: Iterable<Progress>): Tally {
  const tally: Tally = { open: 0, done: 0, failed: 0, withheld: 0 };
  for (const { name } of states) tally[name === 'queued' || name === 'sent' ? 'open' : name] += 1;
  return tally;
}

const RANK: Readonly<Record<Progress['name'], number>> = { failed: 0, withheld: 1, sent: 2, done: 3, queued: 4 };

/** What went wrong first, then what runs, what is done, and what waits. */
export function byUrgency<T extends { run: string }>(steps: readonly T[], states: ReadonlyMap<string, Progress>): T[] {
  const rank = ({ run }: T): number => RANK[states.get(run)?.name ?? 'queued'];
  return [...steps].sort((a, b) => rank(a) - rank(b));
}

/** Runs for which the same may be tried again: nothing of theirs is in force. */
export function retryable(steps: readonly Step[], states: ReadonlyMap<string, Progress>): Step[] {
  return steps.filter(({ run }) => {
    const state = states.get(run);
    return state?.name === 'withheld' || (state?.name === 'failed' && !state.inForce);
  });
}

const ORDER: readonly JobVerb[] = ['finalize', 'complete', 'resume', 'pause', 'setSpeed', 'abort', 'dismiss'];

/** For how many of the runs each verb is offered, in the order in which verbs are offered. Verbs for none are left out. */
export function verbCounts(runs: Iterable<string>, { jobs, sources }: JobTable): [JobVerb, number][] {
  const counts = new Map<JobVerb, number>();
  for (const run of runs) {
    const job = jobs.get(run);
    for (const verb of job ? offeredVerbs(job, sources.get(job.source)) : [])
      counts.set(verb, (counts.get(verb) ?? 0) + 1);
  }
  return ORDER.flatMap((verb) => (counts.has(verb) ? [[verb, counts.get(verb) ?? 0] as [JobVerb, number]] : []));
}
