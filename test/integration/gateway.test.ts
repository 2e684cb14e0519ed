// The gateway on real sockets: who may connect, what bad frames get, subscriptions, one-shot RPC, leaks.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/index.js';
import { allUp, startApp, type TestApp } from '../support/app.js';
import { connectWire } from '../support/wire.js';

async function simulated(
  options: Partial<SimulatorOptions> = {},
  flags: Parameters<typeof startApp>[2] = {},
): Promise<{ app: TestApp; simulator: Simulator }> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  const path = join(folder, 'vm.sock');
  const simulator = await startSimulator({ listen: { path }, ...options });
  onTestFinished(async () => {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  });
  const app = await startApp({ vm1: `unix:${path}` }, {}, flags);
  return { app, simulator };
}

interface Answer {
  status: number;
  body: string;
  headers: Record<string, unknown>;
}

function http(
  app: TestApp,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: app.port, path, method: options.method ?? 'GET', headers: options.headers ?? {} },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

/** The HTTP status with which an upgrade is refused. */
async function refusal(
  app: TestApp,
  options: { origin?: string; headers?: Record<string, string>; protocols?: string[]; path?: string },
): Promise<Answer> {
  const ws = new WebSocket(`ws://127.0.0.1:${app.port}${options.path ?? '/v1'}`, options.protocols ?? [], {
    headers: options.headers ?? {},
    ...(options.origin !== undefined && { origin: options.origin }),
  });
  ws.on('error', () => undefined);
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, import('node:http').IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body, headers: response.headers };
}

describe('who may connect', () => {
  it('refuses a foreign or null Origin and a foreign Host with 403, on the socket and over HTTP', async () => {
    const { app } = await simulated();
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${app.port + 1}`]) {
      expect((await refusal(app, { origin })).status).toBe(403);
      expect(
        (
          await http(app, '/v1/rpc', {
            method: 'POST',
            headers: { origin, 'content-type': 'application/json' },
            body: '{}',
          })
        ).status,
      ).toBe(403);
    }
    expect((await refusal(app, { headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await http(app, '/metrics', { headers: { host: 'evil.example' } })).status).toBe(403);
    const own = await app.wire({ origin: `http://127.0.0.1:${app.port}` });
    expect((await own.call('server.info', {})).version).toMatch(/^\d/);
  });

  it('lets allowed origins and hosts in, and only then sends CORS headers', async () => {
    const { app } = await simulated({}, { allowOrigin: ['https://dash.example'], allowHost: ['gw.example'] });
    const wire = await app.wire({ origin: 'https://dash.example', host: 'gw.example' });
    expect((await wire.call('source.list', {})).sources).toHaveLength(1);
    const body = '{"jsonrpc":"2.0","id":1,"method":"source.list"}';
    const headers = { 'content-type': 'application/json' };
    const cross = await http(app, '/v1/rpc', {
      method: 'POST',
      headers: { ...headers, origin: 'https://dash.example' },
      body,
    });
    expect(cross).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': 'https://dash.example' } });
    expect(
      (await http(app, '/v1/rpc', { method: 'POST', headers, body })).headers['access-control-allow-origin'],
    ).toBeUndefined();
  });

  it('selects its subprotocol, accepts a client that offers none, refuses one that offers others', async () => {
    const { app } = await simulated();
    expect((await app.wire()).ws.protocol).toBe('qmp-gateway.v1');
    expect((await app.wire({ protocols: [] })).ws.protocol).toBe('');
    expect((await app.wire({ protocols: ['x', 'qmp-gateway.v1'] })).ws.protocol).toBe('qmp-gateway.v1');
    expect(await refusal(app, { protocols: ['graphql-ws'] })).toMatchObject({
      status: 400,
      body: expect.stringContaining('qmp-gateway.v1'),
    });
    expect((await refusal(app, { path: '/other' })).status).toBe(404);
  });
});

describe('bad frames', () => {
  it('get the error that the protocol names, and nothing else happens', async () => {
    const { app } = await simulated();
    const wire = await app.wire();
    const code = async (text: string): Promise<number | undefined> => {
      const seen = wire.frames.length;
      wire.ws.send(text);
      return (await wire.until(() => wire.frames[seen])).error?.code;
    };
    expect(await code('{')).toBe(-32700);
    expect(await code('[]')).toBe(-32600);
    expect(await code('{"jsonrpc":"2.0","method":"server.info"}')).toBe(-32600);
    expect(await code('{"jsonrpc":"2.0","id":"raw","method":"qmp.execute"}')).toBe(-32601);
    expect(await code('{"jsonrpc":"2.0","id":"raw","method":"toString"}')).toBe(-32601);
    const typo = await wire.ask('subscribe', { typse: ['X'] });
    expect(typo.error).toMatchObject({
      code: -32602,
      message: 'typse: unknown member',
      data: { reason: 'INVALID_PARAMS' },
    });
    expect((await wire.ask('unsubscribe', { subscription: 'none' })).error?.code).toBe(-32602);
    expect((await wire.ask('server.info', {})).result).toBeDefined();
  });

  it('refuse an id that is in flight', async () => {
    const { app, simulator } = await simulated();
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', {});
    simulator.jobs.start({ id: 'j', type: 'mirror', len: 1 << 30, bytesPerSecond: 1 });
    await wire.status('j', 'running');
    const text = JSON.stringify({
      jsonrpc: '2.0',
      id: 'same',
      method: 'job.wait',
      params: { source: 'vm1', job: 'j', timeoutMs: 60_000 },
    });
    wire.ws.send(text);
    wire.ws.send(text);
    expect((await wire.frame(({ id }) => id === 'same')).error?.code).toBe(-32600);
    // The refusal is given at this gateway; the answer of a later command says that the owner of the source has the first one.
    await wire.call('job.get', { source: 'vm1', job: 'j' });
    simulator.jobs.cancel('j');
    expect(await wire.until(() => wire.frames.filter(({ id }) => id === 'same')[1])).toMatchObject({
      result: { outcome: 'cancelled' },
    });
  });

  it.each([
    ['binary', (ws: WebSocket) => ws.send(Buffer.from('x')), 1003],
    ['over 32 KiB', (ws: WebSocket) => ws.send('x'.repeat(32 * 1024 + 1)), 1009],
    ['not UTF-8', (ws: WebSocket) => ws.send(Buffer.from([0xff, 0xfe]), { binary: false }), 1007],
  ])('%s closes with its code', async (_, send, code) => {
    const { app } = await simulated();
    const wire = await app.wire();
    send(wire.ws);
    expect((await wire.end()).code).toBe(code);
  });
});

it('executes nothing that comes after the frame that closed the connection', async () => {
  const { app, simulator } = await simulated();
  const wire = await app.wire();
  await allUp(wire);
  const other = await app.wire();
  await other.call('subscribe', {});
  simulator.jobs.start({ id: 'j', type: 'mirror', len: 1 << 30, bytesPerSecond: 1 });
  await other.status('j', 'running');
  const seen = wire.frames.length;
  wire.ws.send(Buffer.from('x'));
  wire.ws.send('{"jsonrpc":"2.0","id":"late","method":"job.abort","params":{"source":"vm1","job":"j"}}');
  expect((await wire.end()).code).toBe(1003);
  expect(wire.frames).toHaveLength(seen);
  simulator.faults.emit('MARKER', {});
  await other.typed('MARKER');
  expect(other.events.some(({ type }) => type === 'GATEWAY_COMMAND')).toBe(false);
});

describe('subscriptions', () => {
  it('start with a snapshot, then every matching event; the same filter again replaces the first', async () => {
    const { app, simulator } = await simulated();
    const wire = await app.wire();
    await allUp(wire);
    simulator.jobs.start({ id: 'a', type: 'mirror', len: 1 << 30, bytesPerSecond: 1 });
    const first = await wire.call('subscribe', { jobs: ['a'] });
    expect(first).toMatchObject({ resumed: false, sources: [{ name: 'vm1', state: 'up' }] });
    const again = await wire.call('subscribe', { jobs: ['a'] });
    expect(again.subscription).toBe(first.subscription);
    simulator.jobs.start({ id: 'b', type: 'mirror', len: 1 << 30, bytesPerSecond: 1 });
    simulator.jobs.cancel('a');
    simulator.faults.emit('MARKER', {});
    await wire.typed('MARKER');
    expect(wire.events.filter(({ type, job }) => type === 'BLOCK_JOB_CANCELLED' && job?.id === 'a')).toHaveLength(1);
    expect(wire.events.some(({ job }) => job?.id === 'b')).toBe(false);
    const offsets = wire.events.map(({ offset }) => offset);
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
  });

  it('end with unsubscribe: no frame of it follows', async () => {
    const { app, simulator } = await simulated();
    const wire = await app.wire();
    await allUp(wire);
    const { subscription } = await wire.call('subscribe', { types: ['NOISE'] });
    await wire.call('subscribe', { types: ['MARKER'] });
    simulator.faults.emit('NOISE', {});
    await wire.call('unsubscribe', { subscription });
    const before = wire.notifications('events').filter((each) => each.subscription === subscription).length;
    simulator.faults.emit('NOISE', {});
    simulator.faults.emit('MARKER', {});
    await wire.typed('MARKER');
    expect(wire.notifications('events').filter((each) => each.subscription === subscription)).toHaveLength(before);
  });

  it('carry progress of live runs, at their own pace', async () => {
    const { app, simulator } = await simulated();
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', { progress: 50 });
    simulator.jobs.start({ id: 'a', type: 'mirror', len: 1 << 30, bytesPerSecond: 1 << 24 });
    const rows = await wire.until(() => {
      const all = wire.notifications('progress').flatMap(({ jobs }) => jobs);
      return all.length >= 3 && all;
    });
    expect(rows.map(({ job }) => job)).toEqual(['a', 'a', 'a']);
    expect(Number(rows[2]?.offset)).toBeGreaterThan(Number(rows[0]?.offset));
    const at = wire.frames.findIndex(({ method }) => method === 'progress');
    expect(wire.frames.slice(0, at).some(({ params }) => JSON.stringify(params ?? {}).includes('"created"'))).toBe(
      true,
    );
  });

  it('pass unknown events with their data', async () => {
    const { app, simulator } = await simulated();
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', {});
    simulator.faults.emit('__com.example_EVENT', { deep: [{ x: null }] });
    expect(await wire.typed('__com.example_EVENT')).toMatchObject({ source: 'vm1', data: { deep: [{ x: null }] } });
    expect((await wire.typed('__com.example_EVENT')).job).toBeUndefined();
  });
});

describe('POST /v1/rpc', () => {
  const post = (app: TestApp, body: string, type = 'application/json'): Promise<Answer> =>
    http(app, '/v1/rpc', { method: 'POST', headers: { 'content-type': type }, body });

  it('answers one request; its errors are HTTP 200', async () => {
    const { app } = await simulated();
    expect(JSON.parse((await post(app, '{"jsonrpc":"2.0","id":"a","method":"source.list"}')).body)).toMatchObject({
      id: 'a',
      result: { sources: [{ name: 'vm1' }] },
    });
    expect(await post(app, '{')).toMatchObject({ status: 200, body: expect.stringContaining('-32700') });
    expect((await post(app, '{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{}}')).body).toContain('-32601');
    expect((await post(app, '{"jsonrpc":"2.0","id":1,"method":"authenticate","params":{"token":"x"}}')).body).toContain(
      'anonymous',
    );
  });

  it('has statuses of the transport for what never was a request', async () => {
    const { app } = await simulated();
    expect((await http(app, '/v1/rpc')).status).toBe(405);
    expect((await post(app, '{}', 'text/plain')).status).toBe(415);
    expect((await post(app, ' '.repeat(33 * 1024))).status).toBe(413);
    expect((await http(app, '/healthz')).body).toBe('ok\n');
    expect((await http(app, '/v1')).status).toBe(426);
    expect((await http(app, '/metrics')).body).toContain('qmp_gateway_source_up{source="vm1"}');
  });
});

describe('leaks', () => {
  it('1,000 connects and disconnects leave no connection, subscriber, timer or poll', async () => {
    const { app, simulator } = await simulated();
    const first = await app.wire();
    await allUp(first);
    simulator.jobs.start({ id: 'a', type: 'mirror', len: 1 << 30, bytesPerSecond: 1 });
    const metric = async (name: string): Promise<number> =>
      Number(new RegExp(`^qmp_gateway_${name} (\\d+)`, 'm').exec((await http(app, '/metrics')).body)?.[1]);
    const handles = (): number => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    const before = handles();
    for (let round = 0; round < 20; round++) {
      const wires = await Promise.all(Array.from({ length: 50 }, () => connectWire(app.url)));
      await Promise.all(
        wires.map((wire, at) => wire.call('subscribe', { sources: [`vm${at % 5}*`], progress: at % 2 === 0 })),
      );
      for (const [at, wire] of wires.entries()) at % 2 === 0 ? wire.close() : wire.ws.close();
      await Promise.all(wires.map((wire) => wire.end()));
    }
    await expect.poll(() => metric('connections')).toBe(1);
    expect(await metric('live_subscriptions')).toBe(0);
    await expect.poll(handles).toBeLessThanOrEqual(before + 3);
  });
});
