// The history of runs with whole gateways on a real QEMU: over a restart, over a kill before the record was written, and without a folder.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HistoryRun } from '../../src/protocol/index.js';
import { startApp } from '../support/app.js';
import { copyOf, newFolder } from '../support/folder.js';
import { haveQemu } from '../support/qemu.js';
import { openRig, slowMirror } from '../support/rig.js';
import type { Wire } from '../support/wire.js';

const target = { source: 'vm1', job: 'j' };
const listed = async (wire: Wire): Promise<HistoryRun[]> => (await wire.call('history.list', {})).runs;

describe.skipIf(!haveQemu)('the history of runs', () => {
  it('has a run with its start, its end and who asked, and its story, after a restart too', async () => {
    const data = newFolder();
    const rig = await openRig({ data });
    await slowMirror(rig, 'j');
    const live = await rig.wire.call('history.get', target);
    expect([live.record, live.entries[0]?.type]).toEqual([undefined, 'JOB_STATUS_CHANGE']);
    await rig.wire.call('subscribe', { progress: 100, tag: 1 });
    // Until QEMU knows the length there is nothing to keep.
    await rig.wire.until(() =>
      rig.wire.notifications('progress').some(({ jobs }) => jobs.some(({ len }) => Number(len) > 0)),
    );
    const { run } = await rig.wire.call('job.abort', { ...target, sync: true });
    const [record] = await listed(rig.wire);
    const began = rig.wire.events.find(({ job }) => job?.run === run);
    const settled = rig.wire.events.find(({ type }) => type === 'GATEWAY_JOB_SETTLED');
    expect(record).toMatchObject({ ...target, run, type: 'mirror', outcome: 'cancelled', requestedBy: ['anonymous'] });
    expect([record?.start, record?.end]).toEqual([began?.time, settled?.time]);
    expect(record?.durationMs).toBeGreaterThan(0);
    const story = await rig.wire.call('history.get', target);
    expect(story).toMatchObject({ run, record });
    expect(story.progress.length).toBeGreaterThan(0);
    const ofRun = rig.wire.events.filter(({ job }) => job?.run === run);
    expect(story.entries).toEqual(ofRun.filter(({ offset }, at) => ofRun.findIndex((e) => e.offset === offset) === at));
    await rig.app.close();

    const again = await startApp({ vm1: `unix:${rig.qemu.path}` }, {}, { data });
    const wire = await again.wire();
    expect(await listed(wire)).toEqual([record]);
    expect(await wire.call('history.get', target)).toEqual(story);
    const { cursor, truncated } = await wire.call('subscribe', { from: record?.start ?? '' });
    expect([truncated, cursor.split(':')[0]]).toEqual([undefined, record?.ended.split(':')[0]]);
    await wire.until(() => wire.events.some((entry) => entry.job?.run === run && entry.type === 'GATEWAY_JOB_SETTLED'));
  });

  it('gets the record that a killed gateway had not written, and none twice', async () => {
    const data = newFolder();
    const rig = await openRig({ data });
    await slowMirror(rig, 'j');
    await rig.wire.call('job.abort', { ...target, sync: true });
    const before = await listed(rig.wire);
    const [whole, lacking] = [copyOf(data), copyOf(data)];
    for (const name of readdirSync(join(lacking, 'history'))) rmSync(join(lacking, 'history', name));
    await rig.app.close();
    for (const folder of [whole, lacking]) {
      const app = await startApp({}, {}, { data: folder });
      expect(await listed(await app.wire())).toEqual(before);
      await app.close();
    }
  });

  it('is in memory without a folder', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    await rig.wire.call('job.abort', { ...target, sync: true });
    expect(await listed(rig.wire)).toMatchObject([{ ...target, outcome: 'cancelled' }]);
  });
});
