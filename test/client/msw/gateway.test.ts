import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type ClientOptions, createClient, type SocketConstructor } from '../../../src/client/index.js';
import { Clock } from '../support/clock.js';
import { listen } from '../support/start.js';
import { MockGateway } from './gateway.js';
import { handlers, MOCK_URL } from './handlers.js';

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
afterAll(() => server.close());

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  server.resetHandlers();
});

function begin(options: Partial<ClientOptions> = {}) {
  const gateway = new MockGateway();
  server.use(...handlers(gateway));
  const clock = new Clock();
  const { WebSocket } = globalThis as unknown as { WebSocket: SocketConstructor };
  const client = createClient({ url: MOCK_URL, WebSocket, runtime: clock, ...options });
  clients.push(client);
  const ask = (method: string) => gateway.requests.filter((request) => request.method === method);
  return { gateway, clock, client, ask };
}

/** Moves time in small steps until `condition` holds. */
async function until(clock: Clock, condition: () => boolean): Promise<void> {
  for (let step = 0; step < 200 && !condition(); step += 1) await clock.advance(100);
  expect(condition(), 'in 20 s of its time').toBe(true);
}

describe('a client of the mock gateway', () => {
  it('sees a cancel as event and as settlement', async () => {
    const { gateway, clock, client } = begin();
    const job = gateway.startJob('drive0');
    const { heard, observer } = listen();
    client.subscribe({}, observer);
    await until(clock, () => heard.length === 1);
    const abort = client.abort({ source: 'vm1', job: 'drive0', sync: true });
    await until(clock, () => heard.length > 3);
    await expect(abort).resolves.toMatchObject({ status: 'settled', outcome: 'cancelled', run: job.run });
    expect(heard.slice(0, 2)).toEqual(['snapshot initial mock1:1', 'events 2 to mock1:2']);
  });

  it.each([1001, 1006, 1011, 1012, 1013, 4508, 4510])('resumes after %i without a gap or a duplicate', async (code) => {
    const { gateway, clock, client } = begin();
    const { heard, offsets, observer } = listen();
    client.subscribe({}, observer);
    await until(clock, () => heard.length === 1);
    gateway.emit('STOP', {});
    await until(clock, () => offsets.length === 1);
    gateway.drop(code);
    gateway.emit('RESUME', {});
    gateway.emit('STOP', {});
    await until(clock, () => offsets.length === 3);
    expect(offsets).toEqual([1, 2, 3]);
    expect(heard.filter((item) => /gap|snapshot/.test(String(item)))).toHaveLength(1);
  });

  it('comes through a server that dies in the middle of each resume', async () => {
    const { gateway, clock, client, ask } = begin();
    const { heard, offsets, observer } = listen();
    client.subscribe({}, observer);
    await until(clock, () => heard.length === 1);
    gateway.script = ({ method }, connection) =>
      method === 'subscribe' && connection < 6 ? { kind: 'die-after', events: 2, code: 1006 } : undefined;
    gateway.drop(1006);
    for (let n = 0; n < 10; n += 1) gateway.emit('STOP', { n });
    await until(clock, () => offsets.length === 10);
    expect(offsets).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const asked = ask('subscribe').map(({ params }) => (params as { after?: string }).after);
    expect(asked).toEqual([undefined, 'mock1:0', 'mock1:2', 'mock1:4', 'mock1:6', 'mock1:8']);
  });

  it('comes through half answers: silence, a close instead of a reply', async () => {
    const { gateway, clock, client } = begin();
    gateway.script = ({ method }, connection) => {
      if (method !== 'subscribe') return undefined;
      return connection === 1 ? { kind: 'silence' } : connection === 2 ? { kind: 'die', code: 1011 } : undefined;
    };
    const { heard, observer } = listen();
    client.subscribe({}, observer);
    await until(clock, () => heard.length === 1);
    expect(heard).toEqual(['snapshot initial mock1:0']);
    expect(gateway.connections).toBe(3);
    expect(gateway.open).toBe(1);
  });

  it('does not come back before bye allows it', async () => {
    const { gateway, clock, client } = begin();
    await until(clock, () => client.state.phase === 'open');
    gateway.bye(1012, 'drain', 9_000);
    await clock.advance(8_900);
    expect(client.state).toMatchObject({ phase: 'waiting', reason: { cause: 'bye', code: 1012 } });
    expect(gateway.connections).toBe(1);
    await until(clock, () => client.state.phase === 'open');
  });

  it('says when the retention or the log is over', async () => {
    const { gateway, clock, client } = begin();
    const { heard, observer } = listen();
    client.subscribe({}, observer);
    await until(clock, () => heard.length === 1);
    gateway.drop(1006);
    for (let n = 0; n < 5; n += 1) gateway.emit('STOP', {});
    gateway.retained = 4;
    await until(clock, () => heard.length === 3);
    gateway.drop(1012);
    gateway.restart('mock2');
    await until(clock, () => heard.length === 5);
    gateway.reset('retention');
    await until(clock, () => heard.length === 7);
    expect(heard.slice(1)).toEqual([
      ...['gap retention mock1:0 mock1:5', 'snapshot retention mock1:5'],
      ...['gap epoch mock1:5 mock2:0', 'snapshot epoch mock2:0'],
      ...['gap retention mock2:0 mock2:0', 'snapshot retention mock2:0'],
    ]);
  });

  it('repeats an abort by its run when the connection is lost, and hits no other run', async () => {
    const { gateway, clock, client, ask } = begin();
    gateway.startJob('drive0');
    gateway.script = ({ method }, connection) => {
      if (method !== 'job.abort' || connection > 1) return undefined;
      const job = gateway.jobs.get('drive0');
      if (job) gateway.cancelJob(job); // executed, and then the answer is lost
      gateway.startJob('drive0'); // a new run of the id
      return { kind: 'die', code: 1006 };
    };
    const abort = client.abort({ source: 'vm1', job: 'drive0', run: 'mock1:1', sync: true });
    await until(clock, () => ask('job.abort').length === 2);
    await expect(abort).resolves.toMatchObject({ status: 'settled', run: 'mock1:1' });
    expect(gateway.jobs.size).toBe(1);
  });

  it('is refused by the server’s reason', async () => {
    const { gateway, clock, client } = begin();
    gateway.script = () => ({ kind: 'refuse', error: { code: -32003, message: 'no', data: { reason: 'FORBIDDEN' } } });
    const fate = client.info().catch((error) => error);
    await until(clock, () => gateway.requests.length === 1);
    expect(await fate).toMatchObject({ code: -32003, reason: 'FORBIDDEN' });
  });

  it('gets new credentials after 4401, and is closed for good without', async () => {
    const tokens = ['old', 'new'];
    const { gateway, clock, client, ask } = begin({ token: () => tokens.shift() ?? 'new' });
    gateway.script = ({ params }) =>
      (params as { token?: string }).token === 'old' ? { kind: 'die', code: 4401 } : undefined;
    await until(clock, () => client.state.phase === 'open');
    expect(ask('authenticate').map(({ params }) => params)).toEqual([{ token: 'old' }, { token: 'new' }]);
    gateway.drop(4403);
    await until(clock, () => client.state.phase === 'closed');
  });

  it('leaves no connection behind', async () => {
    const { gateway, clock, client } = begin();
    await until(clock, () => gateway.open === 1);
    client.close();
    await until(clock, () => gateway.open === 0);
    expect(clock.pending).toBe(0);
  });
});
