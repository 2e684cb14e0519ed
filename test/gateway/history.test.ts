// history.list, history.get, and subscribe with `from`: what is found, what one may not see, pages, and the bounds of a search.
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/protocol/limits.js';
import { grantsOf, TestPolicy } from '../support/access.js';
import { DAY, endedRun, openTestHistory } from '../support/run-history.js';
import { type Client, jobOf, runOf, Sessions, type SessionsOptions, sourceOf } from '../support/sessions.js';

async function openBench(options: SessionsOptions = {}) {
  const bench = new Sessions(options);
  const { history } = await openTestHistory(undefined, {}, bench.clock);
  bench.history = { older: history.older.bind(history), progressOf: () => [[1_000, 1, 100]] };
  bench.sources.push(sourceOf('vm1'));
  return { bench, history };
}

const listed = async (client: Client, params: object = {}): Promise<string[]> => {
  const { result, error } = await client.call('history.list', params);
  if (error) throw new Error(error.message);
  return result.runs.map(({ run }: { run: string }) => run);
};

const at = (seconds: number): string => new Date(DAY / 1_000 + seconds * 1_000).toISOString();

describe('history.list', () => {
  it('gives runs newest first, and what is asked for of them', async () => {
    const { bench, history } = await openBench();
    history.add(endedRun('a', 1));
    history.add(endedRun('b', 2, { source: 'vm2', settled: { outcome: 'failed', error: 'EIO' } }));
    history.add(endedRun('c', 3, { job: 'copy-1', settled: { requestedBy: ['ci-3', 'ann'] } }));
    const client = bench.client();
    expect(await listed(client)).toEqual(['c', 'b', 'a']);
    expect(await listed(client, { limit: 1 })).toEqual(['c']);
    expect(await listed(client, { sources: ['vm2'] })).toEqual(['b']);
    expect(await listed(client, { jobs: ['copy*'] })).toEqual(['c']);
    expect(await listed(client, { outcomes: ['failed', 'lost'] })).toEqual(['b']);
    expect(await listed(client, { by: ['ci-*'] })).toEqual(['c']);
    expect(await listed(client, { endedAfter: at(2) })).toEqual(['c', 'b']);
    expect(await listed(client, { endedBefore: at(2) })).toEqual(['a']);
    const { result } = await client.call('history.list', { sources: ['vm2'] });
    expect(result).toEqual({ runs: [expect.objectContaining({ error: 'EIO', durationMs: 10_000, ended: 'e:9' })] });
    expect(result.runs[0]).not.toHaveProperty('progress');
  });

  it('comes in pages, of a number and of bytes, and runs that end meanwhile move none', async () => {
    const { bench, history } = await openBench();
    for (let n = 0; n < 500; n++) history.add(endedRun(`r${n}`, n, { settled: { error: 'x'.repeat(1_000) } }));
    const client = bench.client();
    const pages: string[][] = [];
    let pageToken: string | undefined;
    do {
      const { result } = await client.call('history.list', { limit: 1_000, ...(pageToken && { pageToken }) });
      expect(JSON.stringify(result).length).toBeLessThan(LIMITS.snapshotPageBytes + 1_024);
      pages.push(result.runs.map(({ run }: { run: string }) => run));
      pageToken = result.pageToken;
      history.add(endedRun(`later${pages.length}`, 1_000));
    } while (pageToken !== undefined);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flat()).toEqual(Array.from({ length: 500 }, (_, n) => `r${499 - n}`));
    const refused = await client.call('history.list', { pageToken: 'e30' });
    expect(refused.error.data).toEqual({ reason: 'INVALID_PARAMS', problems: ['pageToken: malformed'] });
  });

  it('has nothing of a source or a job that one may not see', async () => {
    const access = new TestPolicy({ ann: grantsOf('vm1', [], 'j'), bob: grantsOf('vm2', []) });
    const { bench, history } = await openBench({ access });
    history.add(endedRun('a', 1));
    history.add(endedRun('b', 2, { job: 'other', settled: { requestedBy: ['ci'] } }));
    history.add(endedRun('c', 3, { source: 'vm2' }));
    expect(await listed(bench.client('ann'))).toEqual(['a']);
    expect(await listed(bench.client('ann'), { by: ['ci'] })).toEqual([]);
    expect(await listed(bench.client('bob'))).toEqual(['c']);
    const ann = bench.client('ann');
    const call = ann.send('history.list', {});
    access.grant('ann', grantsOf('vm3', []));
    await bench.turn(8);
    expect(ann.end.answer(call)?.result).toEqual({ runs: [] });
  });

  it('goes in steps of milliseconds over 20,000 runs and slow globs, and ends in time with a token', async () => {
    const { bench, history } = await openBench();
    for (let n = 0; n < 20_000; n++) history.add(endedRun(`r${n}`, n, { source: `vm${n}` }));
    const client = bench.client();
    let slowest = 0;
    const { now } = bench.clock;
    // Each look at the time takes time here, as slow globs do.
    let turn = bench.clock.now();
    bench.clock.now = () => {
      bench.clock.spend(0.5);
      const time = now.call(bench.clock);
      slowest = Math.max(slowest, time - turn);
      return time;
    };
    const id = client.send('history.list', { jobs: ['*none*'] });
    let turns = 0;
    for (; !client.end.answer(id) && turns < 5_000; turns++) {
      turn = now.call(bench.clock);
      await bench.turn();
    }
    expect(turns).toBeGreaterThan(50);
    expect(slowest).toBeLessThan(20);
    expect(client.end.answer(id)?.result).toEqual({ runs: [], pageToken: expect.any(String) });
  });

  it('is one at a time of a connection and few in all; who waits too long is refused', async () => {
    const { bench } = await openBench();
    let searching = 0;
    const ends: (() => void)[] = [];
    bench.history.older = () => {
      searching += 1;
      return new Promise((resolve) => ends.push(() => resolve({ found: [], next: undefined })));
    };
    const clients = Array.from({ length: 6 }, () => bench.client());
    for (const client of clients) for (let n = 0; n < 3; n++) client.send('history.list', {});
    await bench.turn(4);
    expect(searching).toBe(4);
    ends.shift()?.();
    await bench.turn(6);
    expect(searching).toBe(5);
    clients[5]?.session.close();
    await bench.clock.advance(30_000);
    const refused = clients.flatMap(({ end }) => end.messages).filter(({ error }) => error);
    // Of five clients two or three each have waited for so long.
    expect(refused.length).toBeGreaterThan(9);
    expect(refused[0].error.data).toEqual({ reason: 'RATE_LIMITED', retryAfterMs: 1_000 });
    expect(bench.recorder.limits).toContain('history_calls');
    expect(searching).toBe(5);
    // A place that is given back is the next caller's.
    bench.history.older = async () => ({ found: [], next: undefined });
    ends.shift()?.();
    expect(await listed(bench.client())).toEqual([]);
  });
});

describe('history.get', () => {
  it('tells the story of a run: its record, how far it was when, and its entries', async () => {
    const { bench, history } = await openBench();
    bench.append('vm1', 'NOISE');
    bench.append('vm1', 'BEGIN', 'j');
    bench.append('vm2', 'BEGIN', 'j');
    bench.append('vm1', 'END', 'j');
    bench.append('vm1', 'LATE', 'j');
    const run = runOf('vm1', 'j');
    history.add(endedRun('older', 1));
    history.add(endedRun(run, 2, { cursor: 'e:4', settled: { began: 'e:2' } }), [[5, 6, 7]]);
    const { result } = await bench.client().call('history.get', { source: 'vm1', job: 'j' });
    expect(result).toMatchObject({
      source: 'vm1',
      job: 'j',
      run,
      record: { run, ended: 'e:4' },
      progress: [[5, 6, 7]],
    });
    expect(result.entries.map(({ type }: { type: string }) => type)).toEqual(['BEGIN', 'END', 'LATE']);
    expect(result).not.toHaveProperty('truncated');
    expect(result).not.toHaveProperty('missing');
    expect(result.record).not.toHaveProperty('progress');
    const older = await bench.client().call('history.get', { source: 'vm1', job: 'j', run: 'older' });
    expect(older.result).toMatchObject({ run: 'older', entries: [] });
  });

  it('has what there is of a live run', async () => {
    const { bench } = await openBench();
    bench.append('vm1', 'BEGIN', 'j');
    bench.jobs.push(jobOf('vm1', 'j'));
    const { result } = await bench.client().call('history.get', { source: 'vm1', job: 'j' });
    expect(result).toMatchObject({ run: runOf('vm1', 'j'), progress: [[1_000, 1, 100]], entries: [{ type: 'BEGIN' }] });
    expect(result).not.toHaveProperty('record');
  });

  it('says where entries have left the log, are of another epoch, or do not fit', async () => {
    const { bench, history } = await openBench({ log: { perSource: 300 } });
    for (let n = 0; n < 400; n++) bench.append('vm1', `E${n}`, 'j', { text: 'x'.repeat(2_000) });
    const run = runOf('vm1', 'j');
    history.add(endedRun(run, 1, { cursor: 'e:400', settled: { began: 'e:1' } }));
    history.add(endedRun('former', 1, { job: 'k', settled: { began: 'f:1' } }));
    const { result } = await bench.client().call('history.get', { source: 'vm1', job: 'j' });
    expect(result.truncated).toBe(true);
    expect(JSON.stringify(result).length).toBeLessThan(300 * 1024);
    const [left, between] = result.missing;
    expect(left).toEqual({ reason: 'retention', after: 'e:0', upTo: 'e:100' });
    const types = result.entries.map(({ type }: { type: string }) => type);
    const offsets = result.entries.map(({ offset }: { offset: number }) => offset);
    const jump = offsets.findIndex((offset: number, at: number) => offset > offsets[at - 1] + 1);
    expect(between).toEqual({ reason: 'size', after: `e:${offsets[jump - 1]}`, upTo: `e:${offsets[jump] - 1}` });
    expect(result.missing).toHaveLength(2);
    expect([types[0], types.at(-1)]).toEqual(['E100', 'E399']);
    expect(types.length).toBeLessThan(140);
    const former = await bench.client().call('history.get', { source: 'vm1', job: 'k' });
    expect(former.result).toMatchObject({
      run: 'former',
      entries: [],
      truncated: true,
      missing: [{ reason: 'epoch' }],
    });
  });

  it('of what is not there, or may not be seen, is refused as for any method', async () => {
    const access = new TestPolicy({ ann: grantsOf('vm1', [], 'j') });
    const { bench, history } = await openBench({ access });
    history.add(endedRun('a', 1, { source: 'vm2' }));
    const reasonOf = async (source: string, job: string): Promise<string> =>
      (await bench.client('ann').call('history.get', { source, job })).error.data.reason;
    expect(await reasonOf('vm1', 'j')).toBe('JOB_NOT_FOUND');
    const unknown = await bench.client('ann').call('history.get', { source: 'vm1', job: 'j', run: 'r:9' });
    expect(unknown.error.message).toBe('no run r:9 of j on vm1 is known');
    expect(await reasonOf('vm1', 'k')).toBe('SOURCE_NOT_FOUND');
    expect(await reasonOf('vm2', 'j')).toBe('SOURCE_NOT_FOUND');
  });
});

describe('from', () => {
  it('begins at a time, as if it had been subscribed then', async () => {
    const { bench } = await openBench();
    bench.append('vm1', 'A');
    // The log in memory has a clock of its own.
    const before = new Date(Date.now() - 3_600_000).toISOString();
    const { result } = await bench.client().call('subscribe', { from: before });
    expect(result).toMatchObject({ cursor: 'e:0', resumed: false });
    expect([result.jobs, result.truncated]).toEqual([undefined, undefined]);
    const later = new Date(Date.now() + 3_600_000).toISOString();
    expect((await bench.client().call('subscribe', { from: later })).result.cursor).toBe('e:1');
  });

  it('says where the retention begins later', async () => {
    const { bench } = await openBench({ log: { perSource: 2 } });
    for (const type of ['A', 'B', 'C', 'D']) bench.append('vm1', type);
    const before = new Date(Date.now() - 3_600_000).toISOString();
    const { result } = await bench.client().call('subscribe', { from: before });
    expect(result).toMatchObject({ cursor: 'e:2', truncated: true });
  });

  it('goes with neither after nor last nor a snapshot, and must be a time', async () => {
    const { bench } = await openBench();
    const from = at(0);
    for (const params of [{ from, after: 'e:0' }, { from, last: 1 }, { from, snapshot: true }, { from: '2h' }])
      expect((await bench.client().call('subscribe', params)).error?.data.reason).toBe('INVALID_PARAMS');
  });
});
