// The conformance kit on this gateway, on the release 0.1.0, and on servers that make one mistake each.
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLAUSES } from '../../src/conformance/clauses/index.js';
import { meet, tryClauses } from '../../src/conformance/run.js';
import { Server, type ServerOptions } from '../../src/conformance/server.js';
import type { Verdict } from '../../src/conformance/verdict.js';
import type { Simulator } from '../../src/simulator/index.js';
import { readConfig as readThen, start as startThen } from '../frozen/gateway-0.1.0.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { FAULTS } from '../support/faults.js';
import { startGuarded } from '../support/tokens.js';
import { openBench, openSims } from './stream/support.js';

const MIB = 1024 * 1024;
const JOB = { source: 'vm1', job: 'victim' };

/** Verdicts by clause. */
async function verdicts(options: ServerOptions, ids?: readonly string[]): Promise<Map<string, Verdict>> {
  const server = new Server({ quietMs: 100, ...options });
  expect(await meet(server)).toBeUndefined();
  const all = new Map<string, Verdict>();
  const clauses = CLAUSES.filter(({ id }) => ids === undefined || ids.includes(id));
  for await (const { clause, verdict } of tryClauses(server, clauses)) all.set(clause.id, verdict);
  return all;
}
const failuresOf = (all: ReadonlyMap<string, Verdict>): unknown[] =>
  [...all].filter(([, { status }]) => status === 'failed');
const idsOf = (all: ReadonlyMap<string, Verdict>, status: Verdict['status']): string[] =>
  [...all].filter(([, verdict]) => verdict.status === status).map(([id]) => id);

/** Jobs that have ended, and two that run. */
async function startJobs({ jobs }: Simulator, settled: () => Promise<unknown[]>): Promise<void> {
  for (const id of ['ended1', 'ended2']) jobs.start({ id, type: 'backup', len: MIB, bytesPerSecond: 1024 * MIB });
  await expect.poll(async () => (await settled()).length).toBe(2);
  for (const id of ['stays', JOB.job]) jobs.start({ id, type: 'mirror', len: 1024 * MIB, bytesPerSecond: MIB });
}

/** Events that come while the test runs. */
function startTraffic(sim: Simulator): void {
  let n = 0;
  const traffic = setInterval(() => sim.faults.emit('BLOCK_WRITE_THRESHOLD', { n: n++ }), 50);
  onTestFinished(() => clearInterval(traffic));
}

async function openGateway() {
  const bench = await openBench(['vm1']);
  const sim = bench.sim('vm1');
  await startJobs(sim, async () => (await bench.wire.call('history.list', {})).runs);
  return { sim, wire: bench.wire, port: bench.app.port, url: `ws://127.0.0.1:${bench.app.port}/v1` };
}

describe('this gateway', () => {
  it('keeps every clause, also behind a server that only passes messages on', async () => {
    const { sim, port } = await openGateway();
    startTraffic(sim);
    const { url } = await startFaultProxy({ port });
    const all = await verdicts({ url, abort: JOB });
    expect(failuresOf(all)).toEqual([]);
    // A snapshot of several pages, a compressing gateway and one with tokens have tests of their own.
    // Whether the log stands still between two requests, which the ETag needs, is chance under traffic: it is tried without any below.
    expect(idsOf(all, 'not tried').filter((id) => id !== 'reads.etag')).toEqual([
      'compression.answer',
      'subscribe.pages',
      'bookmark',
      'access.first',
      'access.refused',
    ]);
  });

  it('is only read without --abort: its log has no command afterwards', async () => {
    const { sim, url, wire } = await openGateway();
    await wire.call('subscribe', { types: ['GATEWAY_COMMAND*', 'BLOCK_WRITE_THRESHOLD'] });
    const all = await verdicts({ url, timeoutMs: 500 });
    expect(failuresOf(all)).toEqual([]);
    expect(idsOf(all, 'not tried').filter((id) => /^(abort\.|dry-run)/.test(id))).toHaveLength(11);
    expect(idsOf(all, 'passed')).toContain('reads.etag');
    sim.faults.emit('BLOCK_WRITE_THRESHOLD', {});
    await wire.typed('BLOCK_WRITE_THRESHOLD');
    expect(wire.events.map(({ type }) => type)).toEqual(['BLOCK_WRITE_THRESHOLD']);
    expect(sim.jobs.list().map(({ id, status }) => [id, status])).toEqual([
      [JOB.job, 'running'],
      ['stays', 'running'],
    ]);
  });

  it('with compression for all, many jobs and short intervals keeps what the others leave untried', async () => {
    const bench = await openBench(['vm1'], { gateway: { bookmarkMs: 300 } }, { compression: 'on' });
    const padding = 'j'.repeat(900);
    for (let n = 0; n < 300; n += 1)
      bench.sim('vm1').jobs.start({ id: `${padding}${n}`, type: 'mirror', len: MIB, bytesPerSecond: 1 });
    await expect.poll(async () => (await bench.wire.call('job.list', {})).jobs.length).toBe(300);
    const all = await verdicts({ url: `ws://127.0.0.1:${bench.app.port}/v1`, slow: true }, [
      'compression.answer',
      'subscribe.pages',
      'bookmark',
    ]);
    expect(failuresOf(all)).toEqual([]);
    expect(idsOf(all, 'passed')).toHaveLength(3);
  });
});

it('the release 0.1.0 keeps every clause that it can be tried against, but for three whose faults were repaired since', async () => {
  const { sims, paths } = await openSims('vm1');
  const read = readThen({ listen: '127.0.0.1:0', source: [`vm1=${paths.vm1}`], logLevel: 'silent' }, {});
  if (!read.ok || !sims.vm1) throw new Error('the old gateway did not start');
  const app = await startThen(read.config, pino({ level: 'silent' }));
  onTestFinished(() => app.close());
  const url = `ws://127.0.0.1:${app.port}/v1`;
  const sim = sims.vm1;
  for (const id of ['stays', JOB.job]) sim.jobs.start({ id, type: 'mirror', len: 1024 * MIB, bytesPerSecond: MIB });
  startTraffic(sim);
  await expect.poll(async () => (await verdicts({ url }, ['job.get'])).get('job.get')?.status).toBe('passed');
  const all = await verdicts({ url, abort: JOB });
  // It has 400 for another version of WebSocket, its 405 has no Allow, and its /healthz judges the Host.
  expect(idsOf(all, 'failed')).toEqual(['websocket.version', 'post.error', 'healthz']);
  expect(idsOf(all, 'passed').length).toBeGreaterThan(40);
});

it('a gateway with tokens keeps every clause, also those of its credentials', async () => {
  const { sims, paths } = await openSims('vm1');
  const { app, tokens } = await startGuarded(paths, { me: { control: ['*'] } });
  const url = `ws://127.0.0.1:${app.port}/v1`;
  expect(await meet(new Server({ url, token: 'wrong' }))).toMatch(/^HTTP 401/);
  sims.vm1?.jobs.start({ id: 'stays', type: 'mirror', len: 1024 * MIB, bytesPerSecond: MIB });
  const all = await verdicts({ url, token: tokens.me ?? '' });
  expect(failuresOf(all)).toEqual([]);
  expect(idsOf(all, 'passed')).toEqual(expect.arrayContaining(['access.first', 'access.refused']));
});

describe('a server that', () => {
  it.each(FAULTS.map((each) => [each.name, each.clause, each] as const))(
    '%s: it fails %s',
    async (_, clause, planted) => {
      const { port } = await openGateway();
      const { url } = await startFaultProxy({ port }, planted.fault, planted.headers);
      const all = await verdicts({ url, abort: JOB, timeoutMs: 2_000 }, [clause]);
      expect(all.get(clause)).toMatchObject({ status: 'failed', why: expect.stringMatching(planted.why) });
    },
  );
});
