// GET /v1/events on real sockets: what EventSource and curl get, across reconnects, resets, slow readers and the end of the gateway.
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Entry } from '../../../src/protocol/index.js';
import { grantsOf, TestPolicy } from '../../support/access.js';
import { type Bare, openBare, settledRun } from '../../support/bare.js';
import { type EventStreamClient, openStream } from '../../support/event-stream.js';
import { offsetOf, openBench } from '../stream/support.js';

function append(bare: Bare, from: number, to: number, more: { source?: string; pad?: number } = {}): void {
  const { source = 'vm1', pad = 0 } = more;
  for (let n = from; n < to; n += 1)
    bare.log.append([{ source, type: 'STOP', time: 0, data: { n, pad: 'x'.repeat(pad) } }]);
}

const numbers = (stream: EventStreamClient): number[] =>
  stream.named('message').map(({ data }) => (data as { data: { n: number } }).data.n);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
const has = (stream: EventStreamClient, count: number): Promise<unknown> =>
  expect.poll(() => stream.named('message').length).toBe(count);

describe('an event stream', () => {
  it('begins with the present, then has each event under its own cursor', async () => {
    const { app, wire, sim } = await openBench();
    sim('vm1').jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
    const stream = await openStream(app.port, '?sources=vm1,other*&types=STOP&types=BLOCK_JOB_*');
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    const { data, lastEventId } = await stream.first<{ cursor: string; jobs: object[]; sources: object[] }>('snapshot');
    expect(lastEventId).toBe(data.cursor);
    expect(data.jobs).toEqual([expect.objectContaining({ source: 'vm1', job: 'j' })]);
    expect(data.sources).toEqual([expect.objectContaining({ name: 'vm1' })]);
    expect(data).not.toHaveProperty('subscription');
    sim('vm1').faults.emit('STOP');
    await wire.call('job.abort', { source: 'vm1', job: 'j' });
    await has(stream, 2);
    expect(stream.sent.map(({ data }) => (data as Entry).type)).toEqual([undefined, 'STOP', 'BLOCK_JOB_CANCELLED']);
    // The cursor of the last event of a turn is the position up to which the stream has everything.
    for (const { lastEventId, data } of stream.named('message'))
      expect(offsetOf(lastEventId)).toBeGreaterThanOrEqual((data as Entry).offset);
  });

  it('goes on after Last-Event-ID, which wins over whatever the URL begins with', async () => {
    const bare = await openBare();
    const first = await openStream(bare.port);
    await first.first('snapshot');
    append(bare, 0, 3);
    await has(first, 3);
    const from = first.lastEventId;
    first.close();
    append(bare, 3, 6);
    for (const query of [
      '',
      '?after=e:1',
      '?after=garbage',
      '?last=1',
      '?from=2001-01-01T00:00:00Z',
      '?snapshot=false',
    ]) {
      const again = await openStream(bare.port, query, { 'Last-Event-ID': from });
      const { data } = await again.first('subscribed');
      expect(data, query).toMatchObject({ resumed: true, cursor: from });
      await has(again, 3);
      expect(numbers(again), query).toEqual([3, 4, 5]);
    }
    const asked = await openStream(bare.port, `?after=${from}&types=ST*`);
    await has(asked, 3);
    expect(numbers(asked)).toEqual([3, 4, 5]);
    const last = await openStream(bare.port, '?last=2');
    await has(last, 2);
    expect(numbers(last)).toEqual([4, 5]);
  });

  it('answers an id that it can not go on from with a reset, never with an error', async () => {
    const bare = await openBare({}, { log: { perSource: 4 } });
    append(bare, 0, 20);
    bare.settled.push(settledRun(1, 'j'));
    for (const [id, reason] of [
      ['e:1', 'retention'],
      ['e:999', 'retention'],
      ['other:3', 'epoch'],
      ['no cursor at all', 'epoch'],
      ['é'.repeat(100), 'epoch'],
    ] as const) {
      for (const stream of [
        await openStream(bare.port, '', { 'Last-Event-ID': Buffer.from(id).toString('latin1') }),
        await openStream(bare.port, `?after=${encodeURIComponent(id)}`),
      ]) {
        const { data, lastEventId } = await stream.first('reset');
        expect(data, id).toMatchObject({ reason, cursor: 'e:20', jobs: [], settled: [{ job: 'j' }] });
        expect(lastEventId).toBe('e:20');
        stream.close();
      }
    }
  });

  it('keeps its place where nothing matches, by a comment with the cursor', async () => {
    const bare = await openBare({ bookmarkMs: 50 }, { log: { perSource: 4 } });
    const stream = await openStream(bare.port, '?types=RESUME');
    await stream.first('snapshot');
    append(bare, 0, 20);
    await expect.poll(() => stream.lastEventId).toBe('e:20');
    expect(stream.comments).toBeGreaterThan(0);
    const again = await openStream(bare.port, '?types=RESUME', { 'Last-Event-ID': stream.lastEventId });
    expect((await again.first('subscribed')).data).toMatchObject({ resumed: true });
  });

  it('gives a snapshot of several pages no id before the last: a client that loses the line between has missed the rest', async () => {
    const bare = await openBare();
    for (let n = 0; n < 4_000; n += 1) bare.settled.push(settledRun(n, `job-${n}-${'x'.repeat(200)}`));
    const stream = await openStream(bare.port);
    await expect.poll(() => stream.named('snapshot').some(({ data }) => (data as { last?: boolean }).last)).toBe(true);
    const snapshots = stream.named('snapshot');
    expect(snapshots.length).toBeGreaterThan(2);
    expect(snapshots.map(({ lastEventId }) => lastEventId)).toEqual([...snapshots.slice(1).map(() => ''), 'e:0']);
    expect(snapshots.flatMap(({ data }) => (data as { settled?: object[] }).settled ?? [])).toHaveLength(1_000);
  });

  it('has progress where it is asked for, without an id', async () => {
    const { app, sim } = await openBench();
    sim('vm1').jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1_000_000 });
    const stream = await openStream(app.port, '?types=NONE&progress=100');
    const { data } = await stream.first<{ jobs: object[] }>('progress');
    expect(data.jobs).toEqual([expect.objectContaining({ source: 'vm1', job: 'j' })]);
  });

  it('costs nobody anything while it is not read, and reads on without a gap', async () => {
    const bare = await openBare({ highWaterBytes: 16 * 1024 }, { log: { perSource: 100_000 } });
    const slow = await openStream(bare.port);
    await slow.first('snapshot');
    slow.pause();
    const healthy = await openStream(bare.port);
    await healthy.first('snapshot');
    for (let n = 0; n < 3_000; n += 100) {
      append(bare, n, n + 100, { pad: 4_000 });
      await has(healthy, n + 100);
    }
    expect(bare.counts().parked).toBeGreaterThan(0);
    expect(slow.named('message').length).toBeLessThan(3_000);
    slow.resume();
    await has(slow, 3_000);
    expect(numbers(slow)).toEqual(range(0, 3_000));
  });

  it('is closed only when not one byte moves', async () => {
    const bare = await openBare({ highWaterBytes: 16 * 1024, stuckMs: 200 });
    const stuck = connect(bare.port, '127.0.0.1');
    stuck.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => bare.counts().subscribers).toBe(1);
    stuck.pause();
    append(bare, 0, 400, { pad: 40_000 });
    await expect.poll(() => bare.counts().connections).toBe(0);
    expect(bare.recorder.limits).toContain('drain_progress');
    stuck.destroy();
  });

  it('ends with a farewell that says when to come again', async () => {
    const bare = await openBare();
    const stream = await openStream(bare.port);
    await stream.first('snapshot');
    expect(stream.retry).toBeGreaterThanOrEqual(1_000);
    append(bare, 0, 1);
    const closed = bare.close();
    const { data } = await stream.first<{ retryAfterMs: number }>('bye');
    expect(data).toMatchObject({ code: 1012, reason: 'drain' });
    expect(stream.retry).toBe(data.retryAfterMs);
    expect(numbers(stream)).toEqual([0]);
    await expect.poll(() => stream.isEnded).toBe(true);
    await closed;
  });

  it('outlives the limits of a request', async () => {
    const bare = await openBare({ requestMs: 200, headersMs: 100, httpCheckMs: 50, bookmarkMs: 100 });
    const stream = await openStream(bare.port);
    await stream.first('snapshot');
    await expect.poll(() => stream.comments).toBeGreaterThan(8);
    append(bare, 0, 1);
    await has(stream, 1);
    expect(stream.isEnded).toBe(false);
  });

  it('leaves nothing behind when the client goes', async () => {
    const bare = await openBare();
    const streams = await Promise.all(range(0, 20).map(() => openStream(bare.port, '?progress=100')));
    for (const each of streams) await each.first('snapshot');
    expect(bare.counts()).toMatchObject({ connections: 20, subscribers: 20 });
    expect(bare.demands.size).toBe(1);
    for (const each of streams) each.close();
    await expect.poll(() => bare.counts()).toMatchObject({ connections: 0, subscribers: 0 });
    expect(bare.demands.size).toBe(0);
  });

  it.each([
    ['request', '/healthz', ''],
    [
      'WebSocket',
      '/v1',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    ],
  ])('is not shared by another %s on its connection', async (_what, path, headers) => {
    const bare = await openBare();
    const socket = connect(bare.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => text).toContain('event: snapshot');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
    await expect.poll(() => socket.destroyed).toBe(true);
    await expect.poll(() => bare.counts().connections).toBe(0);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('begins when the answer before it on its connection has left', async () => {
    const bare = await openBare();
    const socket = connect(bare.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.write(
      'GET /v1/jobs/vm1/j HTTP/1.1\r\nHost: localhost\r\n\r\nGET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n',
    );
    await expect.poll(() => bare.calls.length).toBe(1);
    expect(bare.counts().connections).toBe(0);
    bare.calls[0]?.answer({ reason: 'JOB_NOT_FOUND', message: 'none' });
    await expect.poll(() => text).toContain('event: snapshot');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200']);
    expect(bare.counts().connections).toBe(1);
    socket.destroy();
    await expect.poll(() => bare.counts().connections).toBe(0);
  });

  it('refuses what it does not know by name, before the stream begins', async () => {
    const bare = await openBare();
    for (const [query, why] of [
      ['?type=STOP', 'unknown parameter type; there is sources, types'],
      ['?sources=', 'sources'],
      ['?last=0', 'last'],
      ['?last=5&from=2026-01-01T00:00:00Z', 'last'],
      ['?last=5&last=6', 'last is given twice'],
      ['?snapshot=maybe', 'snapshot'],
      ['?progress=often', 'progress'],
      ['?from=yesterday', 'from'],
      [`?sources=${'*'.repeat(2_000)}`, 'sources'],
      ['?__proto__=1', 'unknown parameter __proto__'],
    ] as const) {
      const stream = await openStream(bare.port, query);
      await expect.poll(() => stream.isEnded, { message: query }).toBe(true);
      expect(stream.status, query).toBe(400);
      const { error } = JSON.parse(stream.text) as { error: { reason: string; message: string } };
      expect(error.reason).toBe('INVALID_PARAMS');
      expect(error.message, query).toContain(why);
    }
    expect(bare.counts()).toMatchObject({ connections: 0, subscribers: 0 });
  });

  it('obeys the limits of connections', async () => {
    const bare = await openBare({ connections: 1 });
    const stream = await openStream(bare.port);
    await stream.first('snapshot');
    const full = await openStream(bare.port);
    expect(full.status).toBe(503);
    expect(full.headers['retry-after']).toBe('5');
    // An EventSource gives up for good at such a status.
    const source = await openStream(bare.port, '', { accept: 'text/event-stream' });
    const { data } = await source.first<{ retryAfterMs: number }>('bye');
    expect([source.status, source.retry]).toEqual([200, data.retryAfterMs]);
    expect(data.retryAfterMs).toBeGreaterThanOrEqual(5_000);
    await expect.poll(() => source.isEnded).toBe(true);
    expect(bare.counts()).toMatchObject({ connections: 1 });
  });
});

describe('who may have an event stream', () => {
  it('is asked who they are; sees what it may; is told of other grants; and goes when it is revoked', async () => {
    const access = new TestPolicy({ ann: grantsOf('vm1', []) });
    const bare = await openBare({}, { access });
    const nobody = await openStream(bare.port);
    expect(nobody.status).toBe(401);
    expect(nobody.headers['www-authenticate']).toBe('Bearer');
    const ann = await openStream(bare.port, '', { authorization: 'Bearer ann' });
    await ann.first('snapshot');
    append(bare, 0, 1, { source: 'vm2' });
    append(bare, 1, 2);
    await has(ann, 1);
    expect(numbers(ann)).toEqual([1]);
    access.grant('ann', grantsOf('vm2', []));
    const { data, lastEventId } = await ann.first('reset');
    expect(data).toMatchObject({ reason: 'grants', cursor: 'e:2' });
    expect(data).not.toHaveProperty('next');
    expect(lastEventId).toBe('e:2');
    append(bare, 2, 3, { source: 'vm2' });
    await has(ann, 2);
    access.revoke('ann');
    expect((await ann.first('bye')).data).toMatchObject({ code: 4403 });
    await expect.poll(() => ann.isEnded).toBe(true);
  });

  it('is asked again where it waited behind another answer of its connection, for it may have lost its access', async () => {
    const access = new TestPolicy({ ann: grantsOf('vm1', ['abort']) });
    const bare = await openBare({}, { access });
    const socket = connect(bare.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'job.wait', params: { source: 'vm1', job: 'j' } });
    const head = `Host: 127.0.0.1:${bare.port}\r\nAuthorization: Bearer ann\r\n`;
    const type = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    socket.write(`POST /v1/rpc HTTP/1.1\r\n${head}${type}\r\n${body}GET /v1/events HTTP/1.1\r\n${head}\r\n`);
    await expect.poll(() => [bare.calls.length, access.asked]).toEqual([1, 2]);
    access.revoke('ann');
    bare.calls[0]?.answer({ reason: 'TIMEOUT', message: 'too long' });
    await expect.poll(() => text).toMatch(/^HTTP\/1.1 200 OK[\s\S]*HTTP\/1.1 401 Unauthorized/);
    expect(bare.counts()).toMatchObject({ connections: 0 });
  });

  it('is told before its credentials end, and goes then', async () => {
    const access = new TestPolicy({ ann: grantsOf('vm1', []) }, { ann: Date.now() + 300 });
    const bare = await openBare({}, { access });
    const ann = await openStream(bare.port, '', { authorization: 'Bearer ann' });
    await ann.first('expiring');
    expect((await ann.first('bye')).data).toMatchObject({ code: 4401 });
    await expect.poll(() => ann.isEnded).toBe(true);
  });

  it('is no page of another site', async () => {
    const bare = await openBare({}, { allowOrigins: ['https://ok.example'] });
    expect((await openStream(bare.port, '', { origin: 'https://evil.example' })).status).toBe(403);
    const ok = await openStream(bare.port, '', { origin: 'https://ok.example' });
    expect(ok.headers['access-control-allow-origin']).toBe('https://ok.example');
  });
});
