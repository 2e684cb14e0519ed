// Keeps one connection: an endless Observable of its conversations, which never errors and never completes. Each `up` is followed by exactly one
// `down` before the next.
import { catchError, concat, defer, map, Observable, of, repeat } from 'rxjs';
import type { Clock } from '../clock.js';
import type { DownReason } from '../protocol/types.js';
import { type BackoffOptions, backoff } from './backoff.js';

/** What one conversation emits before it ends with an error. */
export type Conversation<Session> =
  /** Connected, but there is no answer yet; the connection is kept. */
  { kind: 'waiting'; reason: 'silent' | 'stalled'; detail: string } | { kind: 'up'; session: Session };

export type ConnectionSignal<Session> =
  | { kind: 'connecting'; attempt: number }
  | Conversation<Session>
  | { kind: 'down'; reason: DownReason; detail: string; attempt: number; retryInMs: number };

export interface KeepOptions extends BackoffOptions {
  /** Milliseconds after which a session counts as healthy and the back-off starts anew. A peer that greets and then closes stays below that. */
  healthyMs: number;
  clock: Clock;
}

/** The error of a conversation. */
interface Lost {
  reason: DownReason;
  message: string;
}

/**
 * Subscribing connects; unsubscribing closes the connection.
 *
 * @param open$ begins one conversation. @param toLost what its error means.
 */
export function keepConnected<Session>(
  open$: () => Observable<Conversation<Session>>,
  toLost: (error: unknown) => Lost,
  options: KeepOptions,
): Observable<ConnectionSignal<Session>> {
  const { clock } = options;
  return defer(() => {
    let failures = 0;
    let retryInMs = 0;
    const conversation$ = defer(() => {
      let upSince: number | undefined;
      const connecting: ConnectionSignal<Session> = { kind: 'connecting', attempt: failures + 1 };
      const session$ = open$().pipe(
        map((state): ConnectionSignal<Session> => {
          if (state.kind === 'up') upSince = clock.now();
          return state;
        }),
        catchError((error: unknown) => {
          if (upSince !== undefined && clock.now() - upSince >= options.healthyMs) failures = 0;
          retryInMs = backoff(failures, clock.random(), options);
          failures += 1;
          const { reason, message } = toLost(error);
          return of<ConnectionSignal<Session>>({ kind: 'down', reason, detail: message, attempt: failures, retryInMs });
        }),
      );
      return concat(of(connecting), session$);
    });
    const retry$ = new Observable<void>((subscriber) => clock.after(retryInMs, () => subscriber.next()));
    return conversation$.pipe(repeat({ delay: () => retry$ }));
  });
}
