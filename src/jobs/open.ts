// The job layer as a whole: sources come and go, their signals become runs and settlements in the log, and callers get a view of the runs and
// commands on them.
import type { Logger } from 'pino';
import { Subject, type Subscription } from 'rxjs';
import type { CallContext } from '../access/index.js';
import type { Answer } from '../protocol/answer.js';
import type { DryRun, DryRunParam } from '../protocol/methods.js';
import type { JobVerb, Progress } from '../protocol/types.js';
import { type JobSource, logSignals, type SourceProvider } from '../sources/index.js';
import { dryRun, type VerbParams } from './commands/dry-run.js';
import { JobCommands } from './commands/job-commands.js';
import { SharedCommands } from './commands/shared-commands.js';
import type { Journal } from './model/journal.js';
import { absentSource } from './tracking/absent-source.js';
import { ProgressPoller } from './tracking/progress-poller.js';
import type { Restoration } from './tracking/restoration.js';
import type { Ended } from './tracking/run-store.js';
import { type SettledJob, settledJob } from './tracking/settled-job.js';
import type { RestoredSource } from './tracking/source-evidence.js';
import { SourceRegistry } from './tracking/source-registry.js';
import { SourceTracker } from './tracking/source-tracker.js';
import type { TrackListener } from './tracking/track-listener.js';
import { TRACK_DEFAULTS, type TrackOptions } from './tracking/track-options.js';

/** Milliseconds between the queries that back up the events while somebody waits for a run's end. */
const WAIT_POLL_MS = 2_000;

export interface JobsOptions {
  /** Of each source. */
  journalOf: (source: string) => Journal;
  /** What the log had when the gateway started. */
  restored?: Restoration | undefined;
  logger: Logger;
  track?: Partial<TrackOptions> | undefined;
}

export type Jobs = ReturnType<typeof openJobs>;

export function openJobs({ journalOf, restored, logger, track }: JobsOptions) {
  const { clock, settlements, limited, legacyMs, claimMs } = { ...TRACK_DEFAULTS, ...track };
  const registry = new SourceRegistry(clock, settlements, () => limited('settlements'));
  const poller = new ProgressPoller(clock, legacyMs);
  const jobCommands = new JobCommands(registry, clock, (source, waiting) =>
    poller.demand(`wait ${source}`, waiting ? { wants: (name) => name === source, everyMs: WAIT_POLL_MS } : undefined),
  );
  const ended$ = new Subject<SettledJob>();
  const progress$ = new Subject<Progress[]>();
  /** Subscriptions to the signals of sources, by name. */
  const followed = new Map<string, { source: JobSource; tracker: SourceTracker; subscription: Subscription }>();
  const listener: TrackListener = {
    signal: (source, signal) => {
      // Stored before the signal goes on, so that a caller that reacts to the signal finds it.
      if (signal.kind === 'settled') registry.history.add(signal.ended);
      jobCommands.take(source, signal);
      const tracker = registry.get(source);
      if (tracker && (signal.kind === 'began' || signal.kind === 'synced')) poller.arm(tracker);
      if (tracker && signal.kind === 'settled') tracker.whenShown(() => end(signal.ended));
    },
    measured: (source, rows) => {
      const tracker = registry.get(source);
      if (tracker) poller.queried(tracker);
      progress$.next(rows);
    },
  };

  function end(ended: Ended): void {
    const { source, job, run, settled } = ended.settled;
    logger.info({ source, job, run, outcome: settled.outcome, provenance: settled.provenance }, 'job settled');
    ended$.next(settledJob(ended));
  }

  /** Stand-ins for sources of before the restart that have not come again. */
  const awaited = new Map<string, SourceTracker>();

  /** A source of before the restart: until it comes, or is given up, its runs are unobserved. */
  function expectAgain({ name, about, ...rest }: RestoredSource): void {
    const tracker = new SourceTracker(absentSource(name, about), journalOf(name), listener, track);
    tracker.memory.restore(rest);
    registry.add(tracker);
    awaited.set(name, tracker);
    tracker.restarted();
  }

  /** Sources that have not come by now were removed while the gateway was not running. */
  function giveUp(): void {
    for (const [name, tracker] of awaited) {
      logger.warn({ source: name }, 'a source from before the restart has not come again');
      tracker.remove(() => registry.delete(tracker));
    }
    awaited.clear();
  }

  function add(source: JobSource): void {
    remove(source.name);
    const stand = awaited.get(source.name);
    awaited.delete(source.name);
    const tracker = new SourceTracker(source, journalOf(source.name), listener, track);
    if (stand) {
      tracker.memory.restore({ ...stand.memory.saved, runs: stand.runs.values() }, stand.info);
      jobCommands.claimed(tracker);
      stand.close();
    }
    registry.add(tracker);
    poller.add(tracker);
    followed.set(source.name, { source, tracker, subscription: listen(source, tracker) });
  }

  function listen(source: JobSource, tracker: SourceTracker): Subscription {
    const log = logger.child({ source: source.name });
    const note = logSignals(log);
    return source.signals$.subscribe({
      next: (signal) => {
        tracker.take(signal);
        if (signal.kind !== 'event') note(signal);
      },
      error: (error: unknown) => log.error({ err: error }, 'the signals of the source ended'),
    });
  }

  /** Events of the source were dropped: it is connected anew, and its jobs are reconciled as after any time without a connection. */
  function reconnect(name: string): void {
    const known = followed.get(name);
    if (!known) return;
    known.subscription.unsubscribe();
    known.tracker.take({ kind: 'down', reason: 'gap', detail: 'events were dropped', attempt: 1, retryInMs: 0 });
    known.subscription = listen(known.source, known.tracker);
  }

  /** Ends the connection of a source, and leaves its runs as they are. */
  function unfollow(name: string): SourceTracker | undefined {
    const known = followed.get(name);
    if (!known) return undefined;
    followed.delete(name);
    known.subscription.unsubscribe();
    poller.delete(known.tracker);
    return known.tracker;
  }

  function remove(name: string): void {
    const tracker = unfollow(name);
    tracker?.remove(() => registry.delete(tracker));
  }

  /** Another gateway has the source: nothing more is published of it here, and calls that wait for something of it are answered that it is not known. */
  function release(name: string): void {
    const tracker = unfollow(name) ?? awaited.get(name);
    awaited.delete(name);
    if (!tracker) return;
    jobCommands.released(name);
    tracker.close();
    registry.delete(tracker);
  }

  function restore({ settled, sources }: Restoration): void {
    for (const ended of settled) registry.history.restore(ended);
    for (const source of sources) expectAgain(source);
  }

  if (restored) restore(restored);
  const stopAwaiting = awaited.size > 0 ? clock.after(claimMs, giveUp) : undefined;

  /** The verb, or with `dryRun` what it would do. */
  const verb =
    <Params extends VerbParams, Result>(
      name: JobVerb,
      command: (context: CallContext, params: Params) => Promise<Answer<Result>>,
    ) =>
    async (context: CallContext, params: Params & DryRunParam): Promise<Answer<Result | DryRun>> =>
      params.dryRun ? dryRun(registry, name, params) : command(context, params);

  return {
    /** Each under the name of its method on the wire. */
    commands: {
      'job.get': jobCommands.get.bind(jobCommands),
      'job.abort': verb('abort', jobCommands.abort.bind(jobCommands)),
      'job.wait': jobCommands.wait.bind(jobCommands),
      'job.complete': verb('complete', jobCommands.complete.bind(jobCommands)),
      'job.pause': verb('pause', jobCommands.pause.bind(jobCommands)),
      'job.resume': verb('resume', jobCommands.resume.bind(jobCommands)),
      'job.finalize': verb('finalize', jobCommands.finalize.bind(jobCommands)),
      'job.dismiss': verb('dismiss', jobCommands.dismiss.bind(jobCommands)),
      'job.setSpeed': verb('setSpeed', jobCommands.setSpeed.bind(jobCommands)),
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
    /** Commands of other tools over the gateway's connections. */
    shared: new SharedCommands(registry, journalOf, clock),
    /** Runs, settlements and sources as the log shows them, as lines for {@link Restoration}. */
    save: () => registry.save(),
    /** The same of one source. */
    saveOf: (source: string) => registry.save(source),
    reconnect,
    /** Goes on with the runs of a source that another gateway had. Before the source is added. */
    restore,
    /** Settlements so far: from before the restart, and of what the restart itself has settled. */
    restored: (): SettledJob[] => registry.history.all().map(settledJob),
    /** Milliseconds since 1970 at which a present run began; `undefined`: it is not known. */
    startOf: (source: string, job: string): number | undefined => registry.startOf(source, job),
    /** Every settlement, once the log shows it. */
    ended$: ended$.asObservable(),
    /** Adds and removes sources as the provider says. A source with the name of a present one replaces it. */
    follow: (provider: SourceProvider): Subscription =>
      provider.sources$.subscribe({
        next: (change) => {
          if (change.kind === 'added') add(change.source);
          else if (change.kind === 'removed') remove(change.name);
          else release(change.name);
        },
        error: (error: unknown) =>
          logger.error({ err: error }, 'the provider of sources failed; sources are no longer added or removed'),
      }),
    /** The gateway is closing: runs that await the proof of a pivot are settled without it, and every caller is answered. */
    conclude(): void {
      registry.conclude();
      jobCommands.close();
    },
    /** Closes the connection of every source. */
    close(): void {
      stopAwaiting?.();
      for (const tracker of awaited.values()) tracker.close();
      poller.close();
      for (const { tracker, subscription } of followed.values()) {
        subscription.unsubscribe();
        tracker.close();
      }
      followed.clear();
      ended$.complete();
      progress$.complete();
    },
  };
}
