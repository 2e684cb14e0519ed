// A verb with its settings, and what it would do to one job, by QEMU's rules (`rules` of the protocol). Pure.
import {
  describeAbort,
  formatLimit,
  hasVerb,
  hintFor,
  type Job,
  type JobVerb,
  mayControl,
  offeredVerbs,
  type SourceInfo,
  softCancel,
  VERB_LABELS,
} from 'qmp-gateway/protocol';
import type { AbortForm } from './abort.js';

export type Intent =
  | { verb: 'abort'; form: AbortForm }
  /** `speed`: bytes per second as a decimal string; 0 is no limit. */
  | { verb: 'setSpeed'; speed: string }
  | { verb: Exclude<JobVerb, 'abort' | 'setSpeed'> };

/** What would happen to a job, or why nothing is sent for it. */
export type Effect = { ok: true; text: string; isUnusual: boolean } | { ok: false; why: string };

/** What decides it, beside the job. */
export interface Conditions {
  source: SourceInfo | undefined;
  /** Of the page's principal; `undefined`: everything is allowed. */
  scopes: readonly string[] | undefined;
}

const no = (why: string): Effect => ({ ok: false, why });
const yes = (text: string, isUnusual = false): Effect => ({ ok: true, text, isUnusual });

/** @param job `undefined`: its run has ended. */
export function effectOf(intent: Intent, job: Job | undefined, { source, scopes }: Conditions): Effect {
  if (!job) return no('This run has ended.');
  const { verb } = intent;
  if (scopes && !mayControl(scopes, job.source)) return no(`You may not control the jobs of ${job.source}.`);
  if (source && source.state !== 'up') return no(`${job.source} is not connected.`);
  if (!hasVerb(source, verb)) return no(`${job.source} has no command for it.`);
  if (!offeredVerbs(job, source).includes(verb))
    return no(`It is ${job.status}: ${hintFor(job.status, verb, (each) => hasVerb(source, each))}.`);
  switch (intent.verb) {
    case 'abort':
      return abortEffect(job, source, intent.form.force);
    case 'setSpeed':
      return yes(`Its limit becomes ${formatLimit(intent.speed)}.`);
    case 'complete':
      return yes('QEMU ends the copy and switches the disk to it.');
    case 'finalize':
      return yes('It ends, and its result becomes final.');
    case 'dismiss':
      return yes('QEMU forgets it, and its id is free again.');
    case 'pause':
      return yes('It stands still until it is resumed.');
    case 'resume':
      return yes(job.ioStatus && job.ioStatus !== 'ok' ? 'It tries the failed operation again.' : 'It goes on.');
  }
}

function abortEffect(job: Job, source: SourceInfo | undefined, force: boolean): Effect {
  if (force && !hasVerb(source, 'force')) return no(`${job.source} has no forced abort.`);
  const soft = softCancel(job);
  if (!force && soft === 'refused') return no(describeAbort(job, false, source));
  return yes(describeAbort(job, force), !force && soft === 'finishes');
}

type Lasting = 'abort' | 'complete' | 'finalize' | 'dismiss';
const LASTING: ReadonlySet<JobVerb> = new Set<Lasting>(['abort', 'complete', 'finalize', 'dismiss']);

/** Whether nothing can be done about it afterwards, so that it is asked for twice: buttons change with the job, and may do so under the pointer. */
export const isLasting = (verb: JobVerb): verb is Lasting => LASTING.has(verb);

/** What can be done about it afterwards. */
export const regretText = (verb: JobVerb): string =>
  isLasting(verb)
    ? 'This can’t be undone: what QEMU has accepted stays in force.'
    : 'It takes effect at once; only another command changes it again.';

/** The label of a verb on a button; one that opens a form has dots. */
export const verbLabel = (verb: JobVerb): string =>
  `${VERB_LABELS[verb]}${isLasting(verb) || verb === 'setSpeed' ? '…' : ''}`;
