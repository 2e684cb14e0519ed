// Aborts on a real QEMU: both modes, every kind of job, and what happens when something else happens first.
import { describe, expect, it } from 'vitest';
import type { Settlement } from '../../src/protocol/index.js';
import { addBroken, addNull, addOverlay, addRandomFile, haveQemu } from '../support/qemu.js';
import { dirtyMirror, MIB, openRig, type Rig, readyMirror, slowMirror, useNode, writeByNbd } from '../support/rig.js';
import type { Frame, WireError } from '../support/wire.js';

const target = (job: string) => ({ source: 'vm1', job });

async function settlement({ wire }: Rig, job: string): Promise<Settlement> {
  return (await wire.typed('GATEWAY_JOB_SETTLED', job)).data as Settlement;
}

async function reasonOf(call: Promise<unknown>): Promise<WireError['body']> {
  return call.then(
    (result) => {
      throw new Error(`expected an error, got ${JSON.stringify(result)}`);
    },
    (error: WireError) => error.body,
  );
}

describe.skipIf(!haveQemu)('abort on a real QEMU', () => {
  it('async: answers at acceptance, and all consequences lie after its cursor', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    const result = await rig.wire.call('job.abort', target('j'));
    expect(result).toMatchObject({ status: 'requested', source: 'vm1', job: 'j' });
    const cancelled = await rig.wire.typed('BLOCK_JOB_CANCELLED', 'j');
    expect(result.run).toBe(cancelled.job?.run);
    expect(cancelled.offset).toBeGreaterThan(Number(result.cursor.split(':')[1]));
    expect(await settlement(rig, 'j')).toMatchObject({
      outcome: 'cancelled',
      provenance: 'observed',
      pivoted: false,
      requestedBy: ['anonymous'],
      dismissed: true,
    });
  });

  it('sync: the event comes before the result on the same connection', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    const frame = await rig.wire.ask('job.abort', { ...target('j'), sync: true }, 'the-abort');
    expect(frame.result).toMatchObject({
      status: 'settled',
      outcome: 'cancelled',
      provenance: 'observed',
      forced: false,
    });
    const at = (fits: (frame: Frame) => boolean): number => rig.wire.frames.findIndex(fits);
    const event = at(({ params }) => JSON.stringify(params ?? {}).includes('GATEWAY_JOB_SETTLED'));
    expect(event).toBeGreaterThanOrEqual(0);
    expect(event).toBeLessThan(at(({ id }) => id === 'the-abort'));
    expect(rig.wire.events.filter(({ type }) => type === 'BLOCK_JOB_CANCELLED')).toHaveLength(1);
  });

  it('CANCELLED reaches every subscriber in both modes, and when no abort came through this gateway', async () => {
    const rig = await openRig();
    const others = [await rig.app.wire(), await rig.app.wire()];
    for (const other of others)
      await other.call('subscribe', { types: ['BLOCK_JOB_CANCELLED', 'GATEWAY_JOB_SETTLED'] });
    await slowMirror(rig, 'a');
    await slowMirror(rig, 'b');
    await slowMirror(rig, 'c');
    await rig.wire.call('job.abort', target('a'));
    await rig.wire.call('job.abort', { ...target('b'), sync: true });
    await rig.qmp('job-cancel', { id: 'c' });
    for (const wire of [rig.wire, ...others])
      for (const job of ['a', 'b', 'c'])
        expect((await wire.typed('BLOCK_JOB_CANCELLED', job)).data).toMatchObject({ device: job });
    expect(await settlement(rig, 'c')).toMatchObject({ outcome: 'cancelled', requestedBy: [] });
  });

  it('a READY mirror: soft completes without a pivot, force cancels', async () => {
    const rig = await openRig();
    await readyMirror(rig, 'soft');
    await useNode(rig, 'soft-src');
    await readyMirror(rig, 'hard');
    expect(await rig.wire.call('job.abort', { ...target('soft'), sync: true })).toMatchObject({
      outcome: 'completed',
      pivoted: false,
      pivotProof: 'graph',
      forced: false,
    });
    expect(await rig.wire.call('job.abort', { ...target('hard'), sync: true, force: true })).toMatchObject({
      outcome: 'cancelled',
      pivoted: false,
      forced: true,
    });
  });

  it('a READY mirror of a disk that nothing uses, completed by another client: its pivot is not known', async () => {
    const rig = await openRig();
    await readyMirror(rig, 'j');
    await rig.qmp('job-complete', { id: 'j' });
    expect(await settlement(rig, 'j')).toMatchObject({
      outcome: 'completed',
      pivoted: 'unknown',
      pivotProof: null,
      requestedBy: [],
    });
  });

  it('a backup, whose events may come before the return', async () => {
    const rig = await openRig();
    await addRandomFile(rig.raw, rig.qemu.folder, 'src', 4 * MIB);
    await addNull(rig.raw, 'dst', 4 * MIB);
    await rig.qmp('blockdev-backup', { 'job-id': 'j', device: 'src', target: 'dst', sync: 'full', speed: 65_536 });
    await rig.wire.status('j', 'running');
    const [sync, async] = await Promise.all([
      rig.wire.call('job.abort', { ...target('j'), sync: true }),
      rig.wire.call('job.abort', target('j')),
    ]);
    expect(sync).toMatchObject({ status: 'settled', outcome: 'cancelled' });
    expect(['settled', 'requested']).toContain(async.status);
  });

  it('a stream', async () => {
    const rig = await openRig();
    await addRandomFile(rig.raw, rig.qemu.folder, 'back', 4 * MIB);
    await addOverlay(rig.raw, rig.qemu.folder, 'top', 4 * MIB, 'back');
    await rig.qmp('block-stream', { 'job-id': 'j', device: 'top', speed: 65_536 });
    const result = await rig.wire.call('job.abort', { ...target('j'), sync: true });
    expect(result).toMatchObject({ outcome: 'cancelled', pivoted: false, forced: false });
  });

  it('an intermediate commit', async () => {
    const rig = await openRig();
    const { folder } = rig.qemu;
    await addNull(rig.raw, 'base', 4 * MIB);
    await addOverlay(rig.raw, folder, 'low', 4 * MIB, 'base');
    await addOverlay(rig.raw, folder, 'middle', 4 * MIB, 'low');
    await writeByNbd(rig, 'middle', 4 * MIB);
    await rig.qmp('block-export-del', { id: 'middle-export' });
    await rig.raw.waitFor(({ event }) => event === 'BLOCK_EXPORT_DELETED');
    await addOverlay(rig.raw, folder, 'tip', 4 * MIB, 'middle');
    await rig.qmp('block-commit', {
      'job-id': 'j',
      device: 'tip',
      'top-node': 'middle',
      'base-node': 'low',
      speed: 65_536,
    });
    const result = await rig.wire.call('job.abort', { ...target('j'), sync: true });
    expect(result).toMatchObject({ outcome: 'cancelled', pivoted: false, forced: false });
    expect(await settlement(rig, 'j')).toMatchObject({ type: 'commit' });
  });

  it('a paused job refuses a soft cancel with a hint, and accepts a forced one', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    expect(await rig.wire.call('job.pause', target('j'))).toMatchObject({ status: 'requested' });
    await rig.wire.status('j', 'paused');
    const refusal = await reasonOf(rig.wire.call('job.abort', target('j')));
    expect(refusal.data).toMatchObject({ reason: 'JOB_STATE', status: 'paused' });
    expect(String(refusal.data?.hint)).toMatch(/force/);
    const result = await rig.wire.call('job.abort', { ...target('j'), sync: true, force: true });
    expect(result).toMatchObject({ outcome: 'cancelled', forced: true });
    expect(await settlement(rig, 'j')).toMatchObject({ requestedBy: ['anonymous'] });
  });

  it('an error-stopped job asks for attention, and runs on after resume', async () => {
    const rig = await openRig();
    await addRandomFile(rig.raw, rig.qemu.folder, 'src', MIB);
    await addBroken(rig.raw, 'dst', MIB, { errno: 28, once: true });
    await rig.qmp('blockdev-mirror', {
      'job-id': 'j',
      device: 'src',
      target: 'dst',
      sync: 'full',
      'on-target-error': 'stop',
    });
    expect((await rig.wire.typed('GATEWAY_JOB_ATTENTION', 'j')).data).toMatchObject({
      ioStatus: 'nospace',
      operation: 'write',
      action: 'stop',
    });
    expect((await reasonOf(rig.wire.call('job.abort', target('j')))).data?.reason).toBe('JOB_STATE');
    await rig.wire.call('job.resume', target('j'));
    await rig.wire.typed('BLOCK_JOB_READY', 'j');
    expect(await rig.wire.call('job.abort', { ...target('j'), sync: true, force: true })).toMatchObject({
      outcome: 'cancelled',
    });
  });

  it('a job that ends first answers with how it ended, and again when called by its run', async () => {
    const rig = await openRig();
    await readyMirror(rig, 'j');
    const { run } = (await rig.wire.typed('BLOCK_JOB_READY', 'j')).job ?? { run: '' };
    const waiting = rig.wire.call('job.wait', { ...target('j'), run });
    await rig.qmp('job-complete', { id: 'j' });
    expect(await waiting).toMatchObject({ status: 'settled', outcome: 'completed' });
    const again = await rig.wire.call('job.abort', { ...target('j'), run, sync: true });
    expect(again).toMatchObject({ status: 'settled', outcome: 'completed', run });
    expect(await rig.wire.call('job.get', { ...target('j'), run })).toMatchObject({
      run,
      settled: { outcome: 'completed' },
    });
    expect(rig.wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toEqual([]);
  });

  it('a command is followed by what QEMU said of it, under one name', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    await reasonOf(rig.wire.call('job.complete', target('j')));
    await rig.wire.call('job.abort', { ...target('j'), sync: true });
    const trail = rig.wire.events.filter(({ type }) => type.startsWith('GATEWAY_COMMAND'));
    const [refused, cancel] = trail.filter(({ type }) => type === 'GATEWAY_COMMAND').map(({ data }) => data) as {
      command: string;
    }[];
    expect(refused?.command).not.toBe(cancel?.command);
    const answers = trail.filter(({ type }) => type === 'GATEWAY_COMMAND_ANSWERED').map(({ data }) => data);
    expect(answers).toEqual([
      { command: refused?.command, result: 'refused', error: expect.any(String) },
      { command: cancel?.command, result: 'accepted' },
    ]);
  });

  it('a command whose monitor is lost before QEMU answers has an unknown result', async () => {
    const rig = await openRig({ cuttable: true });
    await slowMirror(rig, 'j');
    await rig.wire.call('job.get', target('j'));
    rig.qemu.stop();
    const abort = reasonOf(rig.wire.call('job.abort', target('j')));
    await rig.wire.typed('GATEWAY_COMMAND', 'j');
    rig.line.cut();
    expect((await abort).data?.reason).toBe('OUTCOME_UNKNOWN');
    expect((await rig.wire.typed('GATEWAY_COMMAND_ANSWERED', 'j')).data).toMatchObject({ result: 'unknown' });
    rig.qemu.cont();
  });

  it('unknown source, unknown job, stale run: nothing is sent', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    expect((await reasonOf(rig.wire.call('job.abort', { source: 'nope', job: 'j' }))).data?.reason).toBe(
      'SOURCE_NOT_FOUND',
    );
    expect((await reasonOf(rig.wire.call('job.abort', target('nope')))).data?.reason).toBe('JOB_NOT_FOUND');
    const stale = await reasonOf(rig.wire.call('job.abort', { ...target('j'), run: 'aaaa:1' }));
    expect(stale.data?.reason).toBe('STALE_RUN');
    const job = await rig.wire.call('job.get', target('j'));
    expect(stale.data?.run).toBe(job.run);
    expect(job.status).toBe('running');
    expect(rig.wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toEqual([]);
  });

  it('an id used three times in one burst is three runs, each settled once', async () => {
    const rig = await openRig();
    await rig.qmp('blockdev-add', { driver: 'null-co', 'node-name': 'src', size: MIB, 'read-zeroes': true });
    await rig.qmp('blockdev-add', { driver: 'null-co', 'node-name': 'dst', size: MIB });
    const backup = { 'job-id': 'j', device: 'src', target: 'dst', sync: 'full' };
    await Promise.all([1, 2, 3].map(() => rig.qmp('blockdev-backup', backup)));
    await rig.wire.until(() => rig.wire.events.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED').length >= 3);
    const settled = rig.wire.events.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED');
    expect(new Set(settled.map(({ job }) => job?.run)).size).toBe(3);
    expect(settled.map(({ data }) => (data as Settlement).outcome)).toEqual(['completed', 'completed', 'completed']);
    const created = rig.wire.events.filter(({ data }) => (data as { status?: string }).status === 'created');
    expect(settled.map(({ job, data }) => [job?.run, (data as Settlement).began?.split(':')[1]])).toEqual(
      created.map(({ job, offset }) => [job?.run, String(offset)]),
    );
  });

  it('auto-dismiss off: settled when concluded, the id free after dismiss', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j', { 'auto-dismiss': false });
    const result = await rig.wire.call('job.abort', { ...target('j'), sync: true });
    expect(result).toMatchObject({ outcome: 'cancelled', dismissed: false });
    expect(await rig.wire.call('job.get', target('j'))).toMatchObject({
      status: 'concluded',
      settled: { outcome: 'cancelled' },
    });
    expect(await rig.wire.call('job.abort', { ...target('j'), sync: true })).toMatchObject({
      outcome: 'cancelled',
      run: result.run,
    });
    await rig.wire.call('job.dismiss', target('j'));
    await rig.wire.status('j', 'null');
    expect((await rig.wire.call('job.list', {})).jobs).toEqual([]);
    expect(rig.wire.events.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED')).toHaveLength(1);
    // Who asks later is told that the id is free.
    expect((await rig.wire.call('job.get', target('j'))).settled).toMatchObject({
      outcome: 'cancelled',
      dismissed: true,
    });
    expect(await rig.wire.call('job.abort', { ...target('j'), run: result.run, sync: true })).toMatchObject({
      ...{ outcome: 'cancelled', dismissed: true, cursor: result.cursor },
    });
  });

  it('a bounded wait times out while other calls are answered, and its cancel stays in force', async () => {
    const rig = await openRig();
    await addRandomFile(rig.raw, rig.qemu.folder, 'src', 4 * MIB);
    await addNull(rig.raw, 'dst', 4 * MIB, 1_500);
    await rig.qmp('blockdev-mirror', { 'job-id': 'j', device: 'src', target: 'dst', sync: 'full' });
    await rig.wire.status('j', 'running');
    const abort = reasonOf(rig.wire.call('job.abort', { ...target('j'), sync: true, timeoutMs: 300 }));
    expect((await rig.wire.call('job.list', {})).jobs).toHaveLength(1);
    const refusal = await abort;
    expect(refusal).toMatchObject({ code: -32008, data: { reason: 'TIMEOUT', accepted: true, job: { job: 'j' } } });
    expect(rig.wire.events.some(({ type }) => type === 'BLOCK_JOB_CANCELLED')).toBe(false);
    expect(await settlement(rig, 'j')).toMatchObject({ outcome: 'cancelled', requestedBy: ['anonymous'] });
  });

  it('ten concurrent aborts share one command and one outcome', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    rig.qemu.stop();
    const aborts = Array.from({ length: 10 }, () => rig.wire.call('job.abort', { ...target('j'), sync: true }));
    // QEMU stands still until all ten are there: one that came when the job is gone would be told so. A later one is answered after them.
    await reasonOf(rig.wire.call('job.abort', { ...target('unknown'), timeoutMs: 200 }));
    rig.qemu.cont();
    const results = await Promise.all(aborts);
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(rig.wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toHaveLength(1);
  });

  it('QEMU killed during a wait: lost, never success', async () => {
    const rig = await openRig({ tuning: { track: { lostAfterMs: 50 } } });
    await addRandomFile(rig.raw, rig.qemu.folder, 'src', 4 * MIB);
    await addNull(rig.raw, 'dst', 4 * MIB, 60_000);
    await rig.qmp('blockdev-mirror', { 'job-id': 'j', device: 'src', target: 'dst', sync: 'full' });
    await rig.wire.status('j', 'running');
    const sync = rig.wire.call('job.abort', { ...target('j'), sync: true });
    await rig.wire.typed('GATEWAY_COMMAND', 'j');
    await rig.qemu.kill('SIGKILL');
    expect(await sync).toMatchObject({ status: 'settled', outcome: 'lost', provenance: 'unknown', pivoted: 'unknown' });
    expect((await reasonOf(rig.wire.call('job.abort', target('j')))).data?.reason).toBe('SOURCE_DOWN');
  });

  it('a stopped QEMU: every abort is answered within its bound', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'j');
    await rig.wire.call('job.get', target('j'));
    rig.qemu.stop();
    const both = [
      rig.wire.call('job.abort', { ...target('j'), timeoutMs: 200 }),
      rig.wire.call('job.abort', { ...target('j'), sync: true, timeoutMs: 300 }),
      rig.wire.call('job.abort', { ...target('unknown'), timeoutMs: 200 }),
    ].map(reasonOf);
    const [async, sync, unknown] = await Promise.all(both);
    expect(async?.data).toMatchObject({ reason: 'TIMEOUT', accepted: null });
    expect(sync?.data).toMatchObject({ reason: 'TIMEOUT', accepted: null });
    expect(unknown?.data).toMatchObject({ reason: 'TIMEOUT', accepted: false });
    rig.qemu.cont();
    expect(await settlement(rig, 'j')).toMatchObject({ outcome: 'cancelled', provenance: 'observed' });
  });

  it('job.complete pivots; a soft abort after it is refused', async () => {
    const rig = await openRig();
    await dirtyMirror(rig, 'j', 32 * MIB, 4 * MIB);
    expect(await rig.wire.call('job.complete', target('j'))).toMatchObject({ status: 'requested' });
    const refusal = await reasonOf(rig.wire.call('job.abort', target('j')));
    expect(refusal.data).toMatchObject({ reason: 'JOB_STATE' });
    expect(await rig.wire.call('job.abort', { ...target('j'), sync: true, force: true })).toMatchObject({
      outcome: 'cancelled',
      pivoted: false,
    });
  });

  it('job.complete with sync answers that the job pivoted', async () => {
    const rig = await openRig();
    await readyMirror(rig, 'j');
    expect(await rig.wire.call('job.complete', { ...target('j'), sync: true })).toMatchObject({
      outcome: 'completed',
      pivoted: true,
    });
  });

  it('a soft cancel that does not end escalates, also after its caller has been answered', async () => {
    const rig = await openRig();
    await dirtyMirror(rig, 'j', 32 * MIB, 4 * MIB);
    const requested = await rig.wire.call('job.abort', { ...target('j'), escalateAfterMs: 300 });
    expect(requested.status).toBe('requested');
    const result = await rig.wire.call('job.wait', target('j'));
    expect(result).toMatchObject({ outcome: 'cancelled', forced: true, escalated: true });
    expect(
      rig.wire.events
        .filter(({ type }) => type === 'GATEWAY_COMMAND')
        .map(({ data }) => (data as { args: object }).args),
    ).toEqual([
      { job: 'j', force: false },
      { job: 'j', force: true, escalation: true },
    ]);
  });

  it('a sibling of a grouped transaction ends too, without a requester', async () => {
    const rig = await openRig();
    for (const id of ['a', 'b']) {
      await addRandomFile(rig.raw, rig.qemu.folder, `${id}-src`, 4 * MIB);
      await addNull(rig.raw, `${id}-dst`, 4 * MIB);
    }
    const backup = (id: string) => ({
      type: 'blockdev-backup',
      data: { 'job-id': id, device: `${id}-src`, target: `${id}-dst`, sync: 'full', speed: 65_536 },
    });
    await rig.qmp('transaction', { actions: [backup('a'), backup('b')], properties: { 'completion-mode': 'grouped' } });
    await rig.wire.status('b', 'running');
    expect(await rig.wire.call('job.abort', { ...target('a'), sync: true })).toMatchObject({ outcome: 'cancelled' });
    expect(await settlement(rig, 'a')).toMatchObject({ requestedBy: ['anonymous'] });
    expect(await settlement(rig, 'b')).toMatchObject({ outcome: 'cancelled', requestedBy: [] });
  });

  it('a job that fails keeps its error', async () => {
    const rig = await openRig();
    await addRandomFile(rig.raw, rig.qemu.folder, 'src', MIB);
    await addBroken(rig.raw, 'dst', MIB, { errno: 28 });
    await rig.qmp('blockdev-mirror', {
      'job-id': 'j',
      device: 'src',
      target: 'dst',
      sync: 'full',
      'on-target-error': 'report',
    });
    const settled = await settlement(rig, 'j');
    expect(settled).toMatchObject({ outcome: 'failed', provenance: 'observed', pivoted: 'unknown' });
    expect(settled.error).toMatch(/\w/);
    expect(await rig.wire.call('job.get', target('j'))).toMatchObject({
      settled: { outcome: 'failed', error: settled.error },
    });
  });

  it('job-create: a job without BLOCK_JOB_* events settles when concluded', async () => {
    const rig = await openRig();
    await rig.qmp('blockdev-create', {
      'job-id': 'c',
      options: { driver: 'file', filename: `${rig.qemu.folder}/new.img`, size: MIB },
    });
    expect(await settlement(rig, 'c')).toMatchObject({
      outcome: 'completed',
      dismissed: false,
      pivoted: false,
      type: 'create',
    });
  });
});

describe.skipIf(!haveQemu)('what QEMU sends arrives unchanged', () => {
  it('from a monitor in pretty mode', async () => {
    const rig = await openRig({ pretty: true });
    await slowMirror(rig, 'j');
    expect(await rig.wire.call('job.abort', { ...target('j'), sync: true })).toMatchObject({ outcome: 'cancelled' });
  });

  it('a speed beyond 2^53, both ways', async () => {
    const rig = await openRig();
    await readyMirror(rig, 'j');
    await rig.wire.call('job.setSpeed', { ...target('j'), speed: '9007199254740993' });
    expect((await rig.wire.call('job.get', target('j'))).speed).toBe('9007199254740993');
    expect(JSON.stringify(await rig.raw.execute('query-block-jobs', {}))).toContain('"speed"');
    await rig.wire.call('job.abort', { ...target('j'), sync: true, force: true });
    expect((await rig.wire.typed('BLOCK_JOB_CANCELLED', 'j')).data).toMatchObject({ speed: '9007199254740993' });
  });
});
