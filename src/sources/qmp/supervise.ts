// Keeps one monitor connected: an endless Observable of its connections, which never errors and never completes. Each session ends with exactly one
// `down`.
import { catchError, concat, defer, map, Observable, of, repeat } from 'rxjs';
import { CLOCK, type Clock } from '../../clock.js';
import type { DownReason } from '../../protocol/types.js';
import { type MonitorAddress, MonitorLost, openMonitor, type QmpOptions, type QmpSession } from '../../qmp/index.js';
import { type BackoffOptions, backoff } from '../backoff.js';

export type MonitorSignal =
  | { kind: 'connecting'; attempt: number }
  /** Connected, but there is no answer yet; the connection is kept. */
  | { kind: 'waiting'; reason: 'silent' | 'stalled'; detail: string }
  /** Its events are `session.events$` and do not pass here: the operators below would take 3 % of the time of each event. */
  | { kind: 'up'; session: QmpSession }
  | { kind: 'down'; reason: DownReason; detail: string; attempt: number; retryInMs: number };

export interface SuperviseOptions extends BackoffOptions {
  /** Milliseconds after which a session counts as healthy and the back-off starts anew. A peer that greets and then closes stays below that. */
  healthyMs: number;
  qmp: Partial<QmpOptions>;
  clock: Clock;
  /** Begins one conversation with the monitor. */
  open$: typeof openMonitor;
}

export const SUPERVISE_DEFAULTS: SuperviseOptions = {
  baseMs: 200,
  maxMs: 5_000,
  healthyMs: 10_000,
  qmp: {},
  clock: CLOCK,
  open$: openMonitor,
};

/** Subscribing connects; unsubscribing closes the connection. */
export function supervise(
  address: MonitorAddress,
  overrides: Partial<SuperviseOptions> = {},
): Observable<MonitorSignal> {
  const options = { ...SUPERVISE_DEFAULTS, ...overrides };
  const { clock } = options;
  return defer(() => {
    let failures = 0;
    let retryInMs = 0;
    const conversation$ = defer(() => {
      let upSince: number | undefined;
      const connecting: MonitorSignal = { kind: 'connecting', attempt: failures + 1 };
      const session$ = options.open$(address, options.qmp).pipe(
        map((state): MonitorSignal => {
          if (state.kind === 'waiting') return state;
          upSince = clock.now();
          return { kind: 'up', session: state.session };
        }),
        catchError((error: unknown) => {
          if (upSince !== undefined && clock.now() - upSince >= options.healthyMs) failures = 0;
          retryInMs = backoff(failures, clock.random(), options);
          failures += 1;
          const { reason, message } =
            error instanceof MonitorLost ? error : new MonitorLost('protocol', String(error), { cause: error });
          return of<MonitorSignal>({ kind: 'down', reason, detail: message, attempt: failures, retryInMs });
        }),
      );
      return concat(of(connecting), session$);
    });
    const retry$ = new Observable<void>((subscriber) => clock.after(retryInMs, () => subscriber.next()));
    return conversation$.pipe(repeat({ delay: () => retry$ }));
  });
}
