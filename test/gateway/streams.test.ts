// Subscriptions of sessions without sockets: what a reply holds, what follows it, and how who is behind becomes live.
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ALL_GRANTS } from '../../src/access/index.js';
import { LIMITS, SNAPSHOT_SETTLED } from '../../src/protocol/limits.js';
import { TestPolicy } from '../support/access.js';
import type { Message } from '../support/far-end.js';
import { type Client, jobOf, progressOf, Sessions, settledOf, sourceOf } from '../support/sessions.js';

const open = (options: ConstructorParameters<typeof Sessions>[0] = {}): { bench: Sessions; client: Client } => {
  const bench = new Sessions(options);
  bench.sources.push(sourceOf('vm1'));
  bench.jobs.push(jobOf('vm1', 'j'));
  bench.settled.push(settledOf('vm1', 'old'));
  return { bench, client: bench.client() };
};

const offsets = (client: Client): number[] =>
  client.end.of('events').flatMap(({ events }) => events.map(({ offset }: Message) => offset));
const large = { pad: 'x'.repeat(2_000) };

describe('subscribe', () => {
  it('of many clients with one filter has it once', async () => {
    const bench = new Sessions();
    const clients = [bench.client(), bench.client()];
    for (const client of clients) {
      client.send('subscribe', { sources: ['vm*'] });
      await bench.turn();
    }
    const [one, other] = clients.map(({ session }) => [...bench.hub.of(session).values()][0]?.filter);
    expect(one).toBeDefined();
    expect(other).toBe(one);
  });

  it('gives the present, then each event once', async () => {
    const { bench, client } = open();
    bench.append('vm1', 'RESUME');
    const { result } = await client.call('subscribe', {});
    expect(result).toMatchObject({ cursor: 'e:1', resumed: false, sources: [{ name: 'vm1' }] });
    expect([result.jobs.length, result.settled.length]).toEqual([1, 1]);
    for (let n = 0; n < 3; n += 1) bench.append('vm1', 'RESUME');
    await bench.turn();
    expect(client.end.of('events')).toMatchObject([{ cursor: 'e:4', subscription: result.subscription }]);
    expect(offsets(client)).toEqual([2, 3, 4]);
  });

  it('in the turn of an event gives it in the cut, and not again', async () => {
    const { bench, client } = open();
    await bench.client().call('subscribe', {});
    bench.append('vm1', 'RESUME');
    expect((await client.call('subscribe', {})).result.cursor).toBe('e:1');
    await bench.turn();
    expect(offsets(client)).toEqual([]);
  });

  it('lists settlements oldest first, the newest of them where there are many', async () => {
    const { bench, client } = open();
    for (let n = 0; n < SNAPSHOT_SETTLED; n += 1) bench.settled.push(settledOf('vm1', `job${n}`));
    const id = client.send('subscribe', {});
    await bench.turn(10);
    expect(client.end.answer(id).result).toHaveProperty('pages');
    const settled = client.end.of('snapshot').flatMap((page) => page.settled.map(({ job }: Message) => job));
    expect([settled.length, settled[0], settled.at(-1)]).toEqual([SNAPSHOT_SETTLED, 'job0', 'job999']);
  });

  it('reads a slice of the log at a time, of so many bytes', async () => {
    const { bench, client } = open({ limits: { sliceBytes: 5_000 } });
    for (let n = 0; n < 6; n += 1) bench.append('vm1', 'RESUME', undefined, large);
    await client.call('subscribe', { after: 'e:0' });
    await bench.turn(5);
    expect(client.end.of('events').map(({ cursor }) => cursor)).toEqual(['e:2', 'e:4', 'e:6']);
  });

  it('resumes after a cursor without a snapshot, and refuses to where entries have left', async () => {
    const { bench, client } = open({ log: { perSource: 3 } });
    for (let n = 0; n < 5; n += 1) bench.append('vm1', 'RESUME');
    const { result } = await client.call('subscribe', { after: 'e:3' });
    expect(result).toMatchObject({ cursor: 'e:3', resumed: true });
    expect(result).not.toHaveProperty('jobs');
    await bench.turn();
    expect(offsets(client)).toEqual([4, 5]);
    for (const after of ['e:1', 'e:9', 'f:4'])
      expect((await client.call('subscribe', { after })).result, after).toMatchObject({
        cursor: 'e:5',
        resumed: false,
      });
    expect((await client.call('subscribe', { snapshot: false })).result).not.toHaveProperty('jobs');
  });

  it('begins so many matching entries back, and says where it did not look further', async () => {
    const { bench, client } = open();
    for (let n = 0; n < 6; n += 1) bench.append('vm1', n % 2 ? 'STOP' : 'RESUME');
    const { result } = await client.call('subscribe', { last: 2, types: ['STOP'] });
    expect(result).toEqual({
      subscription: result.subscription,
      cursor: 'e:3',
      resumed: false,
      sources: bench.sources,
    });
    await bench.turn();
    expect(offsets(client)).toEqual([4, 6]);
    for (let n = 0; n < 200; n += 1) bench.append('vm1', 'RESUME');
    const look = bench.log.offsetBefore.bind(bench.log);
    bench.log.offsetBefore = (count, wants, isEnough) =>
      look(
        count,
        (entry) => {
          bench.clock.spend(1);
          return wants(entry);
        },
        isEnough,
      );
    expect((await client.call('subscribe', { last: 2, types: ['STOP'] })).result).toHaveProperty('truncated', true);
  });

  it('does not begin so far back that entries of its sources are missing', async () => {
    const { bench, client } = open({ log: { perSource: 2 } });
    bench.append('quiet', 'RESUME');
    for (let n = 0; n < 5; n += 1) bench.append('vm1', 'RESUME');
    expect((await client.call('subscribe', { last: 10 })).result.cursor).toBe('e:4');
    expect((await client.call('subscribe', { last: 10, sources: ['quiet'] })).result.cursor).toBe('e:0');
  });

  it('again with the same filter replaces, with another tag adds; unsubscribe ends one', async () => {
    const { bench, client } = open();
    const ids = [];
    for (const tag of [{}, {}, { tag: 1 }]) ids.push((await client.call('subscribe', tag)).result.subscription);
    expect([ids[0] === ids[1], ids[1] === ids[2]]).toEqual([true, false]);
    bench.append('vm1', 'RESUME');
    await bench.turn();
    expect(offsets(client)).toEqual([1, 1]);
    expect((await client.call('unsubscribe', { subscription: ids[2] })).result).toEqual({});
    expect((await client.call('unsubscribe', { subscription: ids[2] })).error.data.reason).toBe('INVALID_PARAMS');
    bench.append('vm1', 'RESUME');
    await bench.turn();
    expect(offsets(client)).toEqual([1, 1, 2]);
  });

  it('is refused beyond so many of them, of their globs, and of them a second', async () => {
    const { bench, client } = open({ limits: { connectionGlobs: 10 } });
    const globs = await client.call('subscribe', { jobs: ['*23456789', 'ab*'] });
    expect(globs.error.data.reason).toBe('RATE_LIMITED');
    for (let n = 0; n < LIMITS.subscriptions; n += 1) await client.call('subscribe', { types: [`T${n}`] });
    await bench.turn();
    expect((await client.call('subscribe', {})).error.message).toContain('64 subscriptions');
    expect((await client.call('subscribe', { types: ['T1'] })).error).toBeUndefined();
    expect(bench.recorder.limits).toEqual(['connection_globs', 'subscriptions']);
    const { client: hasty, bench: other } = open({
      limits: { subscribesPerSecond: 2, subscribesBurst: 1, refusalsBurst: 1 },
    });
    await hasty.call('subscribe', {});
    for (let n = 0; n < 2; n += 1)
      expect((await hasty.call('subscribe', {})).error.data).toEqual({ reason: 'RATE_LIMITED', retryAfterMs: 500 });
    expect(hasty.asked).toHaveLength(1);
    expect(other.recorder.limits).toEqual(['subscribes_rate', 'subscribes_rate', 'refusals_rate']);
  });

  it('sends a large snapshot in pages, and no event before the last', async () => {
    const { bench, client } = open();
    for (let n = 0; n < 3_000; n += 1) bench.jobs.push(jobOf('vm1', `job${n}`));
    const { result } = await client.call('subscribe', {});
    expect(result).not.toHaveProperty('jobs');
    bench.append('vm1', 'RESUME');
    await bench.turn(20);
    const pages = client.end.of('snapshot');
    expect(pages.map(({ page, last }) => [page, last])).toEqual(pages.map((_, n) => [n + 1, n + 1 === result.pages]));
    expect(pages.flatMap(({ jobs }) => jobs)).toHaveLength(3_001);
    expect(client.end.messages.at(-1)).toMatchObject({ method: 'events' });
    expect(offsets(client)).toEqual([1]);
  });

  it('compares slow globs with all runs over several turns, before the cut', async () => {
    let looks = 0;
    // Each look costs a millisecond.
    const sees = (): boolean => {
      looks += 1;
      bench.clock.spend(1);
      return true;
    };
    const { bench, client } = open({ access: new TestPolicy({ nobody: { ...ALL_GRANTS, sees } }) });
    for (let n = 0; n < 20; n += 1) bench.jobs.push(jobOf('vm1', `job${n}`));
    const id = client.send('subscribe', { jobs: [`*${'?'.repeat(70)}*`, 'job*'] });
    expect(client.end.answer(id)).toBeUndefined();
    await bench.turn();
    const inOneTurn = looks;
    await bench.turn(40);
    expect(client.end.answer(id).result.jobs).toHaveLength(20);
    expect(inOneTurn).toBeLessThan(looks / 2);
  });

  it('reads the jobs once for all that join in one turn', async () => {
    const { bench } = open();
    const clients = Array.from({ length: 5 }, () => bench.client());
    for (const client of clients) client.send('subscribe', {});
    expect(bench.looks).toBe(1);
    await bench.turn();
    clients[0]?.send('subscribe', {});
    expect(bench.looks).toBe(2);
  });
});

describe('a client that does not read', () => {
  const limits = { highWaterBytes: 5_000 };

  it('is parked with its position, and reads on without a gap when it drains', async () => {
    const { bench, client } = open({ limits });
    await client.call('subscribe', {});
    client.end.stop();
    for (let n = 0; n < 10; n += 1) {
      bench.append('vm1', 'RESUME', undefined, large);
      await bench.turn();
    }
    expect(bench.hub.counts.parked).toBe(1);
    expect(bench.hub.subscribers).toBe(0);
    client.end.take();
    await bench.turn(10);
    expect(offsets(client)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(bench.hub.subscribers).toBe(1);
  });

  it('gets the present in place of what has left the retention', async () => {
    const { bench, client } = open({ limits, log: { perSource: 4 } });
    const { subscription } = (await client.call('subscribe', {})).result;
    client.end.stop();
    for (let n = 0; n < 20; n += 1) {
      bench.append('vm1', 'RESUME', undefined, large);
      await bench.turn();
    }
    client.end.take();
    await bench.turn(3);
    bench.append('vm1', 'RESUME');
    await bench.turn();
    expect(client.end.of('reset')).toMatchObject([
      { subscription, reason: 'retention', cursor: 'e:20', jobs: [{ job: 'j' }], settled: [{ job: 'old' }] },
    ]);
    expect(offsets(client).at(-1)).toBe(21);
    expect(bench.hub.counts).toMatchObject({ parked: 1, resets: { retention: 1, grants: 0 } });
  });

  it('that was at a gateway further on, whose newest entries the log will never have, begins anew', async () => {
    const { bench, client } = open();
    for (let n = 0; n < 3; n += 1) bench.append('vm1', 'RESUME');
    const { log } = bench;
    const readAfter = log.readAfter.bind(log);
    let giveUp = (): void => undefined;
    const pending = new Promise<void>((resolve) => {
      giveUp = resolve;
    });
    log.retainsAfter = () => true;
    log.readAfter = (offset, limit) =>
      offset > log.head ? { entries: [], examined: offset, pending } : readAfter(offset, limit);
    expect((await client.call('subscribe', { after: 'e:9' })).result).toMatchObject({ cursor: 'e:9', resumed: true });
    log.retainsAfter = (offset) => offset <= log.head;
    giveUp();
    await bench.turn(3);
    expect(client.end.of('reset')).toMatchObject([{ reason: 'epoch', cursor: 'e:3', jobs: [{ job: 'j' }] }]);
    bench.append('vm1', 'RESUME');
    await bench.turn();
    expect(offsets(client)).toEqual([4]);
  });

  it('gets a reset in pages where the present is large', async () => {
    const { bench, client } = open({ limits, log: { perSource: 4 } });
    await client.call('subscribe', {});
    for (let n = 0; n < 3_000; n += 1) bench.jobs.push(jobOf('vm1', `job${n}`));
    client.end.stop();
    for (let n = 0; n < 20; n += 1) {
      bench.append('vm1', 'RESUME', undefined, large);
      await bench.turn();
    }
    client.end.take();
    await bench.turn(30);
    const [reset] = client.end.of('reset');
    expect(reset).toMatchObject({ jobs: [], pages: expect.any(Number) });
    expect(client.end.of('snapshot')).toHaveLength(reset.pages);
  });

  it('does not delay others, and what it lacks is encoded once for all that lack the same', async () => {
    const { bench } = open({ limits: { ...limits, sliceEntries: 3 } });
    const slow = Array.from({ length: 3 }, () => bench.client());
    const healthy = bench.client();
    for (const client of [...slow, healthy]) await client.call('subscribe', {});
    for (const client of slow) client.end.stop();
    for (let n = 0; n < 8; n += 1) {
      bench.append('vm1', 'RESUME', undefined, large);
      await bench.turn();
    }
    expect(offsets(healthy)).toHaveLength(8);
    for (const client of slow) client.end.take();
    await bench.turn(10);
    for (const client of slow) expect(offsets(client)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(bench.clock.pending, 'replays are forgotten').toBe(1);
    await bench.clock.advance(1_000);
    expect(bench.clock.pending).toBe(0);
  });
});

describe('a broadcast', () => {
  it('writes to so many sockets a turn, all in the end', async () => {
    const { bench } = open({ limits: { sliceSockets: 2 } });
    const clients = Array.from({ length: 5 }, () => bench.client());
    for (const client of clients) await client.call('subscribe', {});
    bench.append('vm1', 'RESUME');
    const served: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      await bench.turn();
      served.push(clients.filter((client) => offsets(client).length > 0).length);
    }
    expect(served).toEqual([2, 4, 5]);
  });

  it('splits what is too large for one frame, each with its own cursor', async () => {
    const { bench, client } = open({ limits: { frameBytes: 3_000 } });
    await client.call('subscribe', {});
    for (let n = 0; n < 3; n += 1) bench.append('vm1', 'RESUME', undefined, large);
    await bench.turn();
    expect(client.end.of('events').map(({ cursor }) => cursor)).toEqual(['e:1', 'e:2', 'e:3']);
  });

  it('of more than a turn may encode is read from the log instead, without a gap', async () => {
    const { bench, client } = open({ limits: { batchBytes: 5_000, sliceBytes: 5_000 } });
    await client.call('subscribe', {});
    for (let n = 0; n < 10; n += 1) bench.append('vm1', 'RESUME', undefined, large);
    await bench.turn(5);
    expect(offsets(client)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(client.end.of('events')).toHaveLength(5);
    expect(bench.recorder.limits).toContain('turn_bytes');
    expect(bench.hub.counts.deliveries).toBe(10);
    expect(bench.hub.counts.parked).toBe(0);
  });
});

describe('progress', () => {
  it('brings the newest measures once an interval, of runs that are live', async () => {
    const { bench, client } = open();
    bench.jobs.push(jobOf('vm1', 'k'));
    await client.call('subscribe', { progress: 150 });
    expect([...bench.demands.values()]).toMatchObject([{ everyMs: 250 }]);
    for (const offset of [1, 2]) bench.progress(progressOf('vm1', 'j', offset), progressOf('vm1', 'k', offset));
    bench.jobs.pop();
    await bench.clock.advance(250);
    expect(client.end.of('progress').map(({ jobs }) => jobs)).toMatchObject([[{ job: 'j', offset: 2 }]]);
    await bench.clock.advance(250);
    expect(client.end.of('progress'), 'nothing new').toHaveLength(1);
    client.session.close();
    expect(bench.demands.size).toBe(0);
    expect(bench.clock.pending).toBe(0);
  });

  it('is skipped for a client that does not read, which gets the newest when it does', async () => {
    const { bench, client } = open({ limits: { highWaterBytes: 4_000, frameBytes: 1_024 } });
    for (let n = 0; n < 40; n += 1) bench.jobs.push(jobOf('vm1', `job${n}`));
    await client.call('subscribe', { progress: true });
    client.end.stop();
    for (const offset of [1, 2]) {
      bench.progress(...bench.jobs.map(({ job }) => progressOf('vm1', job, offset)));
      await bench.clock.advance(1_000);
    }
    client.end.take();
    await bench.turn(30);
    const rows = client.end.of('progress').flatMap(({ jobs }) => jobs);
    for (const { job } of bench.jobs)
      expect(rows.filter((row: Message) => row.job === job).at(-1)?.offset, job).toBe(2);
    expect(bench.hub.counts.parked).toBe(0);
    // Nothing is kept for it of runs that have ended meanwhile.
    client.end.stop();
    for (let n = 0; n < 3; n += 1) {
      bench.append('vm1', 'RESUME', undefined, { pad: 'x'.repeat(5_000) });
      await bench.turn();
    }
    expect(bench.hub.counts.parked).toBe(1);
    bench.progress(...bench.jobs.map(({ job }) => progressOf('vm1', job, 3)));
    await bench.clock.advance(1_000);
    const looked = vi.spyOn(Map.prototype, 'delete');
    onTestFinished(() => looked.mockRestore());
    bench.jobs.splice(0, 39); // Among them `j`.
    bench.progress(progressOf('vm1', 'job39', 4));
    await bench.clock.advance(1_000);
    expect(looked.mock.calls.filter(([key]) => String(key).startsWith('vm1 job'))).toHaveLength(38);
  });
});
