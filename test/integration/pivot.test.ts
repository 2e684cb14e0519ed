// Where the disk is after a mirror or an active commit, on a real QEMU: whichever client ended the job, the settlement says what the block graph
// shows.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Settlement } from '../../src/protocol/index.js';
import { allUp, startApp } from '../support/app.js';
import { addNull, addOverlay, addRandomFile, addThrottled, haveQemu } from '../support/qemu.js';
import { KIB, MIB, openRig, type Rig, readyMirror, useNode } from '../support/rig.js';
import type { Wire } from '../support/wire.js';

const target = { source: 'vm1', job: 'j' };
const settlement = async (wire: Wire): Promise<Settlement> =>
  (await wire.typed('GATEWAY_JOB_SETTLED', 'j')).data as Settlement;

/** A READY mirror of a disk in use, with a write in flight: a complete is accepted, and does not finish at once. */
async function busyMirror(rig: Rig): Promise<void> {
  const size = 64 * MIB;
  await rig.qmp('blockdev-add', { driver: 'null-co', 'node-name': 'a', size, 'read-zeroes': true });
  await addThrottled(rig.raw, 'b', size, 24 * MIB);
  const uri = await useNode(rig, 'a');
  await rig.qmp('blockdev-mirror', { 'job-id': 'j', device: 'a', target: 'b', sync: 'none' });
  await rig.wire.typed('BLOCK_JOB_READY', 'j');
  await promisify(execFile)('qemu-io', ['-f', 'raw', '-c', `write -P 7 0 ${32 * MIB}`, uri]);
}

/** Which node the export `a-export` uses, as QEMU says itself. */
async function usedNode(rig: Rig): Promise<string | undefined> {
  const exports = (await rig.qmp('query-block-exports')) as { id: string; 'node-name': string }[];
  return exports.find(({ id }) => id === 'a-export')?.['node-name'];
}

describe.skipIf(!haveQemu)('a mirror that pivoted is never said not to have', () => {
  it("another client's complete, then our soft abort", async () => {
    const rig = await openRig();
    await busyMirror(rig);
    await rig.qmp('job-complete', { id: 'j' });
    const answer = await rig.wire.call('job.abort', { ...target, sync: true });
    expect(await usedNode(rig)).toBe('b');
    expect(answer).toMatchObject({ outcome: 'completed', pivoted: true, pivotProof: 'graph' });
  });

  it('our complete, a new gateway, then a soft abort', async () => {
    const rig = await openRig();
    await busyMirror(rig);
    expect(await rig.wire.call('job.complete', target)).toMatchObject({ status: 'requested' });
    await rig.app.close();
    const app = await startApp({ vm1: `unix:${rig.qemu.path}` });
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', {});
    const answer = await wire.call('job.abort', { ...target, sync: true });
    expect(await usedNode(rig)).toBe('b');
    expect(answer).toMatchObject({ outcome: 'completed', pivoted: true, pivotProof: 'graph' });
  });

  it('a complete by one gateway, a soft abort by another', async () => {
    const rig = await openRig({ more: 1 });
    const other = await startApp({ vm1: `unix:${rig.qemu.paths[2]}` });
    const wire = await other.wire();
    await allUp(wire);
    await busyMirror(rig);
    await wire.call('job.complete', target);
    expect(await rig.wire.call('job.abort', { ...target, sync: true })).toMatchObject({
      outcome: 'completed',
      pivoted: true,
      pivotProof: 'graph',
    });
    expect(await usedNode(rig)).toBe('b');
  });
});

describe.skipIf(!haveQemu)('the block graph proves', () => {
  it.each([
    ['job-complete', { id: 'j' }, true, 'b'],
    ['block-job-cancel', { device: 'j' }, false, 'a'],
  ])('%s by another client', async (command, args, pivoted, node) => {
    const rig = await openRig();
    await busyMirror(rig);
    await rig.qmp(command, args);
    expect(await settlement(rig.wire)).toMatchObject({
      outcome: 'completed',
      pivoted,
      pivotProof: 'graph',
      requestedBy: [],
    });
    expect(await usedNode(rig)).toBe(node);
  });

  it.each([
    ['job.complete', true],
    ['job.abort', false],
  ] as const)('an active commit, by our %s', async (method, pivoted) => {
    const rig = await openRig();
    await addNull(rig.raw, 'base', 4 * MIB);
    await addOverlay(rig.raw, rig.qemu.folder, 'a', 4 * MIB, 'base');
    await useNode(rig, 'a');
    await rig.qmp('block-commit', { 'job-id': 'j', device: 'a' });
    await rig.wire.typed('BLOCK_JOB_READY', 'j');
    expect(await rig.wire.call(method, { ...target, sync: true })).toMatchObject({
      outcome: 'completed',
      pivoted,
      pivotProof: 'graph',
    });
    expect(await usedNode(rig)).toBe(pivoted ? 'base' : 'a');
  });

  it.each([
    ['job.complete', true],
    ['job.abort', false],
  ] as const)("a quorum's child that is replaced, by our %s", async (method, pivoted) => {
    const rig = await openRig();
    for (const name of ['c0', 'c1', 'b']) await addNull(rig.raw, name, MIB);
    await rig.qmp('blockdev-add', {
      driver: 'quorum',
      'node-name': 'a',
      'vote-threshold': 1,
      children: ['c0', 'c1'],
    });
    await useNode(rig, 'a');
    await rig.qmp('blockdev-mirror', {
      'job-id': 'j',
      device: 'a',
      target: 'b',
      sync: 'full',
      replaces: 'c1',
    });
    await rig.wire.typed('BLOCK_JOB_READY', 'j');
    expect(await rig.wire.call(method, { ...target, sync: true })).toMatchObject({ pivoted, pivotProof: 'graph' });
    expect(await usedNode(rig)).toBe('a');
    expect(JSON.stringify(await rig.qmp('query-named-block-nodes'))).toContain('c0');
  });

  it('a pivot of a job that failed', async () => {
    const rig = await openRig();
    const { folder } = rig.qemu;
    await addNull(rig.raw, 'base', 4 * MIB);
    await addOverlay(rig.raw, folder, 'a', 4 * MIB, 'base');
    await useNode(rig, 'a');
    // A copy of the top alone, whose own backing file is missing when QEMU opens it at the end.
    const copy = join(folder, 'copy.qcow2');
    await promisify(execFile)('qemu-img', [
      'create',
      '-q',
      '-u',
      '-f',
      'qcow2',
      '-F',
      'raw',
      '-b',
      join(folder, 'none'),
      copy,
      '4M',
    ]);
    await rig.qmp('drive-mirror', {
      'job-id': 'j',
      device: 'a',
      target: copy,
      format: 'qcow2',
      mode: 'existing',
      sync: 'top',
    });
    await rig.wire.typed('BLOCK_JOB_READY', 'j');
    const answer = await rig.wire.call('job.complete', { ...target, sync: true });
    const moved = (await usedNode(rig)) !== 'a';
    expect(answer).toMatchObject({ outcome: 'failed', pivoted: moved, pivotProof: 'graph' });
    expect(moved).toBe(true);
  });

  it('and is not confused by a loser that is deleted at once', async () => {
    const rig = await openRig();
    await addRandomFile(rig.raw, rig.qemu.folder, 'a', 64 * KIB);
    await writeFile(join(rig.qemu.folder, 'b.bin'), Buffer.alloc(64 * KIB));
    await rig.qmp('blockdev-add', { driver: 'file', 'node-name': 'b', filename: join(rig.qemu.folder, 'b.bin') });
    await rig.qmp('nbd-server-start', { addr: { type: 'unix', data: { path: join(rig.qemu.folder, 'nbd.sock') } } });
    await rig.qmp('block-export-add', { type: 'nbd', id: 'a-export', 'node-name': 'a' });
    await rig.qmp('blockdev-mirror', { 'job-id': 'j', device: 'a', target: 'b', sync: 'full' });
    await rig.wire.typed('BLOCK_JOB_READY', 'j');
    const deleted = rig.raw
      .waitFor(({ data }) => (data as { status?: string })?.status === 'null')
      .then(() => rig.qmp('blockdev-del', { 'node-name': 'a' }));
    await rig.qmp('job-complete', { id: 'j' });
    expect(await settlement(rig.wire)).toMatchObject({ pivoted: true, pivotProof: 'graph' });
    await deleted;
  });

  it('after a time without a connection to a QEMU that is proven to be the same: lost, and where the disk is', async () => {
    const rig = await openRig({ cuttable: true });
    // The child of a quorum is an edge with a name: it can be distinguished from others after a time without a connection.
    for (const name of ['c0', 'c1', 'b']) await addNull(rig.raw, name, MIB);
    await rig.qmp('blockdev-add', { driver: 'quorum', 'node-name': 'a', 'vote-threshold': 1, children: ['c0', 'c1'] });
    await rig.qmp('blockdev-mirror', { 'job-id': 'j', device: 'a', target: 'b', sync: 'full', replaces: 'c1' });
    await rig.wire.typed('BLOCK_JOB_READY', 'j');
    // A fresh query is answered after the block graph, which was queried when the job became ready.
    await rig.wire.call('job.get', target);
    rig.line.cut();
    await rig.wire.typed('GATEWAY_SOURCE_DOWN');
    await rig.qmp('job-complete', { id: 'j' });
    await rig.raw.waitFor(({ data }) => (data as { status?: string })?.status === 'null');
    rig.line.heal();
    expect(await settlement(rig.wire)).toMatchObject({
      outcome: 'lost',
      provenance: 'unknown',
      pivoted: true,
      pivotProof: 'graph',
    });
  });
});

describe.skipIf(!haveQemu)('without a proof', () => {
  it('a soft abort of a disk that nothing uses', async () => {
    const rig = await openRig();
    await readyMirror(rig, 'j');
    expect(await rig.wire.call('job.abort', { ...target, sync: true })).toMatchObject({
      outcome: 'completed',
      pivoted: 'unknown',
      pivotProof: null,
    });
  });
});
