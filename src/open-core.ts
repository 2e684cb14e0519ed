// The core of a gateway that is a process of its own.
import type { Logger } from 'pino';
import type { Config } from './config/index.js';
import type { Core } from './core.js';
import { openJobs, type TrackOptions } from './jobs/index.js';
import type { EventLog, LogLimits } from './log/index.js';
import { type DiskTuning, openLog } from './open-log.js';

export interface CoreTuning {
  track: Partial<TrackOptions>;
  log?: Partial<LogLimits> | undefined;
  disk?: DiskTuning | undefined;
  openLog?: (() => EventLog) | undefined;
}

/** @throws `FolderInUse`, or the error of the file system. */
export async function openCore(config: Config, logger: Logger, tuning: CoreTuning): Promise<Core> {
  const { log, restored, saveFrom } = tuning.openLog
    ? { log: tuning.openLog(), restored: undefined, saveFrom: () => undefined }
    : await openLog(config, logger, tuning);
  const jobs = openJobs({ journalOf: () => log, restored, logger, track: tuning.track });
  saveFrom(jobs.save);
  return {
    log,
    failed: log.failed,
    commands: jobs.commands,
    view: jobs.view,
    shared: jobs.shared,
    restored: jobs.restored,
    startOf: jobs.startOf,
    ended$: jobs.ended$,
    follow: jobs.follow,
    serving: () => undefined,
    isUnwell: () => false,
    conclude: jobs.conclude,
    close: async () => {
      jobs.close();
      await log.close();
    },
  };
}
