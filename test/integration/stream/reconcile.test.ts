// What the gateway says of jobs that changed while it had no connection: with the simulator, and with a real QEMU behind a proxy that cuts
// connections.
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Entry, Settlement } from '../../../src/protocol/index.js';
import { allUp, startApp } from '../../support/app.js';
import { Cutter } from '../../support/cutter.js';
import { addNull, addRandomFile, connectQemu, haveQemu, startQemu } from '../../support/qemu.js';
import type { Wire, WireError } from '../../support/wire.js';
import { type Bench, openBench, until } from './support.js';

const MIB = 1024 * 1024;

async function watched(bench: Bench): Promise<Wire> {
  await bench.wire.call('subscribe', {});
  return bench.wire;
}

const settledOf = (wire: Wire, job: string): Settlement[] =>
  wire.events
    .filter(({ type, job: of }) => type === 'GATEWAY_JOB_SETTLED' && of?.id === job)
    .map(({ data }) => data as Settlement);
const typesOf = (entries: readonly Entry[]): string[] => entries.map(({ type }) => type.replace('GATEWAY_', ''));
const since = (wire: Wire, type: string): Entry[] =>
  wire.events.slice(wire.events.findLastIndex((entry) => entry.type === type));
const synced = (wire: Wire, times: number): Promise<unknown> =>
  wire.until(() => wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_SYNCED').length >= times);

/** Cuts the connection, lets things happen meanwhile, and waits until the gateway has found out. */
async function blindly(bench: Bench, happens: () => void): Promise<void> {
  const { faults } = bench.sim('vm1');
  faults.silent();
  faults.dropConnection();
  await bench.wire.typed('GATEWAY_SOURCE_DOWN');
  happens();
  faults.wake();
  await synced(bench.wire, 1);
}

describe('a simulated monitor that was away', () => {
  it('a job that lived on keeps its run', async () => {
    const bench = await openBench();
    const wire = await watched(bench);
    bench.sim('vm1').jobs.start({ id: 'j', type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    const { job } = await wire.status('j', 'running');
    await blindly(bench, () => undefined);
    const told = since(wire, 'GATEWAY_SOURCE_DOWN');
    expect(typesOf(told)).toEqual(['SOURCE_DOWN', 'SOURCE_UP', 'JOB_FOUND', 'SOURCE_SYNCED']);
    expect(told[1]?.data).toMatchObject({ same: true });
    expect(told[2]).toMatchObject({ job, data: { continuity: 'assumed', type: 'mirror', status: 'running' } });
    bench.sim('vm1').jobs.cancel('j');
    expect(await wire.typed('GATEWAY_JOB_SETTLED', 'j')).toMatchObject({
      job,
      data: { outcome: 'cancelled', provenance: 'observed' },
    });
  });

  it('one that is gone is lost, never completed', async () => {
    const bench = await openBench();
    const wire = await watched(bench);
    const { jobs } = bench.sim('vm1');
    jobs.start({ id: 'j', type: 'mirror', len: MIB });
    await wire.typed('BLOCK_JOB_READY', 'j');
    await blindly(bench, () => jobs.complete('j'));
    expect(jobs.list()).toEqual([]);
    // The block graph is queried once the queries have shown that the job is gone.
    await wire.typed('GATEWAY_JOB_SETTLED', 'j');
    expect(settledOf(wire, 'j')).toEqual([
      expect.objectContaining({ outcome: 'lost', provenance: 'unknown', pivoted: true, dismissed: true }),
    ]);
    expect((await wire.call('job.list', {})).jobs).toEqual([]);
  });

  it.each([
    ['failed', 'Input/output error'],
    ['completed', undefined],
  ] as const)('one that concluded meanwhile and stays has %s, proven by a query', async (outcome, error) => {
    const bench = await openBench();
    const wire = await watched(bench);
    const { jobs } = bench.sim('vm1');
    jobs.start({
      id: 'j',
      type: 'backup',
      len: MIB,
      bytesPerSecond: MIB,
      autoFinalize: false,
      autoDismiss: false,
      failAt: null,
    });
    await wire.status('j', 'running');
    await blindly(bench, () => undefined);
    if (error === undefined) {
      await wire.status('j', 'pending');
      bench.sim('vm1').faults.silent();
      bench.sim('vm1').faults.dropConnection();
      await wire.until(() => wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_DOWN').length >= 2);
      jobs.finalize('j');
    } else {
      bench.sim('vm1').faults.silent();
      bench.sim('vm1').faults.dropConnection();
      await wire.until(() => wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_DOWN').length >= 2);
      jobs.ioError('j', { action: 'report' });
      await until(() => jobs.list()[0]?.status === 'concluded');
    }
    bench.sim('vm1').faults.wake();
    await synced(wire, 2);
    expect(settledOf(wire, 'j')).toEqual([
      expect.objectContaining({
        outcome,
        provenance: 'reconciled',
        dismissed: false,
        ...(error !== undefined && { error }),
      }),
    ]);
  });

  it('a new one is found, and an id that another type took over is a new run', async () => {
    const bench = await openBench();
    const wire = await watched(bench);
    const { jobs } = bench.sim('vm1');
    jobs.start({ id: 'reused', type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    const { job } = await wire.status('reused', 'running');
    expect(await wire.call('job.get', { source: 'vm1', job: 'reused' })).toMatchObject({ type: 'mirror' });
    await blindly(bench, () => {
      jobs.cancel('reused');
      jobs.start({ id: 'reused', type: 'backup', len: 64 * MIB, bytesPerSecond: MIB });
      jobs.start({ id: 'new', type: 'backup', len: 64 * MIB, bytesPerSecond: MIB });
    });
    expect(settledOf(wire, 'reused')).toEqual([expect.objectContaining({ outcome: 'lost', provenance: 'unknown' })]);
    const found = since(wire, 'GATEWAY_SOURCE_DOWN').filter(({ type }) => type === 'GATEWAY_JOB_FOUND');
    expect(found.map(({ job: of, data }) => [of?.id, (data as { continuity: string }).continuity]).sort()).toEqual([
      ['new', 'new'],
      ['reused', 'new'],
    ]);
    const { jobs: listed } = await wire.call('job.list', {});
    for (const { offset, job: of } of found) {
      expect(of?.run).not.toBe(job?.run);
      expect(listed.find(({ run }) => run === of?.run)?.began?.split(':')[1]).toBe(String(offset));
    }
    expect(await wire.ask('job.abort', { source: 'vm1', job: 'reused', run: job?.run })).toMatchObject({
      result: { status: 'settled', outcome: 'lost', run: job?.run },
    });
  });

  it('another process: same false, everything lost, nothing left in the table', async () => {
    const bench = await openBench();
    const wire = await watched(bench);
    const { jobs, faults } = bench.sim('vm1');
    jobs.start({ id: 'live', type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    jobs.start({ id: 'ended', type: 'backup', len: MIB, autoDismiss: false });
    await wire.status('live', 'running');
    await wire.typed('GATEWAY_JOB_SETTLED', 'ended');
    await faults.restart();
    await synced(wire, 1);
    expect(since(wire, 'GATEWAY_SOURCE_UP')[0]?.data).toMatchObject({ same: false });
    expect(settledOf(wire, 'live')).toEqual([expect.objectContaining({ outcome: 'lost', provenance: 'unknown' })]);
    expect(settledOf(wire, 'ended')).toHaveLength(1);
    expect((await wire.call('job.list', {})).jobs).toEqual([]);
  });

  it('a settled job that keeps its id: snapshot and events agree while it is away, and after', async () => {
    const bench = await openBench();
    const wire = await watched(bench);
    const { jobs, faults } = bench.sim('vm1');
    jobs.start({ id: 'ended', type: 'backup', len: MIB, autoDismiss: false });
    const { job } = await wire.typed('GATEWAY_JOB_SETTLED', 'ended');
    faults.silent();
    faults.dropConnection();
    await wire.typed('GATEWAY_SOURCE_DOWN');
    expect((await wire.call('job.list', {})).jobs, 'leaves the table with its source').toEqual([]);
    faults.wake();
    await synced(wire, 1);
    expect(since(wire, 'GATEWAY_SOURCE_DOWN').find(({ type }) => type === 'GATEWAY_JOB_FOUND')).toMatchObject({ job });
    expect((await wire.call('job.list', {})).jobs).toEqual([
      expect.objectContaining({ run: job?.run, status: 'concluded' }),
    ]);
    expect(settledOf(wire, 'ended')).toHaveLength(1);
  });

  it('aborts wait on across a reconnect, and no longer than their bound', async () => {
    const bench = await openBench();
    const wire = await watched(bench);
    const { jobs, faults } = bench.sim('vm1');
    jobs.start({ id: 'j', type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB, drainMs: 150 });
    const { job } = await wire.status('j', 'running');
    const sync = wire.call('job.abort', { source: 'vm1', job: 'j', sync: true, force: true });
    const short = wire
      .call('job.abort', { source: 'vm1', job: 'j', sync: true, force: true, timeoutMs: 100 })
      .catch((error: WireError) => error.body);
    await wire.typed('GATEWAY_COMMAND', 'j');
    faults.dropConnection();
    await synced(wire, 1);
    expect(await short).toMatchObject({ code: -32008, data: { job: { run: job?.run } } });
    expect(await sync).toMatchObject({ status: 'settled', outcome: 'cancelled', run: job?.run });
    expect(settledOf(wire, 'j')).toHaveLength(1);

    jobs.start({ id: 'stuck', type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    // Its type is known, so that the command is written at once.
    expect(await wire.call('job.get', { source: 'vm1', job: 'stuck' })).toMatchObject({ type: 'mirror' });
    faults.hang();
    const bounded = await wire.ask('job.abort', { source: 'vm1', job: 'stuck', timeoutMs: 200 });
    expect(bounded.error).toMatchObject({ code: -32008, data: { accepted: null } });
    faults.wake();
    expect(await wire.typed('GATEWAY_JOB_SETTLED', 'stuck')).toMatchObject({ data: { outcome: 'cancelled' } });
  });

  it('when nothing listens for long the runs are lost; a silent peer is still a QEMU', async () => {
    const bench = await openBench(['vm1', 'vm2'], {
      track: { lostAfterMs: 100 },
      source: { baseMs: 5, maxMs: 20, qmp: { greetingMs: 20 } },
    });
    const wire = await watched(bench);
    for (const name of ['vm1', 'vm2'])
      bench.sim(name).jobs.start({ id: name, type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    await wire.status('vm1', 'running');
    await wire.status('vm2', 'running');
    bench.sim('vm2').faults.silent();
    bench.sim('vm2').faults.dropConnection();
    await wire.event(
      ({ type, data }) => type === 'GATEWAY_SOURCE_DOWN' && (data as { reason: string }).reason === 'silent',
    );
    await bench.sim('vm1').close();
    expect(await wire.typed('GATEWAY_JOB_SETTLED', 'vm1')).toMatchObject({
      data: { outcome: 'lost', provenance: 'unknown' },
    });
    expect(settledOf(wire, 'vm2')).toEqual([]);
    bench.sim('vm2').faults.wake();
    expect(await wire.typed('GATEWAY_JOB_FOUND', 'vm2')).toMatchObject({ data: { continuity: 'assumed' } });
  });
});

describe.skipIf(!haveQemu)('a real QEMU that was away', () => {
  async function openQemu(): Promise<{
    wire: Wire;
    proxy: Cutter;
    kill: () => Promise<void>;
    qmp: (command: string, args?: object) => Promise<void>;
  }> {
    const qemu = await startQemu({ monitors: 2 });
    onTestFinished(() => qemu.close());
    const raw = await connectQemu(qemu, 1);
    await raw.negotiate();
    for (const id of ['a', 'b']) {
      await addRandomFile(raw, qemu.folder, `${id}-src`, 4 * MIB);
      await addNull(raw, `${id}-dst`, 4 * MIB);
    }
    const proxy = new Cutter(join(qemu.folder, 'proxy.sock'), qemu.path);
    await proxy.listen();
    const app = await startApp({ vm1: `unix:${proxy.path}` }, { track: { lostAfterMs: 200 } });
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', {});
    const qmp = async (command: string, args: object = {}): Promise<void> => {
      const reply = await raw.execute(command, args);
      if (!('return' in reply)) throw new Error(`${command}: ${JSON.stringify(reply)}`);
      if (command === 'job-cancel' && !('keep' in args))
        await raw.waitFor(({ data }) => (data as { status?: string } | undefined)?.status === 'null');
    };
    return { wire, proxy, qmp, kill: () => qemu.kill() };
  }
  const mirror = (id: string, more: object = {}): object => ({
    'job-id': id,
    device: `${id}-src`,
    target: `${id}-dst`,
    sync: 'full',
    speed: 64 * 1024,
    ...more,
  });

  it('is the same, is gone, is reused, is new', async () => {
    const { wire, proxy, qmp } = await openQemu();
    await qmp('blockdev-mirror', mirror('a'));
    await qmp('blockdev-mirror', mirror('b'));
    const { job: a } = await wire.status('a', 'running');
    const { job: b } = await wire.status('b', 'running');
    expect(await wire.call('job.get', { source: 'vm1', job: 'b' })).toMatchObject({ type: 'mirror' });
    proxy.cut();
    await wire.typed('GATEWAY_SOURCE_DOWN');
    await qmp('job-cancel', { id: 'b' });
    await qmp('blockdev-backup', mirror('b'));
    proxy.heal();
    await synced(wire, 1);
    const told = since(wire, 'GATEWAY_SOURCE_UP');
    expect(told[0]?.data).toMatchObject({ same: true });
    expect(told.find(({ type, job }) => type === 'GATEWAY_JOB_FOUND' && job?.id === 'a')).toMatchObject({
      job: a,
      data: { continuity: 'assumed' },
    });
    expect(told.find(({ type }) => type === 'GATEWAY_JOB_SETTLED')).toMatchObject({
      job: b,
      data: { outcome: 'lost', provenance: 'unknown' },
    });
    expect(told.find(({ type, job }) => type === 'GATEWAY_JOB_FOUND' && job?.id === 'b')).toMatchObject({
      data: { continuity: 'new', type: 'backup' },
    });
    expect(await wire.call('job.abort', { source: 'vm1', job: 'a', sync: true, force: true })).toMatchObject({
      outcome: 'cancelled',
      run: a?.run,
    });
  });

  it('concluded meanwhile: a query proves it', async () => {
    const { wire, proxy, qmp } = await openQemu();
    await qmp('blockdev-backup', mirror('a', { 'auto-dismiss': false }));
    const { job } = await wire.status('a', 'running');
    expect(await wire.call('job.get', { source: 'vm1', job: 'a' })).toMatchObject({ type: 'backup' });
    proxy.cut();
    await wire.typed('GATEWAY_SOURCE_DOWN');
    await qmp('block-job-set-speed', { device: 'a', speed: 0 });
    proxy.heal();
    expect(await wire.typed('GATEWAY_JOB_SETTLED', 'a')).toMatchObject({
      job,
      data: { outcome: 'completed', dismissed: false },
    });
  });

  it('killed: lost when nothing has listened for long', async () => {
    const { wire, proxy, qmp, kill } = await openQemu();
    await qmp('blockdev-mirror', mirror('a'));
    await wire.status('a', 'running');
    await kill();
    proxy.end();
    await wire.typed('GATEWAY_SOURCE_DOWN');
    expect(await wire.typed('GATEWAY_JOB_SETTLED', 'a')).toMatchObject({
      data: { outcome: 'lost', provenance: 'unknown' },
    });
  });
});
