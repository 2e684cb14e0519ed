// permessage-deflate on real sockets: the answers to offers, which clients get compressed frames, and that a frame is deflated once for all.
import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Notifications, Subscribed } from '../../src/protocol/index.js';
import { type DeflateSocket, deflateSocket } from '../support/deflate.js';
import type { Wire } from '../support/wire.js';
import { flood, metric, numbersOf, offsetOf, openBench, range, until } from './stream/support.js';

const OFFER = 'permessage-deflate; client_max_window_bits';
const ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const FLOOD = { types: ['BLOCK_WRITE_THRESHOLD'], snapshot: false };
/** Bytes of a message that is compressed in any case. */
const SMALL = 1_024;
const ON = { compression: 'on' };

const upTo = (wire: Wire, n: number): Promise<unknown> =>
  wire.event(({ type, data }) => type === 'BLOCK_WRITE_THRESHOLD' && (data as { n: number }).n === n);
const numbersIn = (socket: DeflateSocket): number[] =>
  socket.frames
    .filter(({ text }) => text.includes('"method":"events"'))
    .flatMap(({ text }) => (JSON.parse(text) as { params: Notifications['events'] }).params.events)
    .map(({ data }) => (data as { n: number }).n);

describe('the answer to an offer', () => {
  it('has one answer where it is accepted, and none where it is not', async () => {
    const { app } = await openBench(['vm1'], {}, ON);
    for (const offer of [
      'permessage-deflate',
      OFFER,
      'permessage-deflate; server_no_context_takeover; client_max_window_bits=9',
    ])
      expect((await deflateSocket(app.url, offer)).answer, offer).toBe(ANSWER);
    for (const offer of ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate; unheard_of', 'x-other'])
      expect((await deflateSocket(app.url, offer)).answer, offer).toBeUndefined();
  });

  it('is none on loopback by default, and none anywhere where it is off', async () => {
    for (const flags of [{}, { compression: 'off' }]) {
      const { app } = await openBench(['vm1'], {}, flags);
      expect((await deflateSocket(app.url, OFFER)).answer).toBeUndefined();
      expect((await app.wire()).ws.extensions).toBe('');
    }
  });

  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each && !each.internal && each.family === 'IPv4')?.address;
  it.skipIf(address === undefined)('is given by default to a peer of another address', async () => {
    const { app } = await openBench(['vm1'], {}, { listen: '0.0.0.0:0', insecureNoAuth: true, allowHost: ['0.0.0.0'] });
    expect((await deflateSocket(app.url, OFFER, address)).answer).toBe(ANSWER);
    expect((await deflateSocket(app.url, OFFER, '127.0.0.1')).answer).toBeUndefined();
  });
});

describe('subscribers of one filter', () => {
  it('get the same events, compressed or not, for one deflate of each frame', async () => {
    const { app, sim } = await openBench(['vm1'], {}, ON);
    const plain = await app.wire({ perMessageDeflate: false });
    const compressing = await Promise.all(Array.from({ length: 20 }, () => app.wire()));
    const raw = await deflateSocket(app.url, OFFER);
    expect(compressing.map(({ ws }) => ws.extensions)).toEqual(compressing.map(() => 'permessage-deflate'));
    expect(plain.ws.extensions).toBe('');
    for (const wire of [plain, ...compressing]) await wire.call('subscribe', FLOOD);
    await raw.call(1, 'subscribe', FLOOD);
    const before = await metric(app.url, 'qmp_gateway_deflated_frames_total');
    for (let n = 0; n < 300; n += 50) {
      flood(sim('vm1'), 50, 40, n);
      await Promise.all([plain, ...compressing].map((wire) => upTo(wire, n + 49)));
    }
    const expected = range(0, 300);
    for (const wire of [plain, ...compressing]) expect(numbersOf(wire)).toEqual(expected);
    await raw.frame(() => numbersIn(raw).length === 300);
    expect(numbersIn(raw)).toEqual(expected);
    const events = raw.frames.filter(({ text }) => text.includes('"method":"events"'));
    const compressed = events.filter((each) => each.compressed);
    expect(compressed.length).toBeGreaterThan(0);
    for (const { compressed, text } of events) expect(compressed).toBe(text.length > 510);
    expect(await metric(app.url, 'qmp_gateway_deflated_frames_total')).toBe(before + compressed.length);
    const from = await metric(app.url, 'qmp_gateway_deflated_from_bytes_total');
    expect(await metric(app.url, 'qmp_gateway_deflated_to_bytes_total')).toBeLessThan(from / 2);
  });

  it('resume with a replay that is compressed once', async () => {
    const { app, wire, sim } = await openBench(['vm1'], {}, ON);
    const { cursor } = await wire.call('subscribe', FLOOD);
    flood(sim('vm1'), 400);
    await upTo(wire, 399);
    const raws = await Promise.all(Array.from({ length: 5 }, () => deflateSocket(app.url, OFFER)));
    const before = await metric(app.url, 'qmp_gateway_deflated_frames_total');
    for (const raw of raws) await raw.call(1, 'subscribe', { ...FLOOD, after: cursor });
    for (const raw of raws) {
      await raw.frame(() => numbersIn(raw).length === 400);
      expect(numbersIn(raw)).toEqual(range(0, 400));
      const events = raw.frames.filter(({ text }) => text.includes('"method":"events"'));
      // A replay may begin with a part of few entries, which is too small to be compressed.
      const large = events.filter(({ text }) => text.length > SMALL);
      expect(large.map(({ compressed }) => compressed)).toEqual(large.map(() => true));
      expect(large.length).toBeGreaterThan(0);
      // Twice where the machine stalls so long that the replay is forgotten in between; five times without sharing.
      expect((await metric(app.url, 'qmp_gateway_deflated_frames_total')) - before).toBeLessThanOrEqual(
        2 * events.length,
      );
    }
  });
});

describe('large answers', () => {
  it('a snapshot in the reply, and one in pages: compressed, whole, in order', async () => {
    const { app, wire, sim } = await openBench(['vm1'], {}, ON);
    const start = (from: number, to: number): void => {
      for (let n = from; n < to; n += 1) sim('vm1').jobs.start({ id: `job${n}`, type: 'mirror', bytesPerSecond: 1 });
    };
    const known = (job: string): Promise<void> =>
      until(async () => (await wire.call('job.get', { source: 'vm1', job }).catch(() => undefined)) !== undefined);
    const raw = await deflateSocket(app.url, OFFER);
    start(0, 100);
    await known('job99');
    const reply = await raw.call(1, 'subscribe', {});
    expect(reply.compressed).toBe(true);
    expect(reply.bytes).toBeLessThan(reply.text.length / 4);
    const plain = await wire.call('subscribe', {});
    // A query between the two may have renewed the time of the measures.
    const steady = ({ jobs, cursor, ...rest }: Subscribed) => ({
      ...rest,
      jobs: jobs?.map((job) => ({ ...job, updated: '' })),
    });
    expect(steady((JSON.parse(reply.text) as { result: Subscribed }).result)).toEqual(steady(plain));
    start(100, 3_000);
    await known('job2999');
    const other = await deflateSocket(app.url, OFFER);
    const { text } = await other.call(2, 'subscribe', { jobs: ['job*'] });
    const { pages } = (JSON.parse(text) as { result: Subscribed }).result;
    await other.frame(({ text }) => text.includes('"last":true'));
    const snapshots = other.frames.filter(({ text }) => text.includes('"method":"snapshot"'));
    expect(snapshots).toHaveLength(pages ?? 0);
    expect(snapshots.length).toBeGreaterThan(2);
    expect(snapshots.map(({ compressed }) => compressed)).toEqual(snapshots.map(() => true));
    const bodies = snapshots.map(({ text }) => (JSON.parse(text) as { params: Notifications['snapshot'] }).params);
    expect(bodies.map(({ page }) => page)).toEqual(range(1, snapshots.length + 1));
    expect(new Set(bodies.flatMap(({ jobs }) => jobs.map(({ job }) => job))).size).toBe(3_000);
  });

  it('a reset is compressed too', async () => {
    const { app, wire, sim } = await openBench(['vm1'], { log: { perSource: 64 } }, ON);
    for (let n = 0; n < 50; n += 1) sim('vm1').jobs.start({ id: `job${n}`, type: 'mirror', bytesPerSecond: 1 });
    const slow = await deflateSocket(app.url, OFFER);
    await slow.call(1, 'subscribe', {});
    await wire.call('subscribe', FLOOD);
    slow.pause();
    let sent = 0;
    while ((await metric(app.url, 'qmp_gateway_parked_total')) === 0) {
      for (let n = 0; n < 500; n += 1)
        sim('vm1').faults.emit('BLOCK_WRITE_THRESHOLD', { n: sent + n, noise: noise(1_500) });
      sent += 500;
      await upTo(wire, sent - 1);
    }
    flood(sim('vm1'), 100, 0, sent);
    await upTo(wire, sent + 99);
    slow.resume();
    const { compressed, text } = await slow.frame((frame) => frame.text.includes('"method":"reset"'));
    expect(compressed).toBe(true);
    const { params } = JSON.parse(text) as { params: Notifications['reset'] };
    expect(params.jobs).toHaveLength(50);
    expect(offsetOf(params.cursor)).toBeGreaterThan(sent);
  });
});

/** Text that hardly compresses. */
function noise(length: number): string {
  let text = '';
  while (text.length < length) text += Math.random().toString(36).slice(2);
  return text;
}

describe('a client that compresses', () => {
  it('is understood, message by message', async () => {
    const { app } = await openBench(['vm1'], {}, ON);
    const raw = await deflateSocket(app.url, OFFER);
    for (let id = 1; id < 20; id += 1) {
      const { text } = await raw.call(id, 'server.info', {}, id % 3 > 0);
      expect(JSON.parse(text)).toMatchObject({ id, result: { version: expect.any(String) } });
    }
    // `ws` with everything compressed.
    const wire = await app.wire({ perMessageDeflate: { threshold: 0 } });
    expect((await wire.call('source.list', {})).sources).toHaveLength(1);
  });

  it('can’t send more than 32 KiB, however small it is on the wire: 1009, and no other client is affected', async () => {
    const { app, wire } = await openBench(['vm1'], {}, ON);
    const raw = await deflateSocket(app.url, OFFER);
    raw.send(Buffer.alloc(32 * 1024 * 1024), true);
    expect((await raw.frame(({ opcode }) => opcode === 8)).text).toBe('1009');
    const edge = await deflateSocket(app.url, OFFER);
    edge.send(Buffer.alloc(32 * 1024, ' '), true);
    expect((await edge.frame(() => true)).text).toContain('"code":-32700');
    edge.send(Buffer.alloc(32 * 1024 + 1, ' '), true);
    expect((await edge.frame(({ opcode }) => opcode === 8)).text).toBe('1009');
    expect((await wire.call('source.list', {})).sources).toHaveLength(1);
  });

  it('that compresses without negotiation, or sends invalid deflate data, is closed', async () => {
    const on = await openBench(['vm1'], {}, ON);
    const broken = await deflateSocket(on.app.url, OFFER);
    broken.send('no deflate', 'falsely');
    expect((await broken.frame(({ opcode }) => opcode === 8)).text).toBe('1007');
    const off = await openBench(['vm1']);
    const raw = await deflateSocket(off.app.url, OFFER);
    raw.send('{}', true);
    expect((await raw.frame(({ opcode }) => opcode === 8)).text).toBe('1002');
  });
});

describe('Node’s own WebSocket', () => {
  it('gets every event', async () => {
    const { app, sim } = await openBench(['vm1'], {}, ON);
    const script = `
      const ws = new WebSocket(process.argv[1]);
      const numbers = [];
      ws.onopen = () => ws.send('{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"types":["BLOCK_WRITE_THRESHOLD"]}}');
      ws.onerror = ({ message }) => { console.error(message); process.exit(1); };
      ws.onmessage = ({ data }) => {
        const { id, params } = JSON.parse(data);
        if (id === 1) console.error('subscribed');
        for (const { data } of params?.events ?? []) numbers.push(data.n);
        if (numbers.length < 200) return;
        console.log(JSON.stringify({ extensions: ws.extensions, numbers }));
        process.exit();
      };`;
    const run = promisify(execFile)(process.execPath, [
      '--experimental-websocket',
      '-e',
      script,
      `${app.url.replace('http', 'ws')}v1`,
    ]);
    await new Promise<void>((resolve, reject) => {
      run.child.stderr?.on('data', (text: string) => String(text).includes('subscribed') && resolve());
      run.child.once('exit', (code) => reject(new Error(`ended: ${code}`)));
    });
    flood(sim('vm1'), 200);
    const { extensions, numbers } = JSON.parse((await run).stdout) as { extensions: string; numbers: number[] };
    expect(extensions).toContain('permessage-deflate');
    expect(numbers).toEqual(range(0, 200));
    expect(await metric(app.url, 'qmp_gateway_deflated_frames_total')).toBeGreaterThan(0);
  });
});
