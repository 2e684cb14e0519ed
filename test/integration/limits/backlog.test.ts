// Clients that request more than they read: memory is bounded, the event loop goes on, and a client that reads gets everything in the end.
import { describe, expect, it } from 'vitest';
import { type Job, LIMITS } from '../../../src/protocol/index.js';
import { cpuMs, longestTurn, openBare, settledRun } from '../../support/bare.js';
import { type RawSocket, rawSocket } from '../stream/support.js';

const MIB = 1024 * 1024;
const text = (id: number, method: string, params: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

/** So many masked frames in one write. */
function pipeline(raw: RawSocket, texts: readonly string[]): void {
  raw.socket.cork();
  for (const each of texts) raw.send(each);
  raw.socket.uncork();
}

const outside = (): number => {
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
};

function fillJobs(jobs: Job[]): void {
  for (let n = 0; n < 1_000; n += 1)
    jobs.push({
      source: 'vm1',
      job: `job${n}`,
      run: `e:${n}`,
      type: 'backup',
      status: 'running',
      len: 1,
      offset: 0,
      speed: 0,
      updated: '',
    });
}

describe('a client that pipelines requests and does not read', () => {
  it('64 KiB of `subscribe`: costs about the limit of unsent bytes, then the rest is executed as it reads', async () => {
    const bare = await openBare();
    // A snapshot of nearly a quarter of a megabyte.
    for (let n = 0; n < 700; n += 1) bare.settled.push(settledRun(n, `job${n}`));
    const probe = await bare.wire();
    await probe.call('server.info', {});
    const raw = await rawSocket(bare.url);
    const before = outside();
    const asked = Array.from({ length: 900 }, (_, n) => text(n, 'subscribe', {}));
    expect(asked.join('').length).toBeGreaterThan(50 * 1024);
    pipeline(raw, asked);
    for (let n = 0; n < 20; n += 1) await probe.call('source.list', {});
    // The kernel takes some megabytes more; 900 answers are 200 MiB.
    expect(outside() - before).toBeLessThan(32 * MIB);
    let answers = 0;
    raw.socket.on('data', (chunk: Buffer) => {
      answers += chunk.toString('latin1').split('"jsonrpc":"2.0","id":').length - 1;
    });
    raw.socket.resume();
    await expect.poll(() => answers).toBeGreaterThan(890);
    expect(await probe.call('server.info', {})).toHaveProperty('epoch');
  });

  it('answers of every method count', async () => {
    const bare = await openBare({ hardStopBytes: 64 * 1024, highWaterBytes: 64 * 1024 });
    fillJobs(bare.jobs);
    const raw = await rawSocket(bare.url);
    const before = outside();
    pipeline(
      raw,
      Array.from({ length: 1_200 }, (_, n) => text(n, 'job.list', {})),
    );
    const probe = await bare.wire();
    for (let n = 0; n < 20; n += 1) await probe.call('source.list', {});
    expect(outside() - before).toBeLessThan(32 * MIB);
  });

  it('lists that waited for fresh figures are made one by one, while the client reads', async () => {
    let renew: () => void = () => undefined;
    const fresh = new Promise<void>((resolve) => {
      renew = resolve;
    });
    const bare = await openBare({}, { freshen: () => fresh });
    fillJobs(bare.jobs);
    for (const job of bare.jobs) job.job = job.job.padEnd(900, 'x');
    const raw = await rawSocket(bare.url);
    pipeline(
      raw,
      Array.from({ length: 60 }, (_, n) => text(n, 'job.list', {})),
    );
    const probe = await bare.wire();
    await probe.call('server.info', {});
    expect(bare.looks.jobs).toBe(0);
    renew();
    for (let n = 0; n < 50; n += 1) await probe.call('source.list', {});
    // A megabyte each: the kernel takes some of them.
    expect(bare.looks.jobs).toBeLessThan(20);
    raw.socket.resume();
    await expect.poll(() => bare.looks.jobs).toBe(60);
  });

  it('requests that inflate to more than may wait close the connection with 4429', async () => {
    const bare = await openBare({ hardStopBytes: 64 * 1024, highWaterBytes: 64 * 1024 }, { compression: 'on' });
    fillJobs(bare.jobs);
    const wire = await bare.wire({ perMessageDeflate: { threshold: 0 } });
    wire.ws.pause();
    // 30 KiB of JSON each, of which a few bytes are on the wire.
    for (let n = 0; n < 300; n += 1) wire.ws.send(text(n, 'job.list', {}) + ' '.repeat(30 * 1024));
    // Not read, so that the answers wait.
    await expect.poll(() => bare.counts().connections).toBe(0);
    wire.ws.resume();
    // A client that reads by then sees the code.
    expect([4429, 1006]).toContain((await wire.end()).code);
  });

  it('an unread `subscribe` is in flight', async () => {
    const bare = await openBare({ hardStopBytes: 1 << 30 });
    for (let n = 0; n < 700; n += 1) bare.settled.push(settledRun(n, `job${n}`));
    const raw = await rawSocket(bare.url);
    pipeline(
      raw,
      Array.from({ length: 200 }, (_, n) => text(n, 'subscribe', {})),
    );
    const probe = await bare.wire();
    // Connections are served in turn, so each answer here is a step of the other one: before it reads, all of its requests were executed.
    for (let n = 0; n < 400; n += 1) await probe.call('source.list', {});
    let refused = 0;
    raw.socket.on('data', (chunk: Buffer) => {
      refused += chunk.toString('latin1').split('RATE_LIMITED').length - 1;
    });
    raw.socket.resume();
    // What the kernel took is not counted: some of the 200, but not so many as the limit leaves.
    await expect.poll(() => refused).toBeGreaterThan(200 - LIMITS.inFlight - 60);
  });
});

// Bounds of CPU time: compared in one turn these take seconds. The steps of one comparison are counted in the tests of globs.
describe('filters that are slow to compare', () => {
  it('64 subscribes of 32 globs over 10,000 settlements with long names: the loop goes on', {
    timeout: 120_000,
  }, async () => {
    const bare = await openBare();
    for (let n = 0; n < 10_000; n += 1) bare.settled.push(settledRun(n, `${'a'.repeat(250)}${n}`));
    const wire = await bare.wire();
    const filters = Array.from({ length: 64 }, (_, n) => ({
      jobs: Array.from({ length: 32 }, (__, m) => `*${'?'.repeat(120)}${n}x${m}b`.slice(0, 128)),
    }));
    let answered = 0;
    const stall = await longestTurn(async () => {
      const all = await Promise.all(filters.map((filter) => wire.ask('subscribe', filter)));
      answered = all.length;
      // Four of them are as many globs as a connection may have.
      expect(all.filter(({ result }) => result !== undefined).length).toBeGreaterThanOrEqual(4);
      for (const { error } of all) if (error) expect(error.data).toMatchObject({ reason: 'RATE_LIMITED' });
    });
    expect(answered).toBe(64);
    expect(stall).toBeLessThan(250);
  });

  it('16 connections with all the globs they may have, names of 1,000 characters', { timeout: 120_000 }, async () => {
    const bare = await openBare();
    for (let n = 0; n < 10_000; n += 1) bare.settled.push(settledRun(n, `${'a'.repeat(1_000)}${n}`));
    const wires = await Promise.all(Array.from({ length: 4 }, () => bare.wire()));
    const stall = await longestTurn(async () => {
      const replies = wires.flatMap((wire, n) =>
        Array.from({ length: 4 }, (_, m) =>
          wire.call('subscribe', {
            jobs: Array.from({ length: 8 }, (__, k) => `*${'a?'.repeat(252)}${n}${m}${k}b`.slice(0, 512)),
          }),
        ),
      );
      const probe = await bare.wire();
      for (let n = 0; n < 10; n += 1) await probe.call('source.list', {});
      await Promise.all(replies);
    });
    expect(stall).toBeLessThan(250);
    // A new job is compared with every filter.
    const before = cpuMs();
    const job = { id: `${'a'.repeat(1_000)}new`, run: 'e:1' };
    bare.log.append([{ source: 'vm1', type: 'BLOCK_JOB_READY', time: 0, job, data: {} }]);
    expect(cpuMs() - before).toBeLessThan(250);
  });
});
