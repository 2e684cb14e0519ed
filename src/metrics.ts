// Counts of all layers as Prometheus text.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { GatewayCounts } from './gateway/index.js';
import type { Outcome, Provenance, SourceInfo } from './protocol/types.js';

export interface MetricReaders {
  /** `undefined` until it listens. */
  gateway: () => GatewayCounts | undefined;
  log: () => { entries: number; bytes: number; head: number };
  sources: () => SourceInfo[];
}

export interface Metrics {
  settled(outcome: Outcome, provenance: Provenance): void;
  text(): Promise<{ type: string; text: string }>;
}

const STATES = ['up', 'stalled', 'connecting', 'down'] as const;

/** Connected, but QEMU's main loop does not answer. */
const stateOf = ({ state, reason }: SourceInfo): (typeof STATES)[number] =>
  state === 'up' && reason === 'stalled' ? 'stalled' : state;

export function openMetrics(read: MetricReaders): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Gauges under names that Prometheus reserves for counters; each repeats another metric of the process.
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name: `qmp_gateway_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  /** A count that its layer keeps. */
  const counter = (name: string, help: string, value: () => number): void => {
    new Counter({
      name: `qmp_gateway_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  };
  gauge('connections', 'WebSocket connections', () => read.gateway()?.connections ?? 0);
  gauge('live_subscriptions', 'Subscriptions that are up to date', () => read.gateway()?.subscribers ?? 0);
  gauge('log_entries', 'Entries retained', () => read.log().entries);
  gauge('log_bytes', 'Bytes of entries retained', () => read.log().bytes);
  gauge('log_offset', 'Offset of the newest entry', () => read.log().head);
  counter('parked_total', 'Times a slow subscription left its group', () => read.gateway()?.parked ?? 0);
  counter('caught_up_total', 'Times a subscription became live', () => read.gateway()?.caughtUp ?? 0);
  counter('resets_total', 'Times a subscription lost continuity', () => read.gateway()?.resets ?? 0);
  counter(
    'deflated_frames_total',
    'Frames compressed, each once for all who got it',
    () => read.gateway()?.deflatedFrames ?? 0,
  );
  counter('deflated_from_bytes_total', 'Bytes of those frames before', () => read.gateway()?.deflatedFrom ?? 0);
  counter('deflated_to_bytes_total', 'Bytes of those frames after', () => read.gateway()?.deflatedTo ?? 0);
  new Gauge({
    name: 'qmp_gateway_source_up',
    help: '1 while the source is up and its QEMU answers',
    labelNames: ['source'],
    registers: [registry],
    collect() {
      this.reset();
      for (const source of read.sources()) this.set({ source: source.name }, stateOf(source) === 'up' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'qmp_gateway_source_state',
    help: '1 for the present state of the source',
    labelNames: ['source', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const source of read.sources())
        for (const state of STATES) this.set({ source: source.name, state }, stateOf(source) === state ? 1 : 0);
    },
  });
  const settled = new Counter({
    name: 'qmp_gateway_settled_total',
    help: 'Runs that ended',
    labelNames: ['outcome', 'provenance'],
    registers: [registry],
  });
  return {
    settled: (outcome, provenance) => settled.inc({ outcome, provenance }),
    text: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
