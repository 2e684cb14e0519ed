// G4 and G5 under load, with the gateway as a process of its own: clients that never read cost bounded memory and delay no other client; nor does a
// storm of events.
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Simulator } from '../../../src/simulator/index.js';
import { GatewayProcess, MAIN } from '../../chaos/gateway-process.js';
import { allUp } from '../../support/app.js';
import { freePort } from '../../support/free-port.js';
import { connectWire, type Wire } from '../../support/wire.js';
import { metric, openSims, rawSocket, until } from './support.js';

const MIB = 1024 * 1024;

interface Far {
  gateway: GatewayProcess;
  url: string;
  wire: Wire;
  sims: Record<string, Simulator>;
  connect(): Promise<Wire>;
}

async function openFar(...names: string[]): Promise<Far> {
  const { sims, paths } = await openSims(...names);
  const gateway = new GatewayProcess(MAIN, await freePort(), paths);
  await gateway.start();
  onTestFinished(() => gateway.stop('SIGKILL'));
  const url = `http://127.0.0.1:${gateway.port}/`;
  const connect = async (): Promise<Wire> => {
    const wire = await connectWire(url);
    onTestFinished(() => wire.close());
    return wire;
  };
  const wire = await connect();
  await allUp(wire);
  return { gateway, url, wire, sims, connect };
}

const quantile = (values: number[], q: number): number =>
  values.sort((a, b) => a - b)[Math.floor((values.length - 1) * q)] ?? Number.NaN;

/** Raises so many numbered events, 20,000 a second; resolves with the delays of the last healthy client, in ms. */
async function pour(
  sim: Simulator,
  wires: readonly Wire[],
  events: number,
  watch: () => void = () => undefined,
): Promise<number[]> {
  const delays: number[] = [];
  const counts = wires.map(() => 0);
  const takers = wires.map((wire, index) => {
    const take = (data: Buffer): void => {
      const now = performance.now();
      for (const [, at] of data.toString().matchAll(/"sentAt":([\d.]+)/g)) {
        counts[index] = (counts[index] ?? 0) + 1;
        delays.push(now - Number(at));
      }
    };
    // Only measured: the frames of a hundred thousand events need not be kept.
    wire.ws.removeAllListeners('message');
    wire.ws.on('message', take);
    return take;
  });
  const data = (n: number): Record<string, unknown> => {
    if (n % 5_000 === 0) watch();
    return { 'node-name': 'disk0', sentAt: performance.now(), n };
  };
  await sim.faults.storm({ event: 'BLOCK_WRITE_THRESHOLD', data, events, perSecond: 20_000 });
  await until(() => counts.every((count) => count >= events));
  for (const [index, take] of takers.entries()) wires[index]?.ws.off('message', take);
  return delays;
}

describe('200 clients that never read', () => {
  it('cost less than 256 MiB over 100,000 events, and healthy ones keep their p99', { timeout: 120_000 }, async () => {
    const { gateway, url, sims, connect } = await openFar('vm1');
    const sim = sims.vm1 as Simulator;
    const healthy = await Promise.all(Array.from({ length: 5 }, connect));
    for (const wire of healthy) await wire.call('subscribe', {});
    await pour(sim, healthy, 5_000);
    const alone = quantile(await pour(sim, healthy, 20_000), 0.99);
    const before = await gateway.rss();
    for (let n = 0; n < 200; n += 1) (await rawSocket(url)).request(n, 'subscribe', {});
    await until(async () => (await metric(url, 'qmp_gateway_live_subscriptions')) === 205);
    let most = 0;
    const watch = (): void => {
      void gateway.rss().then((now) => {
        most = Math.max(most, now);
      });
    };
    // Until the kernel has swallowed its megabytes for each, clients that do not read can't be distinguished.
    let poured = 0;
    for (; (await metric(url, 'qmp_gateway_parked_total')) < 200; poured += 5_000) {
      expect(poured, 'parked in time').toBeLessThan(80_000);
      await pour(sim, healthy, 5_000, watch);
    }
    const delays = await pour(sim, healthy, 100_000 - poured, watch);
    most = Math.max(most, await gateway.rss());
    const crowded = quantile(delays, 0.99);
    console.log(
      `p99 alone ${alone.toFixed(1)} ms, with 200 silent ${crowded.toFixed(1)} ms, parked after ${poured} events; rss +${Math.round((most - before) / MIB)} MiB`,
    );
    expect(delays).toHaveLength(5 * (100_000 - poured));
    expect(most - before).toBeLessThan(256 * MIB);
    // Ratios, and a floor below which the machine's own noise decides.
    expect(crowded).toBeLessThan(10 * Math.max(alone, 5));
    expect(gateway.died).toBeUndefined();
  });
});

describe('60,000 events in 2 s from one source', () => {
  it.each(['errors of a job', 'events of every kind'])(
    '%s: aborts on another stay below 250 ms at the median, or 20 times what they take without',
    { timeout: 60_000 },
    async (kind) => {
      const { sims, wire } = await openFar('noisy', 'calm');
      const [noisy, calm] = [sims.noisy as Simulator, sims.calm as Simulator];
      await wire.call('subscribe', { types: ['BLOCK_JOB_ERROR', 'GATEWAY_JOB_SETTLED', 'STOP'] });
      noisy.jobs.start({ id: 'hot', type: 'mirror', bytesPerSecond: 1 });
      await until(async () => (await wire.call('job.list', { sources: ['noisy'] })).jobs.length === 1);
      let over = false;
      const storm = async (): Promise<void> => {
        const pace = { events: 60_000, perSecond: 30_000 };
        const data = (n: number): Record<string, unknown> => ({ 'node-name': 'disk0', n });
        const ofJob = kind === 'errors of a job';
        await noisy.faults.storm(ofJob ? { id: 'hot', ...pace } : { event: 'BLOCK_WRITE_THRESHOLD', data, ...pace });
        over = true;
      };
      let started = 0;
      const abort = async (): Promise<number> => {
        const job = `job${started++}`;
        calm.jobs.start({ id: job, type: 'mirror', bytesPerSecond: 1 });
        const begun = performance.now();
        expect(await wire.call('job.abort', { source: 'calm', job, sync: true })).toMatchObject({
          outcome: 'cancelled',
        });
        return performance.now() - begun;
      };
      const before: number[] = [];
      while (before.length < 20) before.push(await abort());
      const blowing = storm();
      const took: number[] = [];
      while (!over) took.push(await abort());
      await blowing;
      console.log(
        `${kind}: ${took.length} aborts, median ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms`,
      );
      expect(took.length).toBeGreaterThan(2);
      // A ratio, and a floor below which the machine's own noise decides.
      expect(quantile(took, 0.5)).toBeLessThan(Math.max(250, 20 * quantile(before, 0.5)));
      noisy.jobs.cancel('hot');
      await wire.event(({ source, type }) => source === 'noisy' && type === 'GATEWAY_JOB_SETTLED');
      const errors = wire.events.filter(({ type }) => type === 'BLOCK_JOB_ERROR');
      const raised = noisy.record.filter(({ event }) => event === 'BLOCK_JOB_ERROR').length;
      expect(
        errors.reduce((sum, { repeated }) => sum + (repeated ?? 1), 0),
        'they add up',
      ).toBe(raised);
      expect(errors.length).toBeLessThan(200);
    },
  );
});
