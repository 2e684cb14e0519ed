// Connections, subscriptions, commands and limits, as the gateway counts or reports them.
import {
  AUTHENTICATION_FAILURES,
  GATEWAY_LIMIT_NAMES,
  type GatewayCounts,
  type GatewayRecorder,
} from '../gateway/index.js';
import type { Families } from './families.js';

/** Beside those of the gateway: limits that the other layers enforce. A command's refusal, or an entry of the log, tells of some that they were met. */
const LIMIT_NAMES = [
  ...GATEWAY_LIMIT_NAMES,
  ...([
    'accept_connected',
    'accept_greeting',
    'accept_pending',
    'accept_rate',
    'accept_sources',
    'block_job_errors',
    'commands_waiting',
    'event_data',
    'graph_edges',
    'settlements',
    'share_commands',
    'share_message_bytes',
    'share_tools',
    'share_unsent_bytes',
    'source_jobs',
    'waits',
  ] as const),
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

export interface GatewayMetrics extends GatewayRecorder {
  limited(limit: LimitName): void;
  /** So many BLOCK_JOB_ERROR became one entry. */
  merged(events: number): void;
}

const NOTHING: GatewayCounts = {
  ...{ connections: 0, unauthenticated: 0, subscribers: 0, parked: 0, caughtUp: 0, deliveries: 0 },
  ...{ sentBytes: 0, unsentBytes: 0, deflatedFrames: 0, deflatedFrom: 0, deflatedTo: 0 },
  resets: { retention: 0, grants: 0, epoch: 0 },
};

/** @param counts `undefined` until it listens. */
export function openGatewayMetrics(families: Families, counts: () => GatewayCounts | undefined): GatewayMetrics {
  const read = (): GatewayCounts => counts() ?? NOTHING;
  families.gauge('connections', 'WebSocket connections', () => read().connections);
  families.gauge(
    'unauthenticated_connections',
    'Of these, the ones that have not authenticated yet',
    () => read().unauthenticated,
  );
  families.gauge('live_subscriptions', 'Subscriptions that are up to date', () => read().subscribers);
  families.gauge('unsent_bytes', 'Bytes of frames that wait in this process for clients', () => read().unsentBytes);
  families.count('sent_bytes_total', 'Bytes of WebSocket frames written to clients', () => read().sentBytes);
  families.count(
    'deliveries_total',
    'Events written to subscribers; one event for three of them counts three times',
    () => read().deliveries,
  );
  families.count('parked_total', 'Times a slow subscription left its group', () => read().parked);
  families.count('caught_up_total', 'Times a subscription became live', () => read().caughtUp);
  families.counts('resets_total', 'Times a subscription lost continuity', ['reason'], () =>
    Object.entries(read().resets).map(([reason, count]) => [{ reason }, count]),
  );
  families.count(
    'deflated_frames_total',
    'Frames compressed, each once for all who got it',
    () => read().deflatedFrames,
  );
  families.count('deflated_from_bytes_total', 'Bytes of those frames before', () => read().deflatedFrom);
  families.count('deflated_to_bytes_total', 'Bytes of those frames after', () => read().deflatedTo);
  const limits = families.counter(
    'limit_hits_total',
    'Times that a limit was met, by the names of the table of limits in the documentation',
    ['limit'],
    LIMIT_NAMES.map((limit) => ({ limit })),
  );
  const failures = families.counter(
    'authentication_failures_total',
    'Credentials that were missing, refused, late or have expired',
    ['kind'],
    AUTHENTICATION_FAILURES.map((kind) => ({ kind })),
  );
  const commands = families.counter(
    'commands_total',
    'Answered calls on jobs; result: requested, the outcome of a run that has settled, found, or the reason of an error',
    ['verb', 'result'],
  );
  const aborts = families.histogram(
    'abort_duration_seconds',
    'From the receipt of job.abort to its answer, by mode (sync, async) and result',
    ['mode', 'result'],
  );
  return {
    limited: (limit) => limits.inc({ limit }),
    authenticationFailed: (kind) => failures.inc({ kind }),
    merged: (events) => limits.inc({ limit: 'block_job_errors' }, events - 1),
    answered: ({ verb, sync, result, seconds }) => {
      commands.inc({ verb, result });
      // The gateway's own rate is met before a call is executed.
      if (result === 'RATE_LIMITED') limits.inc({ limit: 'waits' });
      if (result === 'SOURCE_BUSY') limits.inc({ limit: 'commands_waiting' });
      if (verb === 'abort') aborts.of({ mode: sync ? 'sync' : 'async', result }).observe(seconds);
    },
  };
}
