// What an operator graphs. In: readers of the layers' counts. Out: Prometheus text.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { GatewayCounts } from './gateway/index.js';
import type { Outcome, Provenance, SourceInfo } from './protocol/types.js';

export interface MetricReaders {
  gateway: () => GatewayCounts;
  log: () => { entries: number; bytes: number; head: number };
  sources: () => SourceInfo[];
}

export interface Metrics {
  settled(outcome: Outcome, provenance: Provenance): void;
  text(): Promise<{ type: string; text: string }>;
}

export function openMetrics(read: MetricReaders): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
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
  gauge('connections', 'WebSocket connections', () => read.gateway().connections);
  gauge('live_subscriptions', 'Subscriptions that are up to date', () => read.gateway().subscribers);
  gauge('log_entries', 'Entries retained', () => read.log().entries);
  gauge('log_bytes', 'Bytes of entries retained', () => read.log().bytes);
  gauge('log_offset', 'Offset of the newest entry', () => read.log().head);
  gauge('parked_total', 'Times a slow subscription left its group', () => read.gateway().parked);
  gauge('caught_up_total', 'Times a subscription became live', () => read.gateway().caughtUp);
  gauge('resets_total', 'Times a subscription lost continuity', () => read.gateway().resets);
  gauge(
    'deflated_frames_total',
    'Frames compressed, each once for all who got it',
    () => read.gateway().deflatedFrames,
  );
  gauge('deflated_from_bytes_total', 'Bytes of those frames before', () => read.gateway().deflatedFrom);
  gauge('deflated_to_bytes_total', 'Bytes of those frames after', () => read.gateway().deflatedTo);
  new Gauge({
    name: 'qmp_gateway_source_up',
    help: '1 while the source is up',
    labelNames: ['source'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, state } of read.sources()) this.set({ source: name }, state === 'up' ? 1 : 0);
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
