// The metrics are valid Prometheus text: each has a help text, and only counters end with `_total`.
import { describe, expect, it } from 'vitest';
import { openMetrics } from '../src/metrics.js';

describe('metrics', () => {
  it('are named and described as Prometheus requires', async () => {
    const metrics = openMetrics({
      gateway: () => ({
        connections: 1,
        subscribers: 2,
        parked: 3,
        resets: 4,
        caughtUp: 5,
        deflatedFrames: 6,
        deflatedFrom: 7,
        deflatedTo: 8,
      }),
      log: () => ({ entries: 9, bytes: 10, head: 11 }),
      sources: () => [],
    });
    metrics.settled('completed', 'observed');
    const { text } = await metrics.text();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({ name, type }));
    const helps = [...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name);
    expect(types.map(({ name }) => name)).toEqual(helps);
    expect(types.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter'))).toEqual([]);
    expect(text).toMatch(/^qmp_gateway_parked_total 3$/m);
    expect(text).toMatch(/^qmp_gateway_settled_total\{outcome="completed",provenance="observed"\} 1$/m);
  });
});
