// What a client sees of each of the simulator's faults, on a real socket.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { LACKS_OF_2_11, type Simulator, type SimulatorOptions, startSimulator } from '../../../src/simulator/index.js';
import { connectRaw, type Message, type RawClient } from '../../support/qmp-raw.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const folder = await mkdtemp(join(tmpdir(), 'sim-'));
  const simulator = await startSimulator({ listen: { path: join(folder, 'qmp.sock') }, ...options });
  closers.push(async () => {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  });
  return simulator;
}

async function dial(simulator: Simulator): Promise<RawClient> {
  const client = await connectRaw(simulator.address);
  closers.push(async () => client.close());
  return client;
}

const isEvent = (message: Message): boolean => 'event' in message;
/** Waits until something holds that no message announces, with an event-loop turn between two checks. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

it('drops a connection while the jobs go on; events meanwhile are recorded and not delivered', async () => {
  const simulator = await start({ record: true });
  const client = await (await dial(simulator)).negotiate();
  simulator.jobs.start({ type: 'mirror', id: 'j' });
  await client.waitFor(({ event }) => event === 'BLOCK_JOB_READY');
  simulator.faults.dropConnection();
  expect(await client.closed).toBeNull();
  simulator.jobs.complete('j');
  expect(simulator.record.map(({ delivered }) => delivered)).toEqual([true, true, true, true, ...Array(5).fill(false)]);
  const next = await (await dial(simulator)).negotiate();
  expect(await next.execute('query-jobs')).toMatchObject({ return: [] });
  simulator.faults.dropConnection('reset');
  await next.closed;
});

it('resets a TCP connection', async () => {
  const simulator = await start({ listen: { host: '127.0.0.1', port: 0 } });
  const client = await (await dial(simulator)).negotiate();
  simulator.faults.dropConnection('reset');
  expect(await client.closed).toBe('ECONNRESET');
});

it('hangs: greets a client that connects, answers nothing, and catches up when it wakes', async () => {
  const simulator = await start();
  simulator.faults.hang();
  const client = await dial(simulator);
  await client.waitFor((message) => 'QMP' in message);
  const negotiated = client.execute('qmp_capabilities');
  const queried = client.execute('query-jobs');
  await until(() => client.received.length === 1);
  simulator.faults.wake();
  expect([await negotiated, await queried].map((reply) => 'return' in reply)).toEqual([true, true]);
});

it('is silent to every client that connects, until it wakes', async () => {
  const simulator = await start();
  simulator.faults.silent();
  const client = await dial(simulator);
  expect(client.received).toEqual([]);
  simulator.faults.wake();
  await client.negotiate();
});

it('storms: 60,000 events in two seconds, all of them, with a reply in between', async () => {
  const simulator = await start();
  const client = await (await dial(simulator)).negotiate();
  const storm = simulator.faults.storm({ id: 'j', events: 60_000, perSecond: 30_000 });
  await client.waitFor(isEvent);
  expect(await client.execute('query-jobs')).toMatchObject({ return: [] });
  await storm;
  const events = (): number => client.received.length - 3;
  await client.waitFor(() => events() === 60_000);
  expect(client.received.at(-1)?.message).toMatchObject({
    event: 'BLOCK_JOB_ERROR',
    data: { device: 'j', operation: 'write', action: 'ignore' },
  });
});

it('storms with any event, each with data of its own, in order', async () => {
  const simulator = await start();
  const client = await (await dial(simulator)).negotiate();
  const data = (n: number): Record<string, unknown> => ({ 'node-name': 'disk0', n });
  await simulator.faults.storm({ event: 'BLOCK_WRITE_THRESHOLD', data, events: 300, perSecond: 30_000 });
  const told = () => client.received.map(({ message }) => message).filter(({ event }) => event !== undefined);
  await client.waitFor(() => told().length === 300);
  expect(told().map(({ data }) => (data as { n: number }).n)).toEqual(Array.from({ length: 300 }, (_, n) => n));
});

it('storms at once into a client that does not read: nothing is dropped, the backlog grows', async () => {
  const simulator = await start();
  const client = await (await dial(simulator)).negotiate();
  client.pause();
  await simulator.faults.storm({ id: 'j', events: 20_000, atOnce: true });
  await until(() => simulator.backlog > 1_000_000);
  client.resume();
  await client.waitFor((_, index) => index === 20_001);
});

it('puts foreign messages before greeting and negotiation', async () => {
  const simulator = await start();
  simulator.faults.eventBeforeGreeting();
  simulator.faults.staleReply('OLD-1');
  const client = await (await dial(simulator)).negotiate();
  expect(client.received.map(({ message }) => Object.keys(message)[0])).toEqual(['timestamp', 'QMP', 'id', 'return']);
  expect(client.received[2]?.message).toMatchObject({ id: 'OLD-1' });
});

it('a command under way outlives its client; its reply goes to the next', async () => {
  const simulator = await start();
  const first = await (await dial(simulator)).negotiate();
  simulator.faults.delayReply('query-version', 50);
  first.send('{"execute":"query-version","id":"OLD-1"}{"execute":"query-version","id":"OLD-2"}');
  const second = await dial(simulator);
  first.close();
  const stale = await second.waitFor(({ id }) => id === 'OLD-1');
  expect(stale.message).toMatchObject({ return: { qemu: { major: 7 } } });
  await second.negotiate();
  expect(second.received.some(({ message }) => message.id === 'OLD-2')).toBe(false);
});

it('garbage and half messages come as they are', async () => {
  const simulator = await start();
  const client = await (await dial(simulator)).negotiate();
  simulator.faults.garbage('{"nonsense');
  simulator.faults.halfMessage();
  await until(() => client.rest.includes('{"nonsense{"timestamp"'));
});

it('restarts: the jobs are gone, the address is the same', async () => {
  const simulator = await start({ listen: { host: '127.0.0.1', port: 0 } });
  const { address } = simulator;
  const client = await (await dial(simulator)).negotiate();
  simulator.jobs.start({ type: 'mirror', id: 'j', bytesPerSecond: 1 });
  const queued = await dial(simulator);
  await simulator.faults.restart();
  await client.closed;
  await queued.closed;
  expect(simulator.address).toEqual(address);
  const next = await (await dial(simulator)).negotiate();
  expect(await next.execute('query-jobs')).toMatchObject({ return: [] });
});

it('refuses a command once, without executing it', async () => {
  const simulator = await start();
  const client = await (await dial(simulator)).negotiate();
  simulator.faults.refuseNextCommand('query-jobs', { class: 'KVMMissingCap', desc: 'no' });
  expect(await client.execute('query-jobs')).toMatchObject({ error: { class: 'KVMMissingCap', desc: 'no' } });
  expect(await client.execute('query-jobs')).toMatchObject({ return: [] });
});

it('emits any event, also without a time', async () => {
  const simulator = await start();
  const client = await (await dial(simulator)).negotiate();
  simulator.faults.timestampsUnavailable();
  simulator.faults.emit('SHUTDOWN', { guest: false, reason: 'host-qmp-quit' });
  const { message } = await client.waitFor(isEvent);
  expect(message).toEqual({
    timestamp: { seconds: -1, microseconds: -1 },
    event: 'SHUTDOWN',
    data: { guest: false, reason: 'host-qmp-quit' },
  });
});

it('QEMU 2.11: no job-* command, no JOB_STATUS_CHANGE, no status in the query', async () => {
  const simulator = await start({ lacks: LACKS_OF_2_11 });
  const client = await (await dial(simulator)).negotiate();
  expect(await client.execute('query-jobs')).toMatchObject({ error: { class: 'CommandNotFound' } });
  expect(await client.execute('job-cancel', { id: 'j' })).toMatchObject({ error: { class: 'CommandNotFound' } });
  await client.execute('blockdev-mirror', { 'job-id': 'j', device: 'a', target: 'b', sync: 'full' });
  expect(await client.execute('query-block-jobs')).toMatchObject({
    return: [expect.not.objectContaining({ status: 'ready' })],
  });
  expect(client.received.filter(({ message }) => isEvent(message)).map(({ message }) => message.event)).toEqual([
    'BLOCK_JOB_READY',
  ]);
});

it('pretty: the same messages on several lines', async () => {
  const simulator = await start({ pretty: true });
  const client = await (await dial(simulator)).negotiate();
  expect((await client.waitFor((message) => 'QMP' in message)).text).toContain(
    '{\r\n    "QMP": {\r\n        "version"',
  );
});

it('a quit ends the listener as well, and leaves nothing behind', async () => {
  const simulator = await start();
  const client = await (await dial(simulator)).negotiate();
  simulator.jobs.start({ type: 'mirror', id: 'j', bytesPerSecond: 1 });
  await client.execute('quit');
  await client.closed;
  await until(() => simulator.negotiated === false);
  await expect(connectRaw(simulator.address)).rejects.toMatchObject({ code: 'ENOENT' });
});
