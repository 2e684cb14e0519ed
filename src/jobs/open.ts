// The job layer as one: sources come and go, their signals become runs and settlements in the log, and callers get a view of them and commands
// on them.
import { Subject } from 'rxjs';
import type { Progress } from '../protocol/types.js';
import { JobCommands } from './commands/job-commands.js';
import type { Journal } from './model/journal.js';
import { ProgressPoller } from './tracking/progress-poller.js';
import type { Ended } from './tracking/run-store.js';
import { SourceRegistry } from './tracking/source-registry.js';
import { SourceTracker } from './tracking/source-tracker.js';
import type { TrackListener } from './tracking/track-listener.js';
import type { TrackOptions } from './tracking/track-options.js';

/** Milliseconds between the queries that back up the events while somebody waits for a run's end. */
const WAIT_POLL_MS = 2_000;

export type Jobs = ReturnType<typeof openJobs>;

export function openJobs(journal: Journal) {
  const registry = new SourceRegistry();
  const poller = new ProgressPoller();
  const jobCommands = new JobCommands(registry, (source, waiting) =>
    poller.demand(`wait ${source}`, waiting ? { wants: (name) => name === source, everyMs: WAIT_POLL_MS } : undefined),
  );
  const ended$ = new Subject<Ended['settled']>();
  const progress$ = new Subject<Progress[]>();
  const listener: TrackListener = {
    signal: (source, signal) => {
      // Remembered before the signal goes on, so that a caller that asks because of it finds it.
      if (signal.kind === 'settled') registry.history.add(signal.ended);
      jobCommands.take(source, signal);
      const tracker = registry.get(source);
      if (tracker && (signal.kind === 'began' || signal.kind === 'synced')) poller.arm(tracker);
      if (tracker && signal.kind === 'settled') tracker.whenShown(() => ended$.next(signal.ended.settled));
    },
    measured: (rows) => progress$.next(rows),
  };
  return {
    /** By the name of their method on the wire. */
    commands: {
      'job.get': jobCommands.get.bind(jobCommands),
      'job.abort': jobCommands.abort.bind(jobCommands),
      'job.wait': jobCommands.wait.bind(jobCommands),
      'job.complete': jobCommands.complete.bind(jobCommands),
      'job.pause': jobCommands.pause.bind(jobCommands),
      'job.resume': jobCommands.resume.bind(jobCommands),
      'job.finalize': jobCommands.finalize.bind(jobCommands),
      'job.dismiss': jobCommands.dismiss.bind(jobCommands),
      'job.setSpeed': jobCommands.setSpeed.bind(jobCommands),
    },
    view: {
      sources: () => registry.sources,
      jobs: (wants: (source: string) => boolean) => registry.jobs(wants),
      settled: () => registry.settled(() => true, Number.POSITIVE_INFINITY),
      isLive: (source: string, job: string, run: string) => registry.isLive(source, job, run),
      progress$: progress$.asObservable(),
      freshen: registry.freshen.bind(registry),
      demand: poller.demand.bind(poller),
    },
    /** Every settlement, when the log shows it. */
    ended$: ended$.asObservable(),
    /** @returns takes the signals of the source; `close` it with its connection. */
    add(name: string, socketBirth: () => string | undefined, options: Partial<TrackOptions>): SourceTracker {
      const tracker = new SourceTracker(name, journal, listener, socketBirth, options);
      registry.add(tracker);
      poller.add(tracker);
      return tracker;
    },
    /** The gateway ends: runs that wait for the proof of a pivot are settled without it, and every caller is answered. */
    close(): void {
      registry.conclude();
      jobCommands.close();
      poller.close();
    },
  };
}
