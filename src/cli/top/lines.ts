// The lines of `top`. Pure.
import { decisionOf, isAnswering } from '../../protocol/rules.js';
import type { Job, SourceInfo } from '../../protocol/types.js';
import { formatDuration, formatRate } from '../../protocol/words.js';
import { type Column, type TableForm, tableOf } from '../columns.js';
import { JOB_COLUMNS } from '../job-columns.js';
import { timeLeft } from '../rates.js';

export interface TopState {
  url: string;
  sources: readonly SourceInfo[];
}

type PerSecond = ReadonlyMap<string, number>;

/** Sources, jobs, those that wait for a decision, and the sum of the rates of jobs whose unit is bytes. */
export function headLine({ url, sources }: TopState, jobs: readonly Job[], perSecond: PerSecond): string {
  const up = sources.filter(({ state }) => state === 'up').length;
  const waiting = jobs.filter((job) => decisionOf(job) !== undefined).length;
  const sum = jobs.reduce((all, { run, status }) => all + (status === 'running' ? (perSecond.get(run) ?? 0) : 0), 0);
  return [
    `sources: ${up} of ${sources.length} up`,
    `jobs: ${jobs.length}${waiting > 0 ? `, ${waiting} waiting` : ''}`,
    formatRate(sum, 'mirror'),
    url,
  ].join(' · ');
}

/** The sources that do not answer, and why. */
export function sourcesLine({ sources }: TopState): string | undefined {
  const away = sources.filter((source) => !isAnswering(source));
  if (away.length === 0) return undefined;
  return away.map(({ name, state, reason }) => `${name}: ${state}${reason ? ` (${reason})` : ''}`).join('  ');
}

const NAMES: readonly string[] = ['SOURCE', 'JOB', 'TYPE', 'STATUS', 'DONE', 'PROGRESS'];

/** The headings, then a line a job; the chosen one is marked. */
export function jobLines(
  jobs: readonly Job[],
  perSecond: PerSecond,
  chosen: string | undefined,
  form: TableForm,
): string[] {
  const rateOf = ({ run, status }: Job): number | undefined => (status === 'running' ? perSecond.get(run) : undefined);
  const rate: Column<Job> = {
    head: 'RATE',
    cell: (job) => {
      const now = rateOf(job);
      return now === undefined ? '' : formatRate(now, job.type);
    },
  };
  const left: Column<Job> = {
    head: 'LEFT',
    cell: (job) => {
      const ms = timeLeft(job, rateOf(job) ?? 0);
      return ms === undefined ? '' : formatDuration(ms);
    },
    rank: 2,
  };
  const mark: Column<Job> = { head: ' ', cell: ({ run }) => (run === chosen ? '>' : ' ') };
  const own = JOB_COLUMNS.filter(({ head }) => NAMES.includes(head));
  // The rate matters more than the amounts, which DONE has as a share.
  const columns = own.map((column) => (column.head === 'PROGRESS' ? { ...column, rank: 3 } : column));
  return tableOf([mark, ...columns, rate, left], jobs, form);
}
