// metrics: counts of all layers as Prometheus text. Every label has a bounded set of values: names of sources and webhooks are the operator's, all
// others are the project's own.
import { CLOCK, type Clock } from '../clock.js';
import type { GatewayCounts, GatewayRecorder } from '../gateway/index.js';
import type { LoggedEntry } from '../log/index.js';
import type { Outcome, Provenance } from '../protocol/types.js';
import { type ClusterReaders, openClusterMetrics } from './cluster-metrics.js';
import { openEventMetrics } from './event-metrics.js';
import { Families, type Sample } from './families.js';
import { type LimitName, openGatewayMetrics } from './gateway-metrics.js';
import { type JobReaders, openJobMetrics } from './job-metrics.js';
import { type LogReaders, openLogMetrics } from './log-metrics.js';
import { openWebhookMetrics, type WebhookReaders } from './webhook-metrics.js';

export type { ClusterReaders } from './cluster-metrics.js';

/** Of one libvirtd, by its socket. `held`: for longer than 5 s. */
export interface LibvirtCalls {
  path: string;
  fresh: number;
  held: number;
  maxHeld: number;
}

export interface MetricReaders extends JobReaders, WebhookReaders {
  /** `undefined` until it listens. */
  gateway: () => GatewayCounts | undefined;
  log: LogReaders;
  /** Of the history of runs. */
  history: () => { runs: number; bytes: number; isFailing: boolean };
  /** Unanswered calls of each libvirtd that sources are of. */
  libvirtds: () => readonly LibvirtCalls[];
  /** Each part that may be unwell, and whether it is. */
  health: () => Readonly<Record<string, boolean>>;
  /** Of a member of a cluster alone. */
  cluster?: ClusterReaders | undefined;
}

export interface Metrics {
  recorder: GatewayRecorder;
  /** A source or a monitor met this limit. */
  limited(limit: LimitName): void;
  settled(outcome: Outcome, provenance: Provenance): void;
  /** To be called for each entry that the log shows. */
  entry(entry: LoggedEntry): void;
  /** A monitor has answered. */
  replied(command: string, ms: number): void;
  /** An event of a domain came after a reply that it contradicts. */
  overtaken(): void;
  /** The stream of a cluster has acknowledged a message. */
  appended(ms: number): void;
  text(): Promise<{ type: string; text: string }>;
}

export function openMetrics(read: MetricReaders, clock: Clock = CLOCK): Metrics {
  const families = new Families();
  const { merged, ...recorder } = openGatewayMetrics(families, read.gateway);
  openLogMetrics(families, read.log);
  openWebhookMetrics(families, read);
  families.gauge('history_runs', 'Runs in the history', () => read.history().runs);
  families.gauge('history_bytes', 'Bytes of the history', () => read.history().bytes);
  families.gauge('history_failing', '1: the disk takes no runs, which wait in memory', () =>
    read.history().isFailing ? 1 : 0,
  );
  families.gauges('degraded', '1 while this part of the gateway is unwell, as /readyz names it', ['part'], () =>
    Object.entries(read.health()).map(([part, isUnwell]): Sample => [{ part }, isUnwell ? 1 : 0]),
  );
  families.gauges(
    'libvirt_calls',
    'Calls that libvirtd has not answered; held: for longer than 5 s',
    ['socket', 'state'],
    () =>
      read.libvirtds().flatMap(({ path, fresh, held }): Sample[] => [
        [{ socket: path, state: 'fresh' }, fresh],
        [{ socket: path, state: 'held' }, held],
      ]),
  );
  families.gauges('libvirt_held_limit', 'Held calls beyond which that libvirtd is sent no more', ['socket'], () =>
    read.libvirtds().map(({ path, maxHeld }): Sample => [{ socket: path }, maxHeld]),
  );
  const overtaken = families.counter(
    'libvirt_overtaken_total',
    'Events of domains that came after a reply that they contradict',
    [],
    [{}],
  );
  const settled = openJobMetrics(families, read, clock);
  const entry = openEventMetrics(families, clock, merged);
  const replies = families.histogram(
    'qmp_command_duration_seconds',
    'From writing a QMP command to the reply of QEMU, late ones too',
    ['command'],
  );
  const appended = read.cluster ? openClusterMetrics(families, read.cluster) : () => undefined;
  const { registry } = families;
  return {
    recorder,
    limited: recorder.limited,
    settled,
    entry,
    replied: (command, ms) => replies.of({ command }).observe(ms / 1_000),
    overtaken: () => overtaken.inc({}),
    appended,
    text: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
