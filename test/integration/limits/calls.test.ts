// Callers that disconnect, callers that call too often, and a gateway that closes: abandoned calls end, and too many are refused.
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLOCK, type Clock } from '../../../src/clock.js';
import { type Bare, openBare } from '../../support/bare.js';
import { openBench, rawSocket } from '../stream/support.js';

const WAIT = { source: 'vm1', job: 'j', timeoutMs: 3_600_000 };

function post(bare: { port: number }, method: string, params: unknown): ReturnType<typeof request> {
  const sent = request({
    host: '127.0.0.1',
    port: bare.port,
    path: '/v1/rpc',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  sent.on('error', () => undefined);
  sent.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  onTestFinished(() => void sent.destroy());
  return sent;
}

async function bodyOf(sent: ReturnType<typeof request>): Promise<{ status: number; text: string }> {
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, text };
}

const aborted = (bare: Bare): number => bare.calls.filter(({ context }) => context.signal.aborted).length;

describe('a call ends with its connection', () => {
  it('of a WebSocket, and of a POST that is given up; one that was answered was not given up', async () => {
    const bare = await openBare();
    const wire = await bare.wire();
    for (let n = 0; n < 64; n += 1) void wire.ask('job.wait', WAIT).catch(() => undefined);
    const abandoned = post(bare, 'job.wait', WAIT);
    const answered = post(bare, 'job.wait', WAIT);
    await expect.poll(() => bare.calls.length).toBe(66);
    expect(aborted(bare)).toBe(0);
    const { context } = bare.calls[0] as (typeof bare.calls)[number];
    expect(context.deadline - context.receivedAt).toBe(3_600_000);
    wire.close();
    await expect.poll(() => aborted(bare)).toBe(64);
    abandoned.destroy();
    await expect.poll(() => aborted(bare)).toBe(65);
    for (const { answer } of bare.calls) answer({ reason: 'SOURCE_DOWN', message: '' });
    expect(await bodyOf(answered)).toMatchObject({ status: 200, text: expect.stringContaining('SOURCE_DOWN') });
  });

  it('19,200 waits of closed connections leave nothing; a cancel that was sent stays in force', {
    timeout: 60_000,
  }, async () => {
    const { app, wire, sim } = await openBench();
    await wire.call('subscribe', {});
    sim('vm1').jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
    await wire.status('j', 'running');
    for (let n = 0; n < 300; n += 1) {
      const other = await app.wire();
      for (let m = 0; m < 64; m += 1) void other.ask('job.wait', WAIT).catch(() => undefined);
      await other.call('source.list', {}).catch(() => undefined);
      other.close();
    }
    // They are neither in the way of a wait that anybody still wants, nor of an abort.
    const waiting = wire.call('job.wait', WAIT);
    const leaving = await app.wire();
    void leaving.ask('job.abort', { source: 'vm1', job: 'j', sync: true }).catch(() => undefined);
    await wire.typed('GATEWAY_COMMAND');
    leaving.close();
    expect(await waiting).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('what comes too often', () => {
  it('requests: refused with a delay, and the client that goes on is closed with bye and 4429', async () => {
    const bare = await openBare({ requestsPerSecond: 10, requestsBurst: 20, refusalsPerSecond: 1, refusalsBurst: 50 });
    const wire = await bare.wire();
    const first = await Promise.all(Array.from({ length: 40 }, () => wire.ask('source.list', {})));
    const refused = first.flatMap(({ error }) => (error ? [error] : []));
    expect(refused).toHaveLength(20);
    for (const error of refused) {
      expect(error.data).toMatchObject({ reason: 'RATE_LIMITED' });
      expect(Number(error.data?.retryAfterMs)).toBeGreaterThan(0);
      expect(Number(error.data?.retryAfterMs)).toBeLessThanOrEqual(100);
    }
    // It waits as it is told to, and is served.
    await expect.poll(async () => (await wire.ask('source.list', {})).result, { interval: 150 }).toBeDefined();
    for (let n = 0; n < 200; n += 1) wire.ws.send('no request');
    expect((await wire.end()).code).toBe(4429);
    const [bye] = wire.notifications('bye');
    expect(bye).toMatchObject({ code: 4429 });
    expect(bye?.retryAfterMs).toBeGreaterThan(0);
  });

  it('subscribes', async () => {
    const bare = await openBare({ subscribesPerSecond: 1, subscribesBurst: 3 });
    const wire = await bare.wire();
    const replies = await Promise.all(Array.from({ length: 5 }, () => wire.ask('subscribe', {})));
    expect(replies.map(({ error }) => error?.data?.reason)).toEqual([
      undefined,
      undefined,
      undefined,
      'RATE_LIMITED',
      'RATE_LIMITED',
    ]);
    expect(replies[4]?.error?.data?.retryAfterMs).toBeGreaterThan(0);
    expect((await wire.ask('source.list', {})).result).toBeDefined();
  });

  it('connections of an address: 429 with Retry-After; loopback is exempt unless it is limited', async () => {
    const limits = { connectionsPerSecond: 1, connectionsBurst: 2 };
    const free = await openBare(limits);
    await Promise.all(Array.from({ length: 10 }, () => free.wire()));
    const bare = await openBare({ ...limits, limitLoopback: true });
    await bare.wire();
    await bare.wire();
    const socket = connect(bare.port, '127.0.0.1');
    socket.write(
      'GET /v1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(bare.recorder.limits).toEqual(['upgrades_rate']);
    expect(String(reply)).toMatch(/^HTTP\/1\.1 429 .*\r\n[\s\S]*Retry-After: 1\r\n/);
  });

  it('messages that are too large, and connections beyond the number of all, are counted', async () => {
    const bare = await openBare({ connections: 1 });
    const wire = await bare.wire();
    await expect(bare.wire()).rejects.toThrow('503');
    wire.ws.send('x'.repeat(32 * 1024 + 1));
    expect((await wire.end()).code).toBe(1009);
    expect(bare.recorder.limits).toEqual(['connections', 'message_bytes']);
  });

  it('POSTs of one address that wait', async () => {
    const bare = await openBare({ postsInFlight: 5 });
    const waiting = Array.from({ length: 5 }, () => post(bare, 'job.wait', WAIT));
    await expect.poll(() => bare.calls.length).toBe(5);
    const one = await bodyOf(post(bare, 'job.wait', WAIT));
    expect(one.status).toBe(200);
    expect(JSON.parse(one.text)).toMatchObject({
      id: 1,
      error: { data: { reason: 'RATE_LIMITED', retryAfterMs: 1_000 } },
    });
    waiting[0]?.destroy();
    await expect.poll(() => aborted(bare)).toBe(1);
    post(bare, 'job.wait', WAIT);
    await expect.poll(() => bare.calls.length).toBe(6);
  });
});

describe('closing', () => {
  it('1,000 clients, 200 of which do not read: none is waited for beyond the bound', { timeout: 60_000 }, async () => {
    // The end of the clients' part of closing comes when the test says so; it is 0.8 of the drain.
    let drained = (): void => undefined;
    const after: Clock['after'] = (ms, action) => {
      if (ms !== 0.8 * 3_600_000) return CLOCK.after(ms, action);
      drained = action;
      return () => undefined;
    };
    const bare = await openBare({ drainMs: 3_600_000 }, { clock: { ...CLOCK, after } });
    const wires = await Promise.all(Array.from({ length: 800 }, () => bare.wire()));
    for (const wire of wires) await wire.call('subscribe', { types: ['NONE'] });
    const deaf = [];
    for (let n = 0; n < 200; n += 1) deaf.push(await rawSocket(bare.url));
    for (const raw of deaf) raw.request(1, 'subscribe', {});
    await expect.poll(() => bare.counts().subscribers).toBe(1_000);
    const ends = Promise.all(wires.map((wire) => wire.end()));
    const closing = bare.close();
    for (const { code } of await ends) expect(code).toBe(1012);
    drained();
    for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(bare.counts().connections).toBe(0);
    await closing;
  });

  it('a wait of an hour that comes meanwhile is refused, and holds nothing up', async () => {
    const { app, wire, sim } = await openBench(['vm1'], { gateway: { drainMs: 800 } });
    await wire.call('subscribe', {});
    sim('vm1').jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
    await wire.status('j', 'running');
    const { port } = app;
    const early = wire.ask('job.wait', WAIT);
    // A connection that is open already, with half a request.
    const socket = connect(port, '127.0.0.1');
    const head = `POST /v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: `;
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'job.wait', params: WAIT });
    socket.write(`${head}${body.length}\r\n\r\n${body.slice(0, 10)}`);
    expect(String(await once(socket, 'data'))).toContain('100 Continue');
    expect((await wire.call('source.list', {})).sources).toHaveLength(1);
    const closing = app.close();
    socket.write(body.slice(10));
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(String(reply)).toMatch(/503|SOURCE_DOWN|closing/);
    expect((await early).error?.data).toMatchObject({ reason: 'OUTCOME_UNKNOWN' });
    await closing;
    const held = process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    expect(held).toBeLessThan(10);
  });
});
