// The log that the configuration asks for: in memory, or in a folder, with the state of the job layer that the folder has.
import type { Logger } from 'pino';
import { CLOCK } from './clock.js';
import type { Config } from './config/index.js';
import { Restoration } from './jobs/index.js';
import {
  type Discontinuity,
  type Disk,
  type DiskLogLimits,
  type DiskReport,
  type EventLog,
  type LogLimits,
  MemoryLog,
  openDiskLog,
} from './log/index.js';

export interface OpenLog {
  log: EventLog;
  /** What it had; `undefined`: it keeps nothing over a restart. */
  restored: Restoration | undefined;
  /** @param save the state of the job layer as the log shows it, for the next start. */
  saveFrom(save: () => Iterable<string>): void;
}

/** Of a log that begins anew: after these nothing is missing that a run may have settled in, but for the last milliseconds of a machine. */
const KEEP_RUNS: readonly Discontinuity[] = ['new', 'machine'];

/** How the log of a folder may be tuned by a test. */
export interface DiskTuning extends Partial<DiskLogLimits> {
  disk?: Disk;
  /** Milliseconds after which a start that waits for the disk says so, and again. Default 10,000. */
  sayMs?: number;
}

/** @throws `FolderInUse`, or the error of the file system. */
export async function openLog(
  { data, limits }: Config,
  logger: Logger,
  tuning: { log?: Partial<LogLimits> | undefined; disk?: DiskTuning | undefined },
): Promise<OpenLog> {
  if (data === undefined)
    return {
      log: new MemoryLog({ limits: { ...limits.log, ...tuning.log } }),
      restored: undefined,
      saveFrom: () => undefined,
    };
  const restored = new Restoration();
  const { disk, sayMs = 10_000, ...diskLimits } = tuning.disk ?? {};
  const stop = CLOCK.every(sayMs, () =>
    logger.warn({ folder: data.folder }, 'the start waits for the disk of the log, which has not answered'),
  );
  const opened = await openDiskLog({
    path: data.folder,
    restorer: restored,
    report: (report) => note(report, data.folder, logger),
    limits: {
      ...(limits.log.totalBytes !== undefined && { memoryBytes: limits.log.totalBytes }),
      ...(data.maxBytes !== undefined && { maxBytes: data.maxBytes }),
      ...limits.disk,
      syncMs: data.syncMs,
      ...diskLimits,
    },
    ...(disk && { disk }),
  }).finally(stop);
  const { log, discontinuity: reason, detail } = opened;
  if (reason !== undefined && !KEEP_RUNS.includes(reason)) restored.forgetRuns();
  const details = { folder: data.folder, cursor: log.cursor };
  // The folder's log does not go on, whatever was found: its disk takes nothing.
  if (log.status.disk?.problem !== undefined) logger.warn(details, 'the log begins another epoch, in memory alone');
  else if (reason === undefined) logger.info(details, 'the log goes on');
  else if (reason === 'new') logger.info(details, 'the log begins');
  else logger.warn({ ...details, reason, detail }, 'the log begins another epoch');
  return { log, restored, saveFrom: opened.checkpointFrom };
}

function note(report: DiskReport, folder: string, logger: Logger): void {
  switch (report.kind) {
    case 'failing':
      return logger.error({ folder, err: report.error }, 'the log cannot be written: events are kept in memory alone');
    case 'recovered':
      return logger.info({ folder }, 'the log is written again');
    case 'checkpoint-failed':
      return logger.error(
        { folder, err: report.error },
        'the checkpoint of the log cannot be written: it is tried again',
      );
    case 'unreadable':
      return logger.error(
        { folder, err: report.error },
        'older entries of the log cannot be read: who needs them is reset',
      );
  }
}
