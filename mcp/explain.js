// What is said of a job, from what the gateway knows. Pure: texts of the one rule file and its words, no judgement of its own.
import {
  decisionOf,
  describeReason,
  formatAmount,
  formatDuration,
  formatLimit,
  formatPercent,
  formatRate,
  isAnswering,
  offeredVerbs,
  shareDone,
  summarizeSettlement,
} from './lib/protocol/index.js';

/** One line of a list. */
export function describeJob(job) {
  const done = formatPercent(shareDone(job), job.status);
  const waits = decisionOf(job);
  return `${job.source} ${job.job} (run ${job.run}): ${job.type ?? 'job'}, ${job.status}, ${done}${waits ? `, waits for a decision (${waits})` : ''}`;
}

const WAITS = {
  error:
    'An I/O error has stopped it: the guest or the target ran into an error of its storage. It goes on only by `resume`, once the cause is gone, or ends by a forced abort.',
  pending: 'Its work is done, and it waits for `finalize` before it changes the block graph.',
  ready:
    'The copy is in sync and follows every write. It stays so until somebody completes it (the disk switches to the copy) or aborts it (it does not).',
  undismissed: 'It has ended and keeps its id until it is dismissed.',
};

/**
 * Why a job does not go on, as far as the gateway knows.
 *
 * @param moved bytes (or units) that it has advanced in `overMs`; `undefined`: it was not measured.
 */
export function explainJob(job, source, moved, overMs) {
  const lines = [describeJob(job), `${formatAmount(job.offset, job.type)} of ${formatAmount(job.len, job.type)}`];
  const waits = decisionOf(job);
  if (job.settled) lines.push(`It has ended: ${summarizeSettlement(job.settled)}.`);
  if (!isAnswering(source))
    lines.push(
      `The gateway has no answer from its QEMU: the source is ${source?.state ?? 'unknown'}. ${source?.reason ? `${describeReason(source.reason)} ` : ''}The figures above are old, and no verb reaches it now.`,
    );
  if (waits) lines.push(WAITS[waits]);
  if (job.status === 'paused' || job.status === 'standby')
    lines.push(
      'It is paused. QEMU does not say by whom; `resume` lets it go on, unless it was stopped by an I/O error that is still there.',
    );
  if (job.status === 'aborting')
    lines.push('It is being cancelled, or is failing: QEMU waits until its requests in flight are done.');
  if (job.status === 'waiting') lines.push('It has done its part and waits for the other jobs of its transaction.');
  if (job.status === 'created') lines.push('It was created and has not begun.');
  if (job.speed !== 0 && job.speed !== '0') lines.push(`Its speed is limited to ${formatLimit(job.speed)}.`);
  if (job.error) lines.push(`QEMU says: ${job.error}`);
  if (moved !== undefined && job.status === 'running')
    lines.push(
      moved > 0
        ? `It advances: ${formatRate((moved * 1000) / overMs, job.type)}.`
        : `It has not advanced in ${formatDuration(overMs)}: its storage does not answer, or the guest writes as fast as it copies.`,
    );
  const verbs = offeredVerbs(job, source);
  lines.push(
    verbs.length > 0 ? `Verbs that would have an effect: ${verbs.join(', ')}.` : 'No verb would have an effect.',
  );
  return lines;
}

/** A run that has ended, in a list. */
export function describeEnd(run) {
  const took = run.durationMs === null ? '' : ` after ${formatDuration(run.durationMs)}`;
  const by = run.requestedBy.length > 0 ? `, asked for by ${run.requestedBy.join(', ')}` : '';
  const error = run.error ? `, ${run.error}` : '';
  return `${run.end} ${run.source} ${run.job} (run ${run.run}): ${run.type ?? 'job'} ${run.outcome} (${run.provenance})${took}, pivoted: ${run.pivoted}${by}${error}`;
}

/** The story of a run: its entries in order. */
export function tellStory({ record, progress, entries, truncated }) {
  return [
    ...(record ? [describeEnd(record)] : ['It is live.']),
    ...(progress.length > 0
      ? [`Progress was recorded ${progress.length === 1 ? 'once' : `${progress.length} times`}.`]
      : ['Its progress was not recorded.']),
    ...(truncated ? ['Some of its events are not kept any more.'] : []),
    ...entries.map(({ time, type, data }) => `${time ?? 'without a time'} ${type} ${JSON.stringify(data)}`),
  ];
}
