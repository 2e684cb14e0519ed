// G1, G5, G6: who comes back, who comes late, and who stops reading.
import { describe, expect, it } from 'vitest';
import type { Notifications, Subscribed } from '../../../src/protocol/index.js';
import { isCluster } from '../../support/log.js';
import type { Wire } from '../../support/wire.js';
import { flood, metric, numbersOf, offsetOf, openBench, range, rawSocket, until } from './support.js';

const FLOOD = { types: ['BLOCK_WRITE_THRESHOLD'] };
const upTo = (wire: Wire, n: number): Promise<unknown> =>
  wire.event(({ type, data }) => type === 'BLOCK_WRITE_THRESHOLD' && (data as { n: number }).n === n);

/** What has left the memory of an edge it reads from the stream; test/log/stream has its tests. */
const keepsAll = isCluster;
if (keepsAll)
  console.warn('SKIPPED: the retention in memory, which a cluster does not depend on, and 10,000 jobs at once');

describe('subscribe with after', () => {
  it('retained: exactly what was missed, then live', async () => {
    const { app, wire, sim } = await openBench();
    const first = await wire.call('subscribe', FLOOD);
    flood(sim('vm1'), 10);
    await upTo(wire, 9);
    const { cursor } = wire.notifications('events').at(-1) as Notifications['events'];
    wire.close();
    flood(sim('vm1'), 1_500, 0, 10);
    const again = await app.wire();
    await until(async () => offsetOf((await again.call('server.info', {})).cursor) >= offsetOf(cursor) + 1_500);
    const resumed = await again.call('subscribe', { ...FLOOD, after: cursor });
    expect(resumed).toMatchObject({ resumed: true, cursor, subscription: first.subscription });
    expect(resumed).not.toHaveProperty('jobs');
    flood(sim('vm1'), 5, 0, 1_510);
    await upTo(again, 1_514);
    expect(numbersOf(again)).toEqual(range(10, 1_515));
  });

  it.skipIf(keepsAll)(
    'another epoch, past the end, too old: a snapshot and its cursor; malformed: -32602',
    async () => {
      const { app, wire, sim } = await openBench(['vm1'], { log: { perSource: 50 } });
      sim('vm1').jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
      await wire.call('subscribe', {});
      await wire.status('j', 'running');
      flood(sim('vm1'), 100);
      await upTo(wire, 99);
      const { cursor, epoch } = await wire.call('server.info', {});
      for (const after of ['other:5', `${epoch}:${offsetOf(cursor) + 1}`, `${epoch}:1`]) {
        const late = await app.wire();
        const { jobs, ...rest } = await late.call('subscribe', { after });
        expect(rest, after).toMatchObject({ resumed: false, cursor, settled: [] });
        expect(jobs).toEqual([expect.objectContaining({ source: 'vm1', job: 'j', status: 'running' })]);
      }
      const bare = await (await app.wire()).call('subscribe', { after: 'other:5', snapshot: false });
      expect(bare).not.toHaveProperty('jobs');
      for (const after of ['', 'x', ':1', 'a:', 'a:-1', 'a:01', 'a:1e3', `a:${'9'.repeat(30)}`, 'a b:1']) {
        const { error } = await wire.ask('subscribe', { after });
        expect(error, after).toMatchObject({ code: -32602, message: expect.stringContaining('after') });
      }
      // The last one retained resumes, the one before does not.
      const edge = offsetOf(cursor) - 50;
      expect(await (await app.wire()).call('subscribe', { after: `${epoch}:${edge}` })).toMatchObject({
        resumed: true,
      });
      expect(await (await app.wire()).call('subscribe', { after: `${epoch}:${edge - 1}` })).toMatchObject({
        resumed: false,
      });
    },
  );

  it.skipIf(keepsAll)('a noisy source does not evict a quiet one', async () => {
    const { app, wire, sim } = await openBench(['noisy', 'quiet'], { log: { perSource: 64 } });
    const { cursor } = await wire.call('subscribe', {});
    sim('quiet').faults.emit('STOP');
    await wire.typed('STOP');
    flood(sim('noisy'), 5_000);
    await upTo(wire, 4_999);
    const late = await app.wire();
    expect(await late.call('subscribe', { sources: ['quiet'], after: cursor })).toMatchObject({ resumed: true });
    sim('quiet').faults.emit('RESUME');
    await late.typed('RESUME');
    expect(late.events.map(({ type }) => type)).toEqual(['STOP', 'RESUME']);
    expect(await late.call('subscribe', { sources: ['noisy'], after: cursor })).toMatchObject({ resumed: false });
  });

  it.skipIf(keepsAll)('bookmarks carry a filter that nothing matches past the retention', async () => {
    const { app, wire, sim } = await openBench(['vm1', 'vm2'], {
      log: { perSource: 64 },
      gateway: { bookmarkMs: 300 },
    });
    const narrow = await app.wire();
    const { cursor } = await narrow.call('subscribe', { types: ['STOP'] });
    await wire.call('subscribe', {});
    flood(sim('vm1'), 1_000);
    await upTo(wire, 999);
    const { cursor: head } = await wire.call('server.info', {});
    const bookmark = await narrow.until(() =>
      narrow.notifications('bookmark').find((each) => offsetOf(each.cursor) >= offsetOf(head)),
    );
    narrow.close();
    const late = await app.wire();
    expect(await late.call('subscribe', { types: ['STOP'], after: bookmark.cursor })).toMatchObject({ resumed: true });
    expect(await late.call('subscribe', { types: ['STOP'], after: cursor })).toMatchObject({ resumed: false });
  });
});

describe('a snapshot of 10,000 jobs', () => {
  it.skipIf(keepsAll)(
    'comes in pages below 256 KiB, one cursor, and no event before the last',
    { timeout: 60_000 },
    async () => {
      const { app, wire, sim } = await openBench();
      for (let n = 0; n < 10_000; n += 1) sim('vm1').jobs.start({ id: `job${n}`, type: 'mirror', bytesPerSecond: 1 });
      await until(
        async () =>
          (await wire.call('job.get', { source: 'vm1', job: 'job9999' }).catch(() => undefined)) !== undefined,
      );
      const late = await app.wire();
      const sizes: number[] = [];
      late.ws.on('message', (data: Buffer) => sizes.push(data.length));
      const reply = late.call('subscribe', {});
      flood(sim('vm1'), 50);
      const { pages, cursor, jobs } = (await reply) as Subscribed;
      expect(jobs).toBeUndefined();
      await upTo(late, 49);
      const snapshots = late.notifications('snapshot');
      expect(snapshots).toHaveLength(pages ?? 0);
      expect(snapshots.length).toBeGreaterThan(5);
      expect(Math.max(...sizes)).toBeLessThan(256 * 1024);
      expect(snapshots.map((each) => each.cursor)).toEqual(snapshots.map(() => cursor));
      expect(snapshots.map(({ page }) => page)).toEqual(range(1, snapshots.length + 1));
      expect(snapshots.map(({ last }) => last)).toEqual([...snapshots.slice(1).map(() => false), true]);
      expect(new Set(snapshots.flatMap((each) => each.jobs.map(({ job }) => job))).size).toBe(10_000);
      const order = late.frames
        .map(({ method }) => method)
        .filter((method) => method === 'snapshot' || method === 'events');
      expect(order.lastIndexOf('snapshot')).toBeLessThan(order.indexOf('events'));
      expect(late.events[0]?.offset).toBeGreaterThan(offsetOf(cursor));
      expect(numbersOf(late).slice(-50)).toEqual(range(0, 50));
    },
  );
});

describe('a client that stops reading', () => {
  it('reads on without a gap when it drains', async () => {
    const { app, wire, sim } = await openBench();
    const slow = await app.wire();
    await slow.call('subscribe', FLOOD);
    await wire.call('subscribe', FLOOD);
    slow.ws.pause();
    let sent = 0;
    // The kernel hides megabytes before anybody is parked.
    while ((await metric(app.url, 'qmp_gateway_parked_total')) === 0) {
      flood(sim('vm1'), 250, 2_000, sent);
      sent += 250;
      await upTo(wire, sent - 1);
    }
    flood(sim('vm1'), 500, 2_000, sent);
    sent += 500;
    await upTo(wire, sent - 1);
    slow.ws.resume();
    await upTo(slow, sent - 1);
    expect(numbersOf(slow)).toEqual(range(0, sent));
    flood(sim('vm1'), 1, 0, sent);
    await upTo(slow, sent);
    expect(slow.notifications('reset')).toEqual([]);
    expect(await metric(app.url, 'qmp_gateway_resets_total{reason="retention"}')).toBe(0);
  });

  it.skipIf(keepsAll)('past the retention gets a reset in place: the present, then what follows', async () => {
    // More than one flood: a log may show all of it in one turn.
    const { app, wire, sim } = await openBench(['vm1'], { log: { perSource: 600 } });
    const slow = await app.wire();
    await slow.call('subscribe', {});
    await wire.call('subscribe', {});
    slow.ws.pause();
    let sent = 0;
    while ((await metric(app.url, 'qmp_gateway_parked_total')) === 0) {
      flood(sim('vm1'), 100, 2_000, sent);
      sent += 100;
      await upTo(wire, sent - 1);
    }
    sim('vm1').jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
    for (let floods = 0; floods < 3; floods += 1) {
      flood(sim('vm1'), 250, 2_000, sent);
      sent += 250;
      await upTo(wire, sent - 1);
    }
    slow.ws.resume();
    const reset = await slow.until(() => slow.notifications('reset')[0]);
    expect(reset).toMatchObject({ reason: 'retention', settled: [], sources: [{ name: 'vm1', state: 'up' }] });
    expect(reset.jobs).toEqual([expect.objectContaining({ job: 'j', status: 'running' })]);
    flood(sim('vm1'), 3, 0, sent);
    await upTo(slow, sent + 2);
    const numbers = numbersOf(slow);
    const before = slow.frames.slice(
      0,
      slow.frames.findIndex(({ method }) => method === 'reset'),
    );
    const had = before
      .filter(({ method }) => method === 'events')
      .flatMap(({ params }) => params?.events as unknown[]).length;
    expect(numbers.slice(0, 10), 'in order before').toEqual(range(0, 10));
    const after = slow.events.slice(had);
    const offsets = after.map(({ offset }) => offset);
    expect(offsets, 'contiguous after').toEqual(
      range(offsetOf(reset.cursor) + 1, offsetOf(reset.cursor) + 1 + after.length),
    );
  });

  it('is closed only when not one byte moves', async () => {
    const { app, wire, sim } = await openBench(['vm1'], { gateway: { stuckMs: 1_000 } });
    await wire.call('subscribe', FLOOD);
    const [stuck, sipping] = [await rawSocket(app.url), await rawSocket(app.url)];
    for (const each of [stuck, sipping]) each.request(1, 'subscribe', FLOOD);
    let closed = false;
    stuck.socket.on('close', () => {
      closed = true;
    });
    let sipped = 0;
    sipping.socket.on('data', (chunk: Buffer) => {
      sipped += chunk.length;
      sipping.socket.pause();
    });
    const connections = (): Promise<number> => metric(app.url, 'qmp_gateway_connections');
    expect(await connections()).toBe(3);
    let sent = 0;
    while ((await metric(app.url, 'qmp_gateway_parked_total')) < 2) {
      flood(sim('vm1'), 250, 2_000, sent);
      sent += 250;
      await upTo(wire, sent - 1);
    }
    // The one that sips all the while outlives the one that does not by far.
    while ((await connections()) === 3) sipping.socket.resume();
    expect(closed, 'a peer that does not read learns it later').toBe(false);
    const parked = performance.now();
    while (performance.now() - parked < 3_000) {
      sipping.socket.resume();
      expect(await connections()).toBe(2);
    }
    expect(sipped).toBeGreaterThan(0);
    expect(sipping.closed).toBe(false);
  });
});

describe('lines that die', () => {
  it('a peer that never pongs is closed with 4510, one that does stays', async () => {
    const { app, wire } = await openBench(['vm1'], { gateway: { bookmarkMs: 50, deadMs: 150 } });
    const dead = await rawSocket(app.url);
    expect(await dead.code()).toBe(4510);
    expect(await wire.call('server.info', {})).toHaveProperty('epoch');
  });

  it('closing: bye with a delay of its own for each, everything before it, then 1012', async () => {
    const { app, wire, sim } = await openBench(['vm1'], { gateway: { reconnectsPerSecond: 1 } });
    const wires = [wire, ...(await Promise.all(range(0, 20).map(() => app.wire())))];
    for (const each of wires) await each.call('subscribe', {});
    flood(sim('vm1'), 10);
    await upTo(wire, 9);
    const closing = app.close();
    const ends = await Promise.all(wires.map((each) => each.end()));
    await closing;
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1012]));
    const byes = wires.map((each) => each.notifications('bye'));
    expect(byes.map(({ length }) => length)).toEqual(wires.map(() => 1));
    const delays = byes.map(([bye]) => bye?.retryAfterMs ?? -1);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThanOrEqual(21_000);
    expect(new Set(delays).size, 'spread').toBeGreaterThan(15);
    for (const each of wires) {
      expect(numbersOf(each)).toEqual(range(0, 10));
      expect(each.frames.at(-1)?.method).toBe('bye');
    }
  });
});
