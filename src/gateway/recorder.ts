// What the gateway reports to metrics as it happens; all else metrics read from counts. `app.ts` gives the gateway its recorder.
import type { ErrorReason } from '../protocol/codes.js';
import type { Outcome } from '../protocol/types.js';

/** The limits of docs/OPERATIONS.md that are enforced in the gateway and have no metric of their own. */
export const GATEWAY_LIMIT_NAMES = [
  'answers_bytes',
  'connection_globs',
  'connections',
  'control_frames',
  'drain_progress',
  'history_calls',
  'inbox_bytes',
  'message_bytes',
  'posts_pipelined',
  'posts_rate',
  'posts_waiting',
  'refusals_rate',
  'request_time',
  'requests_in_flight',
  'requests_rate',
  'sign_of_life',
  'subscribes_rate',
  'subscriptions',
  'turn_bytes',
  'unauthenticated',
  'upgrades_rate',
] as const;
export type GatewayLimitName = (typeof GATEWAY_LIMIT_NAMES)[number];

/**
 * `missing`: a POST or a look at `/metrics` without a token. `refused`: a token that is not known or has ended. `late`: a connection that did not
 * authenticate in time, or had to go for another one. `expired`: the credentials of a connection ended while it was open.
 */
export const AUTHENTICATION_FAILURES = ['missing', 'refused', 'late', 'expired'] as const;
export type AuthenticationFailure = (typeof AUTHENTICATION_FAILURES)[number];

/** One answered call of a method on a job. */
export interface CommandRecord {
  /** The method without `job.`. */
  verb: string;
  sync: boolean;
  /** `found`: the answer of `job.get`. */
  result: 'requested' | 'found' | Outcome | ErrorReason;
  /** From receipt to answer. */
  seconds: number;
}

export interface GatewayRecorder {
  /** A request or a connection met this limit. */
  limited(limit: GatewayLimitName): void;
  authenticationFailed(kind: AuthenticationFailure): void;
  answered(command: CommandRecord): void;
}
