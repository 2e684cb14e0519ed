// A QMP source without a socket, tracked: what the supervised monitor would signal is given by the test.
import { CLOCK, type Clock } from '../../src/clock.js';
import { SourceTracker } from '../../src/jobs/tracking/source-tracker.js';
import type { TrackListener } from '../../src/jobs/tracking/track-listener.js';
import type { TrackOptions } from '../../src/jobs/tracking/track-options.js';
import { QmpJobSource, type QmpSourceOptions } from '../../src/sources/index.js';
import { type Feed, fedMonitor } from './fed-monitor.js';
import { TestJournal } from './journal.js';

/** Nobody listens. */
const QUIET: TrackListener = { signal: () => undefined, measured: () => undefined };

export interface TrackedOptions {
  name?: string;
  /** Default: that of the process. */
  clock?: Clock;
  journal?: TestJournal;
  listener?: TrackListener;
  source?: Partial<QmpSourceOptions>;
  track?: Partial<TrackOptions>;
}

export interface Tracked {
  clock: Clock;
  tracker: SourceTracker;
  journal: TestJournal;
  feed: Feed;
  close: () => void;
}

export function openTracked({
  name = 'vm1',
  clock = CLOCK,
  journal = new TestJournal(),
  listener = QUIET,
  source: options,
  track,
}: TrackedOptions = {}): Tracked {
  const { monitor$, feed } = fedMonitor();
  const source = new QmpJobSource(
    { name, address: { kind: 'unix', path: '/nowhere' } },
    { socketBirth: () => undefined, clock, ...options, monitor$: () => monitor$ },
  );
  const tracker = new SourceTracker(source, journal, listener, { clock, ...track });
  const subscription = source.signals$.subscribe({ next: (signal) => tracker.take(signal) });
  const close = (): void => {
    subscription.unsubscribe();
    tracker.close();
  };
  return { clock, tracker, journal, feed, close };
}
