// Rows of docs/LIBVIRT.md on a real libvirtd: a second abort, verbs that are not waited for, exact limits, and jobs that are not libvirt's own.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Entry, JobRef } from '../../../src/protocol/index.js';
import { startApp } from '../../support/app.js';
import { haveLibvirt, Libvirt, runLibvirt } from '../../support/libvirt.js';
import type { Wire } from '../../support/wire.js';

const libvirt = haveLibvirt ? new Libvirt() : undefined;
const virsh = (...args: string[]): Promise<string> => (libvirt as Libvirt).virsh(...args);
const monitor = async (command: string, args: object): Promise<void> => {
  const said = await virsh('qemu-monitor-command', 'vm1', JSON.stringify({ execute: command, arguments: args }));
  expect(JSON.parse(said)).toHaveProperty('return');
};
const TARGET = { source: 'vm1', job: 'vda' };
let copies = 0;

async function open(libvirtCommands?: 'full'): Promise<Wire> {
  const { wire: connect } = await startApp(
    {},
    // Beside other suites libvirt's own end may come late.
    { libvirt: { baseMs: 5, maxMs: 50, wordMs: 15_000 }, track: { proofMs: 15_000 } },
    { source: [`libvirt:*?socket=${libvirt?.socket}`], ...(libvirtCommands && { libvirtCommands }) },
  );
  const wire = await connect();
  await wire.subscribeFromStart();
  await wire.event(({ type }) => type === 'GATEWAY_SOURCE_SYNCED');
  return wire;
}

/** A copy of the disk of vm1, as virsh begins it. @param slow 1 MiB a second. */
async function copy(wire: Wire, { slow = false } = {}): Promise<JobRef> {
  const file = (libvirt as Libvirt).disk(`copy-${++copies}.qcow2`);
  await virsh('blockcopy', 'vm1', 'vda', file, '--transient-job', ...(slow ? ['--bandwidth', '1'] : []));
  return begun(wire, 'copy-vda-');
}
const begun = async (wire: Wire, name: string): Promise<JobRef> => {
  const { job } = await wire.event(
    ({ type, job: of }) => type === 'JOB_STATUS_CHANGE' && of?.id.startsWith(name) === true,
  );
  return job as JobRef;
};
const of = (wire: Wire, { run }: JobRef, type: string): Promise<Entry> =>
  wire.event((entry) => entry.type === type && entry.job?.run === run);

describe.skipIf(!haveLibvirt)('beside a real libvirtd', () => {
  runLibvirt(libvirt, 'vm1');
  beforeEach(async () => {
    await virsh('blockjob', 'vm1', 'vda', '--abort').catch(() => undefined);
  });

  it('a second abort shares the first one’s command, and both get the same outcome', async () => {
    const wire = await open();
    const { run } = await copy(wire, { slow: true });
    const abort = () => wire.call('job.abort', { ...TARGET, sync: true });
    const answers = await Promise.all([abort(), abort()]);
    for (const answer of answers) expect(answer).toMatchObject({ run, outcome: 'cancelled' });
    expect(wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toHaveLength(1);
  });

  it('a pivot that is not waited for is answered when libvirt has accepted it', async () => {
    const wire = await open();
    const job = await copy(wire);
    await of(wire, job, 'BLOCK_JOB_READY');
    expect(await wire.call('job.complete', TARGET)).toMatchObject({ status: 'requested', run: job.run });
    expect((await of(wire, job, 'GATEWAY_JOB_SETTLED')).data).toMatchObject({
      ...{ outcome: 'completed', pivoted: true, pivotProof: 'graph', libvirt: 'completed' },
    });
  });

  it('a limit is exact in bytes', async () => {
    const wire = await open();
    await copy(wire, { slow: true });
    await wire.call('job.setSpeed', { ...TARGET, speed: 1_500_001 });
    expect(await wire.call('job.get', TARGET)).toMatchObject({ speed: 1_500_001 });
    expect(await virsh('blockjob', 'vm1', 'vda', '--info', '--bytes')).toContain('1500001 bytes/s');
  });

  it('an abort of a job that somebody has paused is refused, with a hint that names no verb which the source lacks', async () => {
    const wire = await open();
    const { id } = await copy(wire, { slow: true });
    await monitor('job-pause', { id });
    await expect(wire.call('job.abort', TARGET)).rejects.toMatchObject({
      reason: 'JOB_STATE',
      body: {
        data: { desc: expect.stringContaining('is currently paused'), hint: expect.stringContaining('neither resume') },
      },
    });
    await monitor('job-resume', { id });
  });

  it('with libvirt-commands full the monitor has pause, resume, finalize and force, and nothing dismisses', async () => {
    const wire = await open('full');
    const { sources } = await wire.call('source.list', {});
    expect(sources[0]?.verbs?.toSorted()).toEqual(
      ['abort', 'complete', 'finalize', 'force', 'pause', 'resume', 'setSpeed'].toSorted(),
    );
    const job = await copy(wire, { slow: true });
    await wire.call('job.pause', TARGET);
    await expect(wire.call('job.abort', TARGET)).rejects.toMatchObject({
      body: { data: { hint: expect.stringContaining('job.resume it first') } },
    });
    await wire.call('job.resume', TARGET);
    await expect(wire.call('job.dismiss', TARGET)).rejects.toMatchObject({ reason: 'UNSUPPORTED' });
    expect(await wire.call('job.abort', { ...TARGET, force: true, sync: true })).toMatchObject({
      ...{ run: job.run, outcome: 'cancelled', forced: true },
    });
  });

  it('a copy, a pull and a commit that virsh begins are known by the disk', async () => {
    const wire = await open();
    const ids = [(await copy(wire, { slow: true })).id];
    expect(await wire.call('job.abort', { ...TARGET, sync: true })).toMatchObject({ outcome: 'cancelled' });
    const file = (libvirt as Libvirt).disk('overlay.qcow2');
    await virsh('snapshot-create-as', 'vm1', 's1', '--disk-only', '--no-metadata', '--diskspec', `vda,file=${file}`);
    for (const [command, name, ...more] of [
      ['blockpull', 'pull-vda-'],
      ['blockcommit', 'commit-vda-', '--active'],
    ] as const) {
      await virsh(command, 'vm1', 'vda', '1', ...more);
      const { id, run } = await begun(wire, name);
      ids.push(id);
      expect(await wire.call('job.abort', { ...TARGET, sync: true })).toMatchObject({ run });
    }
    for (const id of ids) expect(id).toMatch(/^(copy|pull|commit)-vda-libvirt-\d+-format$/);
  }, 60_000);

  it('a job that is not libvirt’s own is seen, and has no call that ends it; with libvirt-commands full it is ended', async () => {
    const [wire, full] = await Promise.all([open(), open('full')]);
    // libvirt's own job of the disk that the name of the other one speaks of.
    const own = await copy(wire, { slow: true });
    for (const name of ['from', 'to'])
      await monitor('blockdev-add', { driver: 'null-co', 'node-name': name, size: 67_108_864 });
    const foreign = { 'job-id': 'backup-vda', device: 'from', target: 'to', sync: 'full', speed: 1 };
    await monitor('blockdev-backup', foreign);
    await begun(wire, 'backup-vda');
    await begun(full, 'backup-vda');
    const target = { source: 'vm1', job: 'backup-vda', sync: true };
    await expect(wire.call('job.abort', target)).rejects.toMatchObject({
      ...{ reason: 'QMP_ERROR', message: expect.stringContaining('libvirt has no call for abort of backup-vda') },
    });
    expect(await full.call('job.abort', target)).toMatchObject({ outcome: 'cancelled', provenance: 'observed' });
    expect(await wire.call('job.get', TARGET)).toMatchObject({ run: own.run, status: 'running' });
    for (const name of ['from', 'to']) await monitor('blockdev-del', { 'node-name': name });
  });

  it('a running domain can’t be renamed', async () => {
    await expect(virsh('domrename', 'vm1', 'other')).rejects.toThrow('cannot rename active domain');
  });
});
