// What may become of a domain beside its jobs, on a real libvirtd: it is renamed, undefined, backed up, and another libvirtd has one of its name.
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/protocol/index.js';
import { startApp } from '../../support/app.js';
import { haveLibvirt, Libvirt } from '../../support/libvirt.js';
import type { Wire } from '../../support/wire.js';

const libvirt = haveLibvirt ? new Libvirt() : undefined;
const virsh = (...args: string[]): Promise<string> => (libvirt as Libvirt).virsh(...args);

async function open(...sources: string[]): Promise<Wire> {
  // libvirt ends the disks of a backup one after another, and beside other suites slowly.
  const { wire: connect } = await startApp(
    {},
    { libvirt: { baseMs: 5, maxMs: 50, wordMs: 15_000 } },
    { source: sources },
  );
  const wire = await connect();
  await wire.subscribeFromStart();
  return wire;
}
const all = (each: Libvirt | undefined = libvirt): string => `libvirt:*?socket=${each?.socket}`;
const of = (wire: Wire, source: string, type: string, from = 0): Promise<Entry> =>
  wire.event((entry) => entry.type === type && entry.source === source && entry.offset > from);
const lastOf = (wire: Wire): number => wire.events.at(-1)?.offset ?? 0;

/** The whole of these disks, into new files. */
async function backUp(domain: string, ...disks: string[]): Promise<void> {
  const xml = (libvirt as Libvirt).disk('backup.xml');
  const rows = disks.map((disk) => {
    const file = (libvirt as Libvirt).disk(`backup-${disk}.qcow2`);
    rmSync(file, { force: true });
    return `<disk name='${disk}' type='file'><target file='${file}'/><driver type='qcow2'/></disk>`;
  });
  writeFileSync(xml, `<domainbackup mode='push'><disks>${rows.join('')}</disks></domainbackup>`);
  await virsh('backup-begin', domain, xml);
}

/** Of a domain whose disks are slow; resolves when the gateway knows the jobs. */
async function slowBackUp(wire: Wire, ...disks: string[]): Promise<void> {
  const from = lastOf(wire);
  await backUp('slow', ...disks);
  for (const disk of disks)
    await wire.event(
      ({ type, job, offset }) =>
        type === 'JOB_STATUS_CHANGE' && offset > from && job?.id.startsWith(`backup-${disk}`) === true,
    );
}

describe.skipIf(!haveLibvirt)('a domain of a real libvirtd', () => {
  beforeAll(async () => {
    await libvirt?.start();
  }, 60_000);
  afterAll(async () => {
    await libvirt?.close();
  }, 30_000);

  it('that is stopped, renamed and started is a source under its new name; the one that was named is absent', async () => {
    await libvirt?.domain('before', { persistent: true });
    const wire = await open(all(), `named=libvirt:before?socket=${libvirt?.socket}`);
    await of(wire, 'before', 'GATEWAY_SOURCE_SYNCED');
    await of(wire, 'named', 'GATEWAY_SOURCE_SYNCED');
    await expect(virsh('domrename', 'before', 'after')).rejects.toThrow(/running|active/);
    await virsh('destroy', 'before');
    await of(wire, 'before', 'GATEWAY_SOURCE_REMOVED');
    await virsh('domrename', 'before', 'after');
    await virsh('start', 'after', '--paused');
    await of(wire, 'after', 'GATEWAY_SOURCE_SYNCED');
    const { sources } = await wire.call('source.list', {});
    expect(sources.map(({ name, state, reason }) => [name, state, reason])).toEqual(
      expect.arrayContaining([
        ['after', 'up', undefined],
        ['named', 'down', 'absent'],
      ]),
    );
    expect(sources).toHaveLength(2);
    await virsh('destroy', 'after');
  });

  it('that is undefined while it runs goes on, and its jobs; it goes when it stops', async () => {
    await libvirt?.domain('short', { persistent: true });
    const wire = await open(all());
    await of(wire, 'short', 'GATEWAY_SOURCE_SYNCED');
    const copy = libvirt?.disk('short-copy.qcow2') ?? '';
    await virsh('blockcopy', 'short', 'vda', copy, '--transient-job', '--bandwidth', '1');
    const { job } = await of(wire, 'short', 'JOB_STATUS_CHANGE');
    await virsh('undefine', 'short');
    expect(await wire.call('job.abort', { source: 'short', job: 'vda', sync: true })).toMatchObject({
      ...{ outcome: 'cancelled', provenance: 'observed' },
    });
    expect(job).toBeDefined();
    expect(wire.events.filter(({ type }) => /SOURCE_(?:DOWN|REMOVED)/.test(type))).toEqual([]);
    await virsh('destroy', 'short');
    await of(wire, 'short', 'GATEWAY_SOURCE_REMOVED');
  });

  it('that is backed up: the job is seen from start to end', async () => {
    await libvirt?.domain('saved');
    const wire = await open(all());
    await of(wire, 'saved', 'GATEWAY_SOURCE_SYNCED');
    await backUp('saved', 'vda');
    const end = await wire.event(
      ({ type, job }) => type === 'GATEWAY_JOB_SETTLED' && /^backup-vda/.test(job?.id ?? ''),
    );
    expect(end.data).toMatchObject({
      ...{ outcome: 'completed', provenance: 'observed', pivoted: false, type: 'backup', libvirt: 'completed' },
    });
    expect(wire.events.filter(({ type }) => type === 'LIBVIRT_BLOCK_JOB')).toMatchObject([
      { job: end.job, data: { target: 'vda', type: 'backup', status: 'completed' } },
    ]);
    await virsh('destroy', 'saved');
  });

  it('a backup is aborted as by domjobabort: libvirt’s own job ends too, with the other disks, and the next can begin', async () => {
    await libvirt?.domain('slow', { disks: 2, latencyMs: 500 });
    const wire = await open(all());
    await of(wire, 'slow', 'GATEWAY_SOURCE_SYNCED');
    for (const by of ['gateway', 'virsh']) {
      const from = lastOf(wire);
      await slowBackUp(wire, 'vda', 'vdb');
      expect(await virsh('domjobinfo', 'slow')).toMatch(/Operation: +Backup/);
      if (by === 'virsh') await virsh('domjobabort', 'slow');
      else
        expect(await wire.call('job.abort', { source: 'slow', job: 'vda', sync: true })).toMatchObject({
          ...{ outcome: 'cancelled', provenance: 'observed', pivoted: false },
        });
      for (const disk of ['vda', 'vdb']) {
        const { data } = await wire.event(
          ({ type, job, offset }) =>
            type === 'GATEWAY_JOB_SETTLED' && offset > from && job?.id.startsWith(`backup-${disk}`) === true,
        );
        expect(data).toMatchObject({
          ...{ outcome: 'cancelled', libvirt: 'canceled' },
          requestedBy: by === 'gateway' && disk === 'vda' ? ['anonymous'] : [],
        });
      }
      await expect.poll(() => virsh('domjobinfo', 'slow')).toMatch(/Job type: +None/);
    }
    await slowBackUp(wire, 'vda');
    for (const refused of [
      wire.call('job.abort', { source: 'slow', job: 'vda', force: true }),
      wire.call('job.pause', { source: 'slow', job: 'vda' }),
    ])
      await expect(refused).rejects.toMatchObject({ reason: 'UNSUPPORTED' });
    await virsh('destroy', 'slow');
  }, 60_000);

  it('of a name that a domain of another libvirtd has: the second one has digits of its UUID, and each gets its own commands', async () => {
    const other = new Libvirt();
    try {
      await other.start();
      for (const each of [libvirt, other]) await each?.domain('twin');
      const wire = await open(all(), all(other));
      await wire.until(() => wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_SYNCED').length === 2);
      const { sources } = await wire.call('source.list', {});
      const [first, second] = sources.map(({ name }) => name).sort();
      expect(first).toBe('twin');
      const uuids = await Promise.all(
        [libvirt, other].map(async (each) => [each, await each?.virsh('domuuid', 'twin')]),
      );
      const owner = uuids.find(([, uuid]) => second === `twin-${String(uuid).slice(0, 8)}`)?.[0] as Libvirt;
      const target = owner.disk('twin-copy.qcow2');
      await owner.virsh('blockcopy', 'twin', 'vda', target, '--transient-job', '--bandwidth', '1');
      await of(wire, second ?? '', 'JOB_STATUS_CHANGE');
      await expect(wire.call('job.abort', { source: 'twin', job: 'vda' })).rejects.toMatchObject({
        reason: 'JOB_NOT_FOUND',
      });
      expect(await wire.call('job.abort', { source: second ?? '', job: 'vda', sync: true })).toMatchObject({
        outcome: 'cancelled',
      });
      expect(await owner.virsh('blockjob', 'twin', 'vda', '--info')).toBe('');
    } finally {
      await other.close();
      await virsh('destroy', 'twin');
    }
  }, 60_000);
});
