// Domains of a real libvirtd: jobs that virsh begins are seen, aborted and pivoted, and libvirt's own books stay right.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Entry, JobRef } from '../../../src/protocol/index.js';
import { startApp, type TestApp } from '../../support/app.js';
import { haveLibvirt, Libvirt, runLibvirt } from '../../support/libvirt.js';
import type { Wire } from '../../support/wire.js';

const libvirt = haveLibvirt ? new Libvirt() : undefined;
const virsh = (...args: string[]): Promise<string> => (libvirt as Libvirt).virsh(...args);
let copies = 0;

/** A copy of the disk of a domain, as virsh begins it. @param slow bytes a second that it may write, 1 MiB. */
async function copy(domain: string, { slow = false } = {}): Promise<string> {
  const target = (libvirt as Libvirt).disk(`copy-${++copies}.qcow2`);
  await virsh('blockcopy', domain, 'vda', target, '--transient-job', ...(slow ? ['--bandwidth', '1'] : []));
  return target;
}

async function open(
  flags: { libvirtCommands?: string; libvirtQueries?: string } = {},
): Promise<{ app: TestApp; wire: Wire }> {
  const app = await startApp(
    {},
    // Beside other suites libvirtd may take more than a second to answer.
    { libvirt: { baseMs: 5, maxMs: 50, keepaliveMs: 200 }, track: { proofMs: 15_000 } },
    { source: [`libvirt:*?socket=${libvirt?.socket}`], ...flags },
  );
  const wire = await app.wire();
  await wire.subscribeFromStart();
  return { app, wire };
}

const up = (wire: Wire, source: string): Promise<Entry> =>
  wire.event((entry) => entry.type === 'GATEWAY_SOURCE_SYNCED' && entry.source === source);
const isCopy = ({ job }: Entry): boolean => job?.id.startsWith('copy-vda-') === true;
const began = async (wire: Wire, from = 0): Promise<JobRef> => {
  const { job } = await wire.event(
    (entry) => isCopy(entry) && entry.type === 'JOB_STATUS_CHANGE' && entry.offset > from,
  );
  return job as JobRef;
};
const ready = (wire: Wire, { run }: JobRef): Promise<Entry> =>
  wire.event(({ type, job }) => type === 'BLOCK_JOB_READY' && job?.run === run);
const settled = (wire: Wire, { run }: JobRef): Promise<Entry> =>
  wire.event(({ type, job }) => type === 'GATEWAY_JOB_SETTLED' && job?.run === run);

/** A gateway that has seen a slow copy of vm1's disk begin. */
async function openOnCopy(): Promise<{ wire: Wire; job: JobRef }> {
  const { wire } = await open();
  await up(wire, 'vm1');
  await copy('vm1', { slow: true });
  return { wire, job: await began(wire) };
}

describe.skipIf(!haveLibvirt)('domains of a real libvirtd', () => {
  runLibvirt(libvirt, 'vm1', 'my vm');
  beforeEach(async () => {
    await virsh('blockjob', 'vm1', 'vda', '--abort').catch(() => undefined);
  });

  it('are sources under their own names, with the verbs that libvirt has', async () => {
    const { wire } = await open();
    await up(wire, 'vm1');
    const { sources } = await wire.call('source.list', {});
    expect(sources.find(({ name }) => name === 'vm1')).toMatchObject({
      ...{ provider: 'libvirt', state: 'up', verbs: ['abort', 'complete', 'setSpeed'] },
      qemu: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    expect(sources.find(({ label }) => label === 'my vm')?.name).toMatch(/^my-vm-[0-9a-f]{8}$/);
  });

  it.each([false, true])(
    'a copy is seen from its start, and its abort ends it in libvirt too (sync: %s)',
    async (sync) => {
      const { wire } = await open();
      await up(wire, 'vm1');
      await copy('vm1', { slow: true });
      const job = await began(wire);
      const answer = await wire.call('job.abort', { source: 'vm1', job: 'vda', sync });
      expect(answer).toMatchObject({
        job: job.id,
        run: job.run,
        ...(sync && { outcome: 'cancelled', pivoted: false }),
      });
      const { data } = await settled(wire, job);
      expect(data).toMatchObject({
        outcome: 'cancelled',
        provenance: 'observed',
        libvirt: 'canceled',
        dismissed: true,
      });
      expect(wire.events.filter(({ type }) => type === 'LIBVIRT_BLOCK_JOB')).toMatchObject([
        { job, data: { target: 'vda', type: 'copy', status: 'canceled' } },
      ]);
      expect(await virsh('blockjob', 'vm1', 'vda', '--info')).toBe('');
      // libvirt begins another at once, as after its own abort.
      await copy('vm1', { slow: true });
      await virsh('blockjob', 'vm1', 'vda', '--abort');
    },
  );

  it('an abort of a READY copy: QEMU completes it, libvirt says canceled, and the disk is proven to stay', async () => {
    const { wire } = await open();
    await up(wire, 'vm1');
    await copy('vm1');
    const job = await began(wire);
    await ready(wire, job);
    const answer = await wire.call('job.abort', { source: 'vm1', job: job.id, run: job.run, sync: true });
    expect(answer).toMatchObject({ outcome: 'completed', pivoted: false, pivotProof: 'graph' });
    expect((await settled(wire, job)).data).toMatchObject({ libvirt: 'canceled', requestedBy: ['anonymous'] });
  });

  it('a completed copy pivots in libvirt too; before it is READY it is refused', async () => {
    const { wire } = await open();
    await up(wire, 'vm1');
    await copy('vm1', { slow: true });
    const early = await began(wire);
    await expect(wire.call('job.complete', { source: 'vm1', job: 'vda' })).rejects.toMatchObject({
      reason: 'JOB_STATE',
      body: { data: { class: expect.stringMatching(/^VIR_ERR_/), desc: expect.stringContaining('not ready') } },
    });
    await wire.call('job.abort', { source: 'vm1', job: 'vda', sync: true });
    await settled(wire, early);
    const from = Number((await settled(wire, early)).offset);
    const target = await copy('vm1');
    const job = await began(wire, from);
    await ready(wire, job);
    const answer = await wire.call('job.complete', { source: 'vm1', job: 'vda', sync: true });
    expect(answer).toMatchObject({ outcome: 'completed', pivoted: true, pivotProof: 'graph' });
    expect((await settled(wire, job)).data).toMatchObject({ libvirt: 'completed' });
    expect(await virsh('domblklist', 'vm1')).toContain(target);
  });

  it('a pivot by virsh is proven all the same', async () => {
    const { wire } = await open();
    await up(wire, 'vm1');
    await copy('vm1');
    const job = await began(wire);
    await ready(wire, job);
    await virsh('blockjob', 'vm1', 'vda', '--pivot');
    expect((await settled(wire, job)).data).toMatchObject({ outcome: 'completed', pivoted: true, requestedBy: [] });
  });

  it('verbs that libvirt has no call for are UNSUPPORTED, and nothing is sent', async () => {
    const { wire, job } = await openOnCopy();
    const target = { source: 'vm1', job: 'vda' };
    for (const refused of [
      wire.call('job.abort', { ...target, force: true }),
      wire.call('job.abort', { ...target, escalateAfterMs: 1_000 }),
      wire.call('job.pause', target),
      wire.call('job.dismiss', target),
    ])
      await expect(refused).rejects.toMatchObject({ reason: 'UNSUPPORTED' });
    await wire.call('job.setSpeed', { ...target, speed: 2_097_152 });
    expect(await wire.call('job.get', target)).toMatchObject({ run: job.run, speed: 2_097_152 });
    expect(wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toHaveLength(1);
    await wire.call('job.abort', { ...target, sync: true });
  });

  it('with libvirt-commands full they are written to QEMU, and libvirt takes the forced end for a failure', async () => {
    const { wire } = await open({ libvirtCommands: 'full' });
    await up(wire, 'vm1');
    await copy('vm1', { slow: true });
    const job = await began(wire);
    await wire.call('job.pause', { source: 'vm1', job: 'vda' });
    await expect(wire.call('job.abort', { source: 'vm1', job: 'vda' })).rejects.toMatchObject({ reason: 'JOB_STATE' });
    const answer = await wire.call('job.abort', { source: 'vm1', job: 'vda', force: true, sync: true });
    expect(answer).toMatchObject({ outcome: 'cancelled', forced: true });
    expect((await settled(wire, job)).data).toMatchObject({ libvirt: 'failed' });
    expect(await virsh('blockjob', 'vm1', 'vda', '--info')).toBe('');
  });

  it('a domain that starts is a source, and one that stops is none any more; its runs are lost', async () => {
    const { wire } = await open();
    await up(wire, 'vm1');
    await libvirt?.domain('guest');
    await up(wire, 'guest');
    await copy('guest', { slow: true });
    const job = await began(wire);
    process.kill(libvirt?.qemuOf('guest') ?? 0, 'SIGKILL');
    const { data } = await settled(wire, job);
    expect(data).toMatchObject({ outcome: 'lost', provenance: 'unknown' });
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_REMOVED' && source === 'guest');
    expect((await wire.call('source.list', {})).sources.map(({ name }) => name)).not.toContain('guest');
  });

  it('libvirtd is killed in mid-job and started: the same QEMU, the same run, one settlement', async () => {
    const { wire, job } = await openOnCopy();
    await libvirt?.kill();
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_DOWN' && source === 'vm1');
    await expect(wire.call('job.abort', { source: 'vm1', job: 'vda' })).rejects.toMatchObject({
      reason: 'SOURCE_DOWN',
    });
    const lost = wire.events.at(-1)?.offset ?? 0;
    await libvirt?.start();
    const after = (type: string): Promise<Entry> =>
      wire.event((entry) => entry.type === type && entry.source === 'vm1' && entry.offset > lost);
    const again = await after('GATEWAY_SOURCE_UP');
    await after('GATEWAY_SOURCE_SYNCED');
    expect(again.data).toMatchObject({ same: true });
    const answer = await wire.call('job.abort', { source: 'vm1', job: job.id, run: job.run, sync: true });
    expect(answer).toMatchObject({ outcome: 'cancelled', provenance: 'observed' });
    await settled(wire, job);
    expect(wire.events.filter((entry) => entry.type === 'GATEWAY_JOB_SETTLED' && isCopy(entry))).toHaveLength(1);
  }, 60_000);

  it('libvirtd stands still: its sources are stalled, what is asked is not sent, and it goes on without a gap', async () => {
    const { wire, job } = await openOnCopy();
    await wire.call('job.get', { source: 'vm1', job: 'vda' });
    libvirt?.signal('SIGSTOP');
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_STALLED' && source === 'vm1');
    await expect(
      wire.call('job.abort', { source: 'vm1', job: 'vda', sync: true, timeoutMs: 200 }),
    ).rejects.toMatchObject({ reason: 'TIMEOUT', body: { data: { accepted: false } } });
    libvirt?.signal('SIGCONT');
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_RESPONSIVE' && source === 'vm1');
    const answer = await wire.call('job.abort', { source: 'vm1', job: 'vda', run: job.run, sync: true });
    expect(answer).toMatchObject({ outcome: 'cancelled', provenance: 'observed' });
    await settled(wire, job);
    expect(wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_DOWN')).toEqual([]);
    expect(wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toHaveLength(1);
  }, 60_000);

  it('QEMU stands still: the source is stalled, an abort is bounded, others are served; it goes on and one settlement comes', async () => {
    const { wire, job } = await openOnCopy();
    // Its reply is the last that QEMU owes.
    await wire.call('job.get', { source: 'vm1', job: 'vda' });
    const qemu = libvirt?.qemuOf('vm1') ?? 0;
    process.kill(qemu, 'SIGSTOP');
    const calls = Array.from({ length: 20 }, () =>
      wire
        .call('job.abort', { source: 'vm1', job: 'vda', sync: true, timeoutMs: 300 })
        .catch((error: unknown) => error),
    );
    for (const answer of await Promise.all(calls))
      expect(answer).toMatchObject({ reason: 'TIMEOUT', body: { data: { accepted: null } } });
    await virsh('resume', 'my vm');
    await virsh('suspend', 'my vm');
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_STALLED' && source === 'vm1');
    process.kill(qemu, 'SIGCONT');
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_RESPONSIVE' && source === 'vm1');
    expect((await settled(wire, job)).data).toMatchObject({ outcome: 'cancelled', requestedBy: ['anonymous'] });
    expect(wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toHaveLength(1);
  }, 60_000);

  it('an abort behind a call that QEMU owes an answer to is never sent, and says so', async () => {
    const { wire, job } = await openOnCopy();
    await wire.call('job.get', { source: 'vm1', job: 'vda' });
    const qemu = libvirt?.qemuOf('vm1') ?? 0;
    process.kill(qemu, 'SIGSTOP');
    const read = wire.call('job.get', { source: 'vm1', job: 'vda' });
    await expect(
      wire.call('job.abort', { source: 'vm1', job: 'vda', sync: true, timeoutMs: 200 }),
    ).rejects.toMatchObject({ reason: 'TIMEOUT', body: { data: { accepted: false } } });
    process.kill(qemu, 'SIGCONT');
    expect(await read).toMatchObject({ run: job.run, status: 'running' });
    expect(wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toEqual([]);
  }, 60_000);

  it('natively: seen, aborted, pivoted and proven, over a restart of libvirtd too, and the domain is never tainted', async () => {
    await libvirt?.domain('pure');
    const { wire } = await open({ libvirtQueries: 'native' });
    await up(wire, 'pure');
    const target = { source: 'pure', job: 'vda' };
    await copy('pure', { slow: true });
    const first = await began(wire);
    expect(await wire.call('job.get', target)).toMatchObject({
      ...{ run: first.run, type: 'mirror', status: 'running', len: 67_108_864, speed: 1_048_576 },
    });
    await libvirt?.kill();
    await wire.event(({ type, source }) => type === 'GATEWAY_SOURCE_DOWN' && source === 'pure');
    const lost = wire.events.at(-1)?.offset ?? 0;
    await libvirt?.start();
    await wire.event(
      ({ type, source, offset }) => type === 'GATEWAY_SOURCE_SYNCED' && source === 'pure' && offset > lost,
    );
    expect(await wire.call('job.abort', { ...target, run: first.run, sync: true })).toMatchObject({
      ...{ outcome: 'cancelled', provenance: 'observed', pivoted: false },
    });
    const end = await settled(wire, first);
    await copy('pure');
    const second = await began(wire, end.offset);
    await ready(wire, second);
    expect(await wire.call('job.abort', { ...target, sync: true })).toMatchObject({
      ...{ outcome: 'completed', pivoted: false, pivotProof: 'graph' },
    });
    const kept = await settled(wire, second);
    expect(kept.data).toMatchObject({ libvirt: 'canceled' });
    const place = await copy('pure');
    const third = await began(wire, kept.offset);
    await ready(wire, third);
    expect(await wire.call('job.complete', { ...target, sync: true })).toMatchObject({
      ...{ outcome: 'completed', pivoted: true, pivotProof: 'graph' },
    });
    expect(await virsh('domblklist', 'pure')).toContain(place);
    expect(libvirt?.logOf('pure')).not.toContain('custom-monitor');
  }, 60_000);

  it('events have QEMU’s own time', async () => {
    const { wire } = await open();
    await up(wire, 'vm1');
    const heard = await libvirt?.hear('vm1');
    await copy('vm1', { slow: true });
    const job = await began(wire);
    await wire.call('job.abort', { source: 'vm1', job: 'vda', sync: true });
    const ours = wire.events
      .filter((entry) => entry.job?.run === job.run && /^(JOB_STATUS|BLOCK_JOB)/.test(entry.type))
      .map(({ type, time }) => `${type} ${time}`);
    const virshs = await heard?.(ours.length, job.id);
    expect(virshs).toEqual(ours);
    expect(libvirt?.logOf('vm1')).toContain('custom-monitor');
  });
});
