// A run of the gateway's history as the page has settlements and figures. Pure.
import type { HistoryRun, ProgressSample, SettledRun } from 'qmp-gateway/protocol';
import type { Trail } from '../fleet/pace.js';

/** Whether it still holds its id the history does not say: a job that does is in the table of jobs. */
export function settlementOf(past: HistoryRun): SettledRun {
  const { source, job, run, ended, end, start: _start, durationMs: _ms, ...settled } = past;
  return { source, job, run, cursor: ended, time: end, settled: { ...settled, dismissed: true } };
}

/** Figures of the past, then those that the page has received; `start` is the run's, ISO 8601. */
export function withPast(trail: Trail, start: string | null | undefined, progress: readonly ProgressSample[]): Trail {
  const begin = Date.parse(start ?? '');
  if (Number.isNaN(begin)) return trail;
  const first = trail.at[0] ?? Number.POSITIVE_INFINITY;
  const past = progress.filter(([sinceMs]) => begin + sinceMs < first);
  return {
    at: [...past.map(([sinceMs]) => begin + sinceMs), ...trail.at],
    offset: [...past.map(([, offset]) => offset), ...trail.offset],
  };
}

/** Short: the error, and who asked for the end. */
export function noteOf({ error, requestedBy }: Pick<HistoryRun, 'error' | 'requestedBy'>): string {
  const by = requestedBy.length > 0 ? `by ${requestedBy.join(', ')}` : '';
  return error === undefined ? by : `${error}${by === '' ? '' : ` (${by})`}`;
}
