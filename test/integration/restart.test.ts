// A gateway that was restarted, or killed, with a log on disk: what its clients see, and what becomes of the runs.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Tuning } from '../../src/app.js';
import { createClient } from '../../src/client/node.js';
import type { Entry, Settlement } from '../../src/protocol/index.js';
import { allUp, startApp, type TestApp } from '../support/app.js';
import { FaultyDisk } from '../support/disk-log.js';
import { copyOf, newFolder } from '../support/folder.js';
import { addNull, addRandomFile, haveQemu, startQemu } from '../support/qemu.js';
import { MIB, openRig, type Rig, readyMirror, slowMirror } from '../support/rig.js';
import type { Wire } from '../support/wire.js';

const target = { source: 'vm1', job: 'j' };

interface Lived {
  rig: Rig;
  data: string;
  /** What the first gateway's client has. */
  cursor: string;
}

interface Again {
  app: TestApp;
  wire: Wire;
}

const lastCursor = (wire: Wire): string => wire.notifications('events').at(-1)?.cursor ?? '';
const shortTypes = (events: readonly Entry[]): string[] => events.map(({ type }) => type.replace('GATEWAY_', ''));
const settledOf = (events: readonly Entry[]): Settlement[] =>
  events.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED').map(({ data }) => data as Settlement);

async function live(): Promise<Lived> {
  const data = newFolder();
  const rig = await openRig({ data });
  return { rig, data, cursor: '' };
}

/** The gateway ends as a killed one does: its folder is what the kernel had at that moment. */
async function kill({ rig, data }: Lived): Promise<string> {
  const copy = copyOf(data);
  await rig.app.close();
  return copy;
}

/** Another gateway on that folder, with a client that goes on where the first one's was. */
async function startAgain(
  { rig }: Lived,
  data: string,
  after: string,
  { tuning, path = rig.qemu.path }: { tuning?: Partial<Tuning>; path?: string } = {},
): Promise<Again & { resumed: boolean }> {
  const app = await startApp({ vm1: `unix:${path}` }, tuning, { data });
  const wire = await app.wire();
  const { resumed } = await wire.call('subscribe', { after });
  return { app, wire, resumed };
}

describe.skipIf(!haveQemu)('a gateway with a log on disk', () => {
  it.each(['restarted', 'killed'])('%s: its client resumes without a gap, and a job keeps its run', async (how) => {
    const lived = await live();
    await slowMirror(lived.rig, 'j');
    const { run } = await lived.rig.wire.call('job.get', target);
    const [cursor, seen] = [lastCursor(lived.rig.wire), lived.rig.wire.events];
    const folder = how === 'killed' ? await kill(lived) : lived.data;
    await lived.rig.app.close();
    const { wire, resumed } = await startAgain(lived, folder, cursor);
    expect(resumed).toBe(true);
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    const types = shortTypes(wire.events.slice(wire.events.findIndex(({ type }) => type === 'GATEWAY_SOURCE_DOWN')));
    expect(types).toEqual(['SOURCE_DOWN', 'SOURCE_UP', 'JOB_FOUND', 'SOURCE_SYNCED']);
    const [down, up, found] = wire.events.slice(-4);
    expect([down?.data, up?.data]).toMatchObject([{ reason: 'restarted' }, { same: true }]);
    expect(found).toMatchObject({ job: { id: 'j', run }, data: { continuity: 'assumed' } });
    const offsets = [...seen, ...wire.events].map(({ offset }) => offset);
    expect(new Set(offsets).size).toBe(offsets.length);

    const answer = await wire.call('job.abort', { ...target, sync: true });
    expect(answer).toMatchObject({ outcome: 'cancelled', run });
    expect(settledOf(wire.events)).toHaveLength(1);
  });

  it('killed while an abort runs: the settlement still says who asked', async () => {
    const lived = await live();
    const { rig } = lived;
    await addRandomFile(rig.raw, rig.qemu.folder, 'src', 4 * MIB);
    await addNull(rig.raw, 'dst', 4 * MIB, 3_000);
    await rig.qmp('blockdev-mirror', { 'job-id': 'j', device: 'src', target: 'dst', sync: 'full' });
    await rig.wire.status('j', 'running');
    await rig.wire.call('job.abort', target);
    await rig.wire.typed('GATEWAY_COMMAND_ANSWERED', 'j');
    const cursor = lastCursor(rig.wire);
    const { wire } = await startAgain(lived, await kill(lived), cursor);
    const { data, job } = await wire.typed('GATEWAY_JOB_SETTLED', 'j');
    expect(data).toMatchObject({ outcome: 'cancelled', requestedBy: [expect.any(String)] });
    expect(job?.run).toBe((await wire.call('job.get', target)).run);
  });

  it('killed before QEMU answered: the command has an answer in the log all the same', async () => {
    const lived = await live();
    const { rig } = lived;
    await slowMirror(rig, 'j');
    rig.qemu.stop();
    const abort = rig.wire.call('job.abort', { ...target, timeoutMs: 60_000 }).catch(() => undefined);
    await rig.wire.typed('GATEWAY_COMMAND', 'j');
    const cursor = lastCursor(rig.wire);
    const folder = await kill(lived);
    await abort;
    rig.qemu.cont();
    const { wire } = await startAgain(lived, folder, cursor);
    const { data } = await wire.typed('GATEWAY_COMMAND_ANSWERED', 'j');
    expect(data).toMatchObject({ result: 'unknown' });
  });

  it.each(['killed', 'restarted'])(
    '%s before a mirror ended: its pivot is proven against the disk of before',
    async (how) => {
      const lived = await live();
      const { rig } = lived;
      for (const name of ['c0', 'c1', 'b']) await addNull(rig.raw, name, MIB);
      // A user with a name: of exports, which have none, only a connection without a break could tell that they are the same.
      const quorum = { driver: 'quorum', 'node-name': 'a', 'vote-threshold': 1, children: ['c0', 'c1'] };
      await rig.qmp('blockdev-add', quorum);
      await rig.qmp('blockdev-mirror', {
        'job-id': 'j',
        device: 'a',
        target: 'b',
        sync: 'full',
        replaces: 'c1',
        'auto-dismiss': false,
      });
      await rig.wire.typed('BLOCK_JOB_READY', 'j');
      // The block graph has been read; no client is told.
      await expect
        .poll(() => readFileSync(join(lived.data, '0000000000000001.log'), 'utf8'))
        .toMatch(/BLOCK_JOB_READY[\s\S]*"baseline":{/);
      const cursor = lastCursor(rig.wire);
      const folder = how === 'killed' ? await kill(lived) : lived.data;
      await rig.app.close();
      await rig.qmp('job-complete', { id: 'j' });
      await expect
        .poll(async () => ((await rig.qmp('query-jobs')) as { status: string }[]).map(({ status }) => status))
        .toEqual(['concluded']);
      const { wire } = await startAgain(lived, folder, cursor);
      const { data } = await wire.typed('GATEWAY_JOB_SETTLED', 'j');
      expect(data).toMatchObject({
        outcome: 'completed',
        provenance: 'reconciled',
        pivoted: true,
        pivotProof: 'graph',
      });
    },
  );

  it('restarted after QEMU was: the run is lost, once', async () => {
    const lived = await live();
    await slowMirror(lived.rig, 'j');
    const cursor = lastCursor(lived.rig.wire);
    await lived.rig.app.close();
    await lived.rig.qemu.kill();
    const other = await startQemu();
    onTestFinished(() => other.close());
    rmSync(lived.rig.qemu.path, { force: true });
    const { wire } = await startAgain(lived, lived.data, cursor, { path: other.path });
    const settled = await wire.typed('GATEWAY_JOB_SETTLED', 'j');
    expect(settled.data).toMatchObject({ outcome: 'lost', provenance: 'unknown' });
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    expect(settledOf(wire.events)).toHaveLength(1);
    expect((await wire.call('job.list', {})).jobs).toEqual([]);
  });

  it('whose folder lacks entries: clients are reset, and a job is a new run, since the old one may have settled in them', async () => {
    const lived = await live();
    await slowMirror(lived.rig, 'j');
    const { run } = await lived.rig.wire.call('job.get', target);
    const cursor = lastCursor(lived.rig.wire);
    await lived.rig.app.close();
    const state = join(lived.data, 'state.json');
    writeFileSync(state, readFileSync(state, 'utf8').replace('"isAbandoned":false', '"isAbandoned":true'));
    const { wire, resumed } = await startAgain(lived, lived.data, cursor);
    expect(resumed).toBe(false);
    const found = await wire.typed('GATEWAY_JOB_FOUND', 'j');
    expect(found.data).toMatchObject({ continuity: 'new' });
    expect(found.job?.run).not.toBe(run);
  });

  it('restarted without a source: it is awaited, then removed, and its runs are lost', async () => {
    const lived = await live();
    await slowMirror(lived.rig, 'j');
    const cursor = lastCursor(lived.rig.wire);
    await lived.rig.app.close();
    const app = await startApp({}, { track: { claimMs: 300 } }, { data: lived.data });
    const wire = await app.wire();
    const { resumed, sources } = await wire.call('subscribe', { after: cursor });
    expect([resumed, sources]).toMatchObject([true, [{ name: 'vm1', state: 'down', reason: 'restarted' }]]);
    await expect(wire.call('job.abort', target)).rejects.toMatchObject({ body: { data: { reason: 'SOURCE_DOWN' } } });
    await wire.typed('GATEWAY_SOURCE_REMOVED');
    expect(settledOf(wire.events)).toMatchObject([{ outcome: 'lost' }]);
    expect((await wire.call('source.list', {})).sources).toEqual([]);
  });

  it('restarted twice: what had settled before is in the snapshot, with its cursor', async () => {
    const lived = await live();
    await readyMirror(lived.rig, 'j');
    const { run } = await lived.rig.wire.call('job.abort', { ...target, sync: true });
    const { cursor } = await lived.rig.wire.typed('GATEWAY_JOB_SETTLED', 'j').then(async () => {
      const { settled = [] } = await (await lived.rig.app.wire()).call('subscribe', {});
      return settled[0] ?? { cursor: '' };
    });
    await lived.rig.app.close();
    for (let times = 0; times < 2; times++) {
      const app = await startApp({ vm1: `unix:${lived.rig.qemu.path}` }, {}, { data: lived.data });
      const wire = await app.wire();
      await allUp(wire);
      expect((await wire.call('subscribe', {})).settled).toMatchObject([
        { run, cursor, settled: { outcome: 'completed' } },
      ]);
      expect(await wire.call('job.get', { ...target, run })).toMatchObject({ settled: { outcome: 'completed' } });
      await app.close();
    }
  });

  it('whose run is older than everything that its files have keeps it by the checkpoint', async () => {
    const lived = await live();
    const { rig, data } = lived;
    await slowMirror(rig, 'j');
    const { run } = await rig.wire.call('job.get', target);
    await rig.app.close();
    const small = { tuning: { disk: { maxBytes: 131_072, tailBytes: 1_024 } } };
    const first = await startAgain(lived, data, lastCursor(rig.wire), small);
    await first.wire.typed('GATEWAY_SOURCE_SYNCED');
    // Each speed that is set is three entries.
    for (let speed = 65_536; speed < 65_536 + 400; speed++) await first.wire.call('job.setSpeed', { ...target, speed });
    await expect
      .poll(async () => (await first.wire.call('subscribe', { after: lastCursor(rig.wire) })).resumed)
      .toBe(false);
    await first.app.close();
    const { wire } = await startAgain(lived, data, lastCursor(first.wire), small);
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    expect(await wire.call('job.abort', { ...target, sync: true })).toMatchObject({ run, status: 'settled' });
    expect(settledOf(wire.events)).toHaveLength(1);
  });

  it('whose files were damaged begins another epoch: a client without a snapshot reads that from its beginning', async () => {
    const lived = await live();
    await slowMirror(lived.rig, 'j');
    const after = lastCursor(lived.rig.wire);
    await lived.rig.app.close();
    const file = join(lived.data, '0000000000000001.log');
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    writeFileSync(file, bytes);
    const app = await startApp({ vm1: `unix:${lived.rig.qemu.path}` }, {}, { data: lived.data });
    await allUp(await app.wire());
    const client = createClient({ url: `${app.url.replace('http', 'ws')}v1` });
    onTestFinished(() => client.close());
    const [gaps, types]: [string[], string[]] = [[], []];
    client.subscribe(
      { after },
      {
        events: (entries) => types.push(...shortTypes(entries)),
        gap: ({ reason }) => gaps.push(reason),
        error: (error) => gaps.push(error.message),
      },
    );
    await expect.poll(() => types).toContain('SOURCE_SYNCED');
    expect(types.slice(0, types.indexOf('SOURCE_SYNCED'))).toEqual(['SOURCE_DOWN', 'SOURCE_UP', 'JOB_FOUND']);
    expect(gaps).toEqual(['epoch']);
  });

  it('whose disk is too full goes on in memory: clients are reset once, and readiness says so', async () => {
    const data = newFolder();
    const rig = await openRig({ data });
    await slowMirror(rig, 'j');
    await rig.app.close();
    const disk = new FaultyDisk();
    const app = await startApp({ vm1: `unix:${rig.qemu.path}` }, { disk: { disk, checkMs: 20 } }, { data });
    const wire = await app.wire();
    await wire.call('subscribe', {});
    disk.freeBytes = 0;
    const { params } = await wire.frame(({ method }) => method === 'reset');
    expect(params).toMatchObject({ reason: 'epoch', sources: [{ name: 'vm1' }] });
    const ready = await fetch(`${app.url}readyz`);
    expect(await ready.json()).toEqual({ status: 'ready', degraded: ['log'] });
    await allUp(wire);
    expect(await wire.call('job.abort', { ...target, sync: true })).toMatchObject({ outcome: 'cancelled' });
    expect(wire.notifications('reset')).toHaveLength(1);
  });
});
