// Owners and edges over a real NATS server, with simulated monitors: one log on every edge, commands from every edge, and sources that change their owner.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Tuning } from '../../../src/app.js';
import { type Simulator, startSimulator } from '../../../src/simulator/index.js';
import { startApp, type TestApp } from '../../support/app.js';
import { newFolder } from '../../support/folder.js';
import { Nats } from '../../support/nats.js';
import { type NatsServer, startNats } from '../../support/nats-server.js';
import { have } from '../../support/required.js';
import type { Wire } from '../../support/wire.js';

const MIB = 1024 * 1024;
const FAST = { ttlMs: 600, holdMs: 100, retryMs: 20, unownedMs: 1_500 };

let nats: NatsServer | undefined;
const hasNats = have('nats-server', 'REQUIRE_NATS');

beforeAll(async () => {
  if (hasNats) nats = await startNats();
});

afterAll(async () => {
  await nats?.stop();
});

interface Cluster {
  owner(member: string, tuning?: Partial<Tuning['cluster']>): Promise<TestApp>;
  edge(member: string): Promise<TestApp>;
  sim: Simulator;
}

async function openCluster(url = nats?.url): Promise<Cluster> {
  const cluster = `c${randomBytes(6).toString('hex')}`;
  const path = join(newFolder(), 'vm1.sock');
  const sim = await startSimulator({ listen: { path } });
  onTestFinished(() => sim.close());
  const flags = (member: string, role: string) => ({
    ...{ nats: url ?? '', cluster, member, role },
    listen: role === 'owner' ? undefined : '127.0.0.1:0',
  });
  return {
    sim,
    owner: (member, more) =>
      startApp({ vm1: `unix:${path}` }, { cluster: { ...FAST, ...more } }, flags(member, 'owner')),
    edge: (member) => startApp({}, { cluster: FAST }, flags(member, 'edge')),
  };
}

const target = { source: 'vm1', job: 'j' };

async function up(wire: Wire): Promise<void> {
  await expect.poll(async () => (await wire.call('source.list', {})).sources.map(({ state }) => state)).toEqual(['up']);
}

function begin({ sim }: Cluster): void {
  sim.jobs.start({ id: 'j', type: 'mirror', len: 64 * MIB, bytesPerSecond: 4 * MIB });
}

describe.skipIf(!hasNats)('a cluster', () => {
  it('has one log: entries and cursors are the same on every edge, and a client that loses one goes on at another', async () => {
    const cluster = await openCluster();
    await cluster.owner('o1');
    const [first, second] = [await cluster.edge('e1'), await cluster.edge('e2')];
    const [one, two] = [await first.wire(), await second.wire()];
    await up(one);
    for (const wire of [one, two]) await wire.call('subscribe', {});
    begin(cluster);
    await one.status('j', 'running');
    await two.status('j', 'running');
    const seen = one.events.at(-1)?.offset ?? 0;
    const { epoch } = await two.call('server.info', {});
    one.close();
    expect(await two.call('job.abort', { ...target, sync: true })).toMatchObject({ outcome: 'cancelled' });
    const again = await (await cluster.edge('e3')).wire();
    const resumed = await again.call('subscribe', { after: `${epoch}:${seen}` });
    expect(resumed).toMatchObject({ resumed: true });
    await again.typed('GATEWAY_JOB_SETTLED', 'j');
    const after = (wire: Wire): unknown => wire.events.filter(({ offset }) => offset > seen);
    expect(after(again)).toEqual(after(two));
    const offsets = two.events.map(({ offset }) => offset);
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
  });

  it('has the state of a source on an edge that comes later: jobs, settlements, history', async () => {
    const cluster = await openCluster();
    await cluster.owner('o1');
    const early = await (await cluster.edge('e1')).wire();
    await up(early);
    await early.call('subscribe', {});
    begin(cluster);
    await early.status('j', 'running');
    await early.call('job.abort', { ...target, sync: true });
    begin(cluster);
    await expect.poll(async () => (await early.call('job.list', {})).jobs.length).toBe(1);
    const late = await (await cluster.edge('e2')).wire();
    const [before, now] = [await early.call('subscribe', { tag: 2 }), await late.call('subscribe', { tag: 2 })];
    expect(now.settled).toEqual(before.settled);
    expect(now.settled).toHaveLength(1);
    expect(now.jobs?.map(({ run, status, began }) => [run, status, began])).toEqual(
      before.jobs?.map(({ run, status, began }) => [run, status, began]),
    );
    expect((await late.call('history.list', {})).runs).toHaveLength(1);
  });

  it('joins aborts from different edges: one command, one outcome for all', async () => {
    const cluster = await openCluster();
    await cluster.owner('o1');
    const wires = [await (await cluster.edge('e1')).wire(), await (await cluster.edge('e2')).wire()];
    await up(wires[0] as Wire);
    for (const wire of wires) await wire.call('subscribe', {});
    begin(cluster);
    for (const wire of wires) await wire.status('j', 'running');
    const answers = await Promise.all(
      [0, 1, 0, 1].map((at) => (wires[at] as Wire).call('job.abort', { ...target, sync: true })),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(wires[0]?.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toHaveLength(1);
  });

  it('answers after the events on which the answer rests', async () => {
    const cluster = await openCluster();
    await cluster.owner('o1');
    const wire = await (await cluster.edge('e1')).wire();
    await up(wire);
    await wire.call('subscribe', {});
    begin(cluster);
    await wire.status('j', 'running');
    await wire.ask('job.abort', { ...target, sync: true }, 'abort');
    const at = (text: string): number => wire.frames.findIndex((frame) => JSON.stringify(frame).includes(text));
    expect(at('GATEWAY_JOB_SETTLED')).toBeGreaterThan(0);
    expect(at('GATEWAY_JOB_SETTLED')).toBeLessThan(wire.frames.findIndex(({ id }) => id === 'abort'));
  });

  it('refuses at once where nobody has the source, and says so', async () => {
    const cluster = await openCluster();
    const owner = await cluster.owner('o1');
    const wire = await (await cluster.edge('e1')).wire();
    await up(wire);
    begin(cluster);
    await owner.close();
    const { error } = await wire.ask('job.abort', target);
    expect(error).toMatchObject({ data: { reason: 'SOURCE_DOWN', why: 'unowned' } });
    await expect
      .poll(async () => (await wire.call('source.list', {})).sources)
      .toEqual([expect.objectContaining({ name: 'vm1', state: 'down', reason: 'unowned' })]);
  });

  it('hands a source over: its runs go on, an abort that waits is answered by the next owner, and nothing is doubled', async () => {
    const cluster = await openCluster();
    const first = await cluster.owner('o1');
    const wire = await (await cluster.edge('e1')).wire();
    await up(wire);
    await cluster.owner('o2');
    await wire.call('subscribe', {});
    cluster.sim.jobs.start({ id: 'j', type: 'mirror', len: 64 * MIB, bytesPerSecond: 4 * MIB });
    await wire.status('j', 'running');
    const run = (await wire.call('job.list', {})).jobs[0]?.run ?? '';
    const wait = wire.call('job.wait', { ...target, timeoutMs: 15_000 });
    await wire.call('job.get', target);
    const closing = first.close();
    await wire.event(({ type, offset }) => type === 'GATEWAY_SOURCE_SYNCED' && offset > 0);
    await closing;
    await wire.event(({ type }) => type === 'GATEWAY_JOB_FOUND');
    expect(await wire.call('job.abort', { ...target, run, sync: true })).toMatchObject({ outcome: 'cancelled', run });
    expect(await wait).toMatchObject({ outcome: 'cancelled', run });
    const types = wire.events.filter(({ job }) => job?.run === run).map(({ type }) => type);
    expect(types.filter((type) => type === 'GATEWAY_JOB_SETTLED')).toHaveLength(1);
    expect(types.filter((type) => type === 'GATEWAY_COMMAND')).toHaveLength(1);
  });

  it('whose stream has lost what it had acknowledged begins another epoch, and resets who has seen it', async () => {
    const server = await Nats.start();
    onTestFinished(() => server.close());
    const cluster = await openCluster(server.urls[0]);
    await cluster.owner('o1');
    const wire = await (await cluster.edge('e1')).wire();
    await up(wire);
    await wire.call('subscribe', {});
    await server.kill(0);
    await server.keep(0);
    server.restart(0);
    begin(cluster);
    await wire.status('j', 'running');
    const { epoch } = await wire.call('server.info', {});
    const seen = `${epoch}:${wire.events.at(-1)?.offset}`;
    await server.kill(0);
    await server.goBack(0);
    server.restart(0);
    await expect.poll(async () => (await wire.call('server.info', {})).epoch, { timeout: 30_000 }).not.toBe(epoch);
    await wire.frame(({ method }) => method === 'reset');
    expect(await wire.call('job.abort', { ...target, sync: true })).toMatchObject({ outcome: 'cancelled' });
    const again = await (await cluster.edge('e2')).wire();
    expect(await again.call('subscribe', { after: seen })).toMatchObject({ resumed: false });
  });
});
