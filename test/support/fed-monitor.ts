// A supervised monitor whose signals and events are given by the test.
import { Subject } from 'rxjs';
import type { QmpEvent } from '../../src/qmp/index.js';
import type { MonitorSignal } from '../../src/sources/qmp/supervise.js';

export type Feed = (next: MonitorSignal | { kind: 'event'; event: QmpEvent }) => void;

export interface FedMonitor {
  monitor$: Subject<MonitorSignal>;
  /** An event is one of the session that came `up` last. */
  feed: Feed;
}

export function fedMonitor(): FedMonitor {
  const monitor$ = new Subject<MonitorSignal>();
  let events$ = new Subject<QmpEvent>();
  const feed: Feed = (next) => {
    if (next.kind === 'event') return events$.next(next.event);
    if (next.kind !== 'up') return monitor$.next(next);
    events$ = new Subject();
    monitor$.next({ kind: 'up', session: Object.assign(next.session, { events$ }) });
  };
  return { monitor$, feed };
}
