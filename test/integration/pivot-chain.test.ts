// Chains that others change meanwhile: what moves below the disk is no proof that the disk moved.
import { describe, expect, it } from 'vitest';
import type { Settlement } from '../../src/protocol/index.js';
import { addNull, addOverlay, haveQemu } from '../support/qemu.js';
import { MIB, openRig, type Rig, useNode } from '../support/rig.js';

const isGone = ({ data }: { data?: unknown }): boolean => (data as { status?: string })?.status === 'null';

/** `base` <- `mid` <- `a`, and an active commit of all of it into `base`, which is READY. */
async function readyCommit(rig: Rig): Promise<void> {
  await addNull(rig.raw, 'base', 4 * MIB);
  await addOverlay(rig.raw, rig.qemu.folder, 'mid', 4 * MIB, 'base');
  await addOverlay(rig.raw, rig.qemu.folder, 'a', 4 * MIB, 'mid');
  await useNode(rig, 'a');
  await rig.qmp('block-commit', { 'job-id': 'j', device: 'a' });
  await rig.wire.typed('BLOCK_JOB_READY', 'j');
  await rig.wire.call('job.get', { source: 'vm1', job: 'j' });
}

describe.skipIf(!haveQemu)('an active commit that a soft cancel ended while the gateway had no connection', () => {
  it.each([
    ['the middle was committed into its base', 'block-commit', { 'top-node': 'mid', 'base-node': 'base' }],
    ['the middle was streamed into the top', 'block-stream', { 'base-node': 'base' }],
  ])('has not pivoted where %s since', async (_, command, args) => {
    const rig = await openRig({ cuttable: true });
    await readyCommit(rig);
    rig.line.cut();
    await rig.wire.typed('GATEWAY_SOURCE_DOWN');
    const from = rig.raw.received.length;
    await rig.qmp('block-job-cancel', { device: 'j' });
    await rig.raw.waitFor(isGone, { from });
    const next = rig.raw.received.length;
    await rig.qmp(command, { 'job-id': 'k', device: 'a', ...args });
    await rig.raw.waitFor(isGone, { from: next });
    const exports = (await rig.qmp('query-block-exports')) as { 'node-name': string }[];
    expect(exports.map((each) => each['node-name'])).toEqual(['a']);
    rig.line.heal();
    const { pivoted } = (await rig.wire.typed('GATEWAY_JOB_SETTLED', 'j')).data as Settlement;
    expect(pivoted).not.toBe(true);
  });
});
