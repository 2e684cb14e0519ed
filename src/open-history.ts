// The history of runs: in the data folder or in memory, fed with what the log shows as settled, and with the progress of live runs.
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Subscription } from 'rxjs';
import { CLOCK } from './clock.js';
import type { Config } from './config/index.js';
import type { Core } from './core.js';
import {
  HISTORY_LIMITS,
  HistoryFolder,
  type HistoryLimits,
  type HistoryReport,
  ProgressSamples,
  RunHistory,
} from './history/index.js';

/** Milliseconds between two polls of a source for the history's sake: the least, and those that each source adds where there are very many. */
const POLL_MS = 60_000;
const POLL_ALL_MS = 50;

/** What the history takes. */
type HistorySource = Pick<Core, 'view' | 'restored' | 'startOf' | 'ended$'>;

export interface OpenHistory {
  history: RunHistory;
  samples: ProgressSamples;
  /** Begins to take what settles. */
  follow(): Subscription;
}

/** @throws the error of the file system. */
export async function openHistory(
  { data, limits }: Config,
  jobs: HistorySource,
  logger: Logger,
  tuning: Partial<HistoryLimits> = {},
): Promise<OpenHistory> {
  const folder = data && join(data.folder, 'history');
  const history = new RunHistory({
    limits: { ...HISTORY_LIMITS, ...limits.history, ...tuning },
    clock: CLOCK,
    folder: folder === undefined ? undefined : new HistoryFolder(folder),
    report: (report) => note(report, folder ?? '', logger),
  });
  await history.open();
  // A gateway that was killed between a settlement and its record.
  for (const ended of jobs.restored()) history.add(ended);
  const samples = new ProgressSamples(({ source, job }) => jobs.startOf(source, job));
  return { history, samples, follow: () => follow(history, samples, jobs, logger) };
}

function follow(history: RunHistory, samples: ProgressSamples, jobs: HistorySource, logger: Logger): Subscription {
  const failed = (err: unknown): void => logger.error({ err }, 'the history takes nothing any more');
  const running = new Subscription();
  running.add(
    jobs.ended$.subscribe({
      next: (ended) => history.add(ended, samples.take(ended.settled)),
      error: failed,
    }),
  );
  running.add(jobs.view.progress$.subscribe({ next: (rows) => samples.add(rows, CLOCK.date()), error: failed }));
  // Only sources with active runs are polled; very many sources each less often.
  const demand = (): void => {
    const everyMs = Math.max(POLL_MS, jobs.view.sources().length * POLL_ALL_MS);
    jobs.view.demand('history', { wants: () => true, everyMs });
  };
  demand();
  running.add(CLOCK.every(POLL_MS, demand));
  return running;
}

function note(report: HistoryReport, folder: string, logger: Logger): void {
  switch (report.kind) {
    case 'damage':
      return logger.warn(
        { folder, file: report.file, position: report.position },
        report.damage === 'cut' ? 'the last line of the history was cut' : 'a line of the history is damaged: skipped',
      );
    case 'failing':
      return logger.error({ folder, err: report.error }, 'the history cannot be written, or read');
    case 'recovered':
      return logger.info({ folder }, 'the history is written again');
  }
}
