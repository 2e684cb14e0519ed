// A domain that is migrated away, as its libvirtd tells it: the mirrors of its disks to the destination end, then it has stopped.
import { expect, it, onTestFinished } from 'vitest';
import { LIFECYCLE } from '../../../src/sources/libvirt/procedures.js';
import { startApp } from '../../support/app.js';
import { type FakeClient, FakeLibvirtd } from '../../support/fake-libvirtd.js';
import type { Wire } from '../../support/wire.js';

/** The job of a disk that is migrated without shared storage. */
const JOB = 'drive-virtio-disk0';
/** virDomainEventType, and the details of a migration: virDomainEventSuspendedDetailType, virDomainEventStoppedDetailType. */
const SUSPENDED = 3;
const BY_MIGRATION = { suspended: 1, stopped: 3 } as const;

async function open(source: string): Promise<{ libvirtd: FakeLibvirtd; wire: Wire; client: FakeClient }> {
  const libvirtd = new FakeLibvirtd();
  onTestFinished(() => libvirtd.close());
  await libvirtd.listen();
  const app = await startApp(
    {},
    { libvirt: { baseMs: 5, maxMs: 20 } },
    { source: [`${source}?socket=${libvirtd.path}`] },
  );
  const wire = await app.wire();
  await wire.subscribeFromStart();
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  const { client } = libvirtd;
  if (!client) throw new Error('the domain is not connected');
  return { libvirtd, wire, client };
}

const measures = { device: JOB, type: 'mirror', len: 100, offset: 100, speed: 0 };

function mirrorIsReady({ libvirtd, client }: { libvirtd: FakeLibvirtd; client: FakeClient }): void {
  for (const status of ['created', 'running', 'ready']) libvirtd.status(JOB, status);
  client.event('BLOCK_JOB_READY', measures);
}

/** libvirt ends the mirrors while the guest stands, and QEMU is gone soon after. */
function leaves(client: FakeClient): void {
  client.lifecycle(LIFECYCLE.stopped, BY_MIGRATION.stopped);
}

it.each([
  ['libvirt:*', 'its source goes', 'GATEWAY_SOURCE_REMOVED'],
  ['vm1=libvirt:vm1', 'the named source is absent', 'GATEWAY_SOURCE_DOWN'],
])('%s: the mirror has completed, and %s', async (source, _what, last) => {
  const { libvirtd, wire, client } = await open(source);
  mirrorIsReady({ libvirtd, client });
  await wire.typed('BLOCK_JOB_READY');
  client.lifecycle(SUSPENDED, BY_MIGRATION.suspended);
  for (const status of ['waiting', 'pending']) libvirtd.status(JOB, status);
  client.event('BLOCK_JOB_COMPLETED', measures);
  for (const status of ['concluded', 'null']) libvirtd.status(JOB, status);
  const settled = await wire.typed('GATEWAY_JOB_SETTLED');
  // The disk is still that of the source; its guest is elsewhere.
  expect(settled.data).toMatchObject({ outcome: 'completed', provenance: 'observed', requestedBy: [] });
  leaves(client);
  for (const each of libvirtd.clients) if (each !== client) leaves(each);
  const end = await wire.typed(last);
  expect(end.offset).toBeGreaterThan(settled.offset);
  if (last === 'GATEWAY_SOURCE_DOWN') expect(end.data).toEqual({ reason: 'absent' });
});

it('a domain that is gone before the end of its mirror was heard: the run is lost, once', async () => {
  const { libvirtd, wire, client } = await open('libvirt:*');
  mirrorIsReady({ libvirtd, client });
  await wire.typed('BLOCK_JOB_READY');
  for (const each of libvirtd.clients) leaves(each);
  await wire.typed('GATEWAY_SOURCE_REMOVED');
  expect(wire.events.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED').map(({ data }) => data)).toMatchObject([
    { outcome: 'lost', provenance: 'unknown', pivoted: 'unknown' },
  ]);
});
