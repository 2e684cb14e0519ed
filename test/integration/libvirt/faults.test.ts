// What a libvirtd may do to its client: each fault has its named end, and the source comes back when the fault is gone.
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodePacket, TYPE } from '../../../src/sources/libvirt/packet.js';
import { PROGRAM } from '../../../src/sources/libvirt/procedures.js';
import { XdrWriter } from '../../../src/sources/libvirt/xdr.js';
import { startApp, type TestApp } from '../../support/app.js';
import { type FakeClient, FakeLibvirtd } from '../../support/fake-libvirtd.js';
import type { Wire } from '../../support/wire.js';
import { metric } from '../stream/support.js';

const JOB = 'copy-vda-libvirt-1-format';
async function open(
  prepare: (libvirtd: FakeLibvirtd) => void = () => undefined,
  options: object = {},
): Promise<{ app: TestApp; libvirtd: FakeLibvirtd; wire: Wire }> {
  const libvirtd = new FakeLibvirtd();
  onTestFinished(() => libvirtd.close());
  prepare(libvirtd);
  await libvirtd.listen();
  const app = await startApp(
    {},
    { libvirt: { baseMs: 5, maxMs: 20, wordMs: 100, queryMs: 100, openMs: 5_000, keepaliveMs: 1_000, ...options } },
    { source: [`vm1=libvirt:vm1?socket=${libvirtd.path}`] },
  );
  const wire = await app.wire();
  await wire.subscribeFromStart();
  return { app, libvirtd, wire };
}

/** Resolves when the source is down for that reason; it may be before anybody subscribes. */
async function isDown(wire: Wire, reason: string): Promise<void> {
  for (;;) {
    const [source] = (await wire.call('source.list', {})).sources;
    if (source?.state === 'down' && source.reason === reason) return;
  }
}
/** Bounded by 200 ms. The job is not known, so it is asked for first. */
const abort = (wire: Wire): Promise<unknown> => wire.call('job.abort', { source: 'vm1', job: JOB, timeoutMs: 200 });
const client = ({ client: connected }: FakeLibvirtd): FakeClient => {
  if (!connected) throw new Error('the domain is not connected');
  return connected;
};

it('a libvirtd that is slow to open is waited for, to a bound', async () => {
  const { wire, libvirtd } = await open((fake) => fake.on(1, () => undefined), { openMs: 50 });
  await isDown(wire, 'silent');
  libvirtd.on(1, () => Buffer.alloc(0));
  await wire.typed('GATEWAY_SOURCE_SYNCED');
});

it.each<[string, string, (fake: FakeLibvirtd) => void]>([
  [
    'polkit refuses',
    'denied',
    (fake) => {
      fake.on(66, () => new XdrWriter().int(1).int(2).bytes);
      fake.on(70, () => ({ code: 45, message: 'authentication failed' }));
    },
  ],
  ['SASL is asked for', 'denied', (fake) => fake.on(66, () => new XdrWriter().int(1).int(1).bytes)],
  ['the URI is not its own', 'denied', (fake) => fake.on(1, () => ({ code: 38, message: 'no driver' }))],
  [
    'the socket is the read-only one',
    'denied',
    (fake) => fake.onQemu(4, () => ({ code: 29, message: 'operation forbidden: read only access prevents it' })),
  ],
  ['a reply is no QMP', 'protocol', (fake) => fake.onCommand(() => '{')],
  ['a reply is cut', 'protocol', (fake) => fake.on(23, () => Buffer.from([0, 0, 0, 9]))],
  ['a string is longer than any', 'protocol', (fake) => fake.on(23, () => Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
  [
    'a packet is longer than any',
    'protocol',
    (fake) => fake.on(23, (_payload, { socket }) => void socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff]))),
  ],
  [
    'it hangs up in the middle of a packet',
    'closed',
    (fake) => fake.on(23, (_payload, { socket }) => void socket.end(Buffer.from([0, 0, 0, 60, 0x20]))),
  ],
])('%s: down, %s', async (_what, reason, prepare) => {
  const { wire } = await open(prepare);
  await isDown(wire, reason);
});

it('replies to nobody’s call and messages that nobody knows change nothing', async () => {
  const { wire, libvirtd } = await open();
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  const { socket } = client(libvirtd);
  const header = { program: PROGRAM.remote, type: TYPE.reply };
  socket.write(encodePacket({ ...header, procedure: 237, serial: 9_999 }, Buffer.alloc(0)));
  socket.write(encodePacket({ ...header, procedure: 400, type: TYPE.message, serial: 0 }, Buffer.alloc(40)));
  client(libvirtd).event('RESUME', {});
  await wire.typed('RESUME');
  expect(wire.events.some(({ type }) => type === 'GATEWAY_SOURCE_DOWN')).toBe(false);
});

it('data of an event beyond 256 KiB is its size, and that is counted', async () => {
  const { app, wire, libvirtd } = await open();
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  client(libvirtd).event('LARGE', { pad: 'x'.repeat(300 * 1024) });
  expect((await wire.typed('LARGE')).data).toEqual({ truncated: expect.any(Number) });
  client(libvirtd).event('SMALL', { pad: 'x'.repeat(200 * 1024) });
  expect((await wire.typed('SMALL')).data).toHaveProperty('pad');
  expect(await metric(app.url, 'qmp_gateway_limit_hits_total{limit="event_data"}')).toBe(1);
});

it('a domain that another call holds is asked again, not taken for one without jobs', async () => {
  let refusals = 2;
  const { wire } = await open((fake) => {
    fake.status(JOB, 'running');
    const locked = { code: 68, message: 'Timed out during operation: cannot acquire state change lock' };
    const serve = fake.handlerOf(PROGRAM.qemu, 1);
    fake.onQemu(1, (payload, each) => (refusals-- > 0 ? locked : serve(payload, each)));
  });
  await wire.typed('GATEWAY_JOB_FOUND');
  expect(refusals).toBeLessThan(0);
});

it('QEMU that does not answer is stalled, and is not asked again', async () => {
  let asked = 0;
  const { wire, libvirtd } = await open();
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  libvirtd.onCommand(() => {
    asked += 1;
    return undefined;
  });
  await expect(abort(wire)).rejects.toMatchObject({ reason: 'TIMEOUT' });
  await wire.typed('GATEWAY_SOURCE_STALLED');
  await expect(abort(wire)).rejects.toMatchObject({ reason: 'TIMEOUT' });
  expect(asked).toBe(1);
});

it('libvirt’s word comes with the end of the job, and an end without it is not held for long', async () => {
  const { wire, libvirtd } = await open();
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  const end = (): void => {
    for (const status of ['created', 'running', 'aborting']) libvirtd.status(JOB, status);
    client(libvirtd).event('BLOCK_JOB_CANCELLED', { device: JOB, type: 'mirror', len: 1, offset: 1, speed: 0 });
    for (const status of ['concluded', 'null']) libvirtd.status(JOB, status);
  };
  end();
  client(libvirtd).word('vda', 2);
  const first = await wire.typed('GATEWAY_JOB_SETTLED');
  expect(first.data).toMatchObject({ outcome: 'cancelled', libvirt: 'canceled', dismissed: true });
  end();
  const second = await wire.event(({ type, offset }) => type === 'GATEWAY_JOB_SETTLED' && offset > first.offset);
  expect(second.data).toMatchObject({ outcome: 'cancelled' });
  expect(second.data).not.toHaveProperty('libvirt');
  // It comes too late to be of a job, and is published all the same.
  client(libvirtd).word('vda', 2);
  const late = await wire.event(({ type, offset }) => type === 'LIBVIRT_BLOCK_JOB' && offset > second.offset);
  expect(late).not.toHaveProperty('job');
  expect(late.data).toEqual({ target: 'vda', type: 'copy', status: 'canceled' });
});

it('an event that a reply has overtaken is noticed, and the jobs are queried again', async () => {
  const { app, wire, libvirtd } = await open();
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  const before = libvirtd.calls.length;
  libvirtd.status(JOB, 'created', (Date.now() - 60_000) * 1_000);
  client(libvirtd).event('RESUME', {});
  await wire.typed('RESUME');
  await expect(wire.call('job.get', { source: 'vm1', job: JOB })).resolves.toMatchObject({ status: 'created' });
  expect(libvirtd.calls.slice(before).filter((call) => call === 'qemu 1').length).toBeGreaterThan(1);
  expect(await metric(app.url, 'qmp_gateway_libvirt_overtaken_total')).toBe(1);
});

it('natively no event contradicts a reply: what is merged are the events', async () => {
  const { app, wire, libvirtd } = await open((fake) => fake.on(4, () => new XdrWriter().hyper(7_002_000n).bytes), {
    queries: 'native',
  });
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  libvirtd.status(JOB, 'created', (Date.now() - 60_000) * 1_000);
  client(libvirtd).event('RESUME', {});
  await wire.typed('RESUME');
  expect(await metric(app.url, 'qmp_gateway_libvirt_overtaken_total')).toBe(0);
});

it('what libvirtd relays before QEMU’s version is known keeps its order, with libvirt’s words', async () => {
  const { wire } = await open((fake) => {
    const serve = fake.handlerOf(PROGRAM.qemu, 1);
    let isFirst = true;
    fake.onQemu(1, (payload, each) => {
      if (isFirst) {
        for (const status of ['created', 'running', 'aborting']) fake.status(JOB, status);
        each.event('BLOCK_JOB_CANCELLED', { device: JOB, type: 'mirror', len: 1, offset: 1, speed: 0 });
        for (const status of ['concluded', 'null']) fake.status(JOB, status);
        each.word('vda', 2);
        for (const status of ['created', 'running']) fake.status(JOB, status);
      }
      isFirst = false;
      return serve(payload, each);
    });
  });
  const first = await wire.typed('GATEWAY_JOB_SETTLED');
  expect(first.data).toMatchObject({ outcome: 'cancelled', libvirt: 'canceled', dismissed: true });
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  const { run } = (await wire.call('job.get', { source: 'vm1', job: JOB })) as { run: string };
  const ends = wire.events.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED');
  expect(ends.map(({ job }) => job?.run)).toEqual([first.job?.run]);
  const second = wire.events.filter(({ type, job }) => type === 'JOB_STATUS_CHANGE' && job?.run === run);
  expect(second.map(({ data }) => (data as { status: string }).status)).toEqual(['created', 'running']);
});

describe.each(['monitor', 'native'])('read by %s', (queries) => {
  it('the job that creates a copy’s file is left to libvirt, and its failure is one', async () => {
    const id = 'create-libvirt-2-format';
    const { wire, libvirtd } = await open((fake) => fake.on(4, () => new XdrWriter().hyper(7_002_000n).bytes), {
      queries,
    });
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    for (const status of ['created', 'running', 'aborting', 'concluded']) libvirtd.status(id, status);
    await wire.event(
      ({ type, data }) => type === 'JOB_STATUS_CHANGE' && (data as { status: string }).status === 'concluded',
    );
    await wire.call('job.list', {});
    libvirtd.status(id, 'null');
    const end = await wire.typed('GATEWAY_JOB_SETTLED');
    expect(end.data).toMatchObject({ outcome: 'failed', provenance: 'observed', dismissed: true });
  });

  it('an end that waits for libvirt’s word is not taken for a job that has vanished', async () => {
    const { wire, libvirtd } = await open((fake) => fake.on(4, () => new XdrWriter().hyper(7_002_000n).bytes), {
      queries,
      wordMs: 300,
    });
    await wire.typed('GATEWAY_SOURCE_SYNCED');
    await wire.call('subscribe', { progress: 100 });
    for (const status of ['created', 'running', 'aborting', 'concluded', 'null']) libvirtd.status(JOB, status);
    const end = await wire.typed('GATEWAY_JOB_SETTLED');
    expect(end.data).toMatchObject({ outcome: 'failed', provenance: 'observed', dismissed: true });
  });
});

it('a libvirtd that answers no ping is stalled, and is sent nothing until it does', async () => {
  const { wire, libvirtd } = await open(undefined, { keepaliveMs: 50 });
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  libvirtd.pings = false;
  await wire.typed('GATEWAY_SOURCE_STALLED');
  const before = libvirtd.calls.length;
  await expect(abort(wire)).rejects.toMatchObject({ reason: 'TIMEOUT' });
  expect(libvirtd.calls.length).toBe(before);
  libvirtd.pings = true;
  await wire.typed('GATEWAY_SOURCE_RESPONSIVE');
});
