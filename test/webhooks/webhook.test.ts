// Webhooks on a log, with a receiver and a clock in the test's hand: what is sent in which order, from where they go on, what they cost.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EventLog, MemoryLog } from '../../src/log/index.js';
import type { Result } from '../../src/webhooks/delivery.js';
import {
  FilePositions,
  WEBHOOK_LIMITS,
  type WebhookLimits,
  type WebhookSettings,
  Webhooks,
} from '../../src/webhooks/index.js';
import type { PostRequest } from '../../src/webhooks/post.js';
import { draftOf, openTestDiskLog, TimeInHand } from '../support/disk-log.js';
import { FakeClock } from '../support/fake-clock.js';
import { newFolder } from '../support/folder.js';

const SECRET = 'a-secret-that-nobody-logs';

const hookOf = (more: Partial<WebhookSettings> = {}): WebhookSettings => ({
  ...{ name: 'w', url: 'https://hooks.example/path-as-a-secret', secret: SECRET, types: ['WANTED'] },
  ...{ sources: undefined, jobs: undefined, format: 'plain', allowPrivate: false },
  ...more,
});

interface Options {
  log: EventLog;
  clock: FakeClock;
  folder: string;
  limits: Partial<WebhookLimits>;
  settings: WebhookSettings[];
}

function open(options: Partial<Options> = {}) {
  const clock = options.clock ?? new FakeClock();
  const log = options.log ?? new MemoryLog({ clock, epoch: 'e' });
  /** POSTs that wait for an answer. */
  const asked: { request: PostRequest; answer: (result: Result) => void }[] = [];
  const lines: string[] = [];
  const write = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }));
  const logger = { info: write, warn: write };
  const limits = { ...WEBHOOK_LIMITS, ...options.limits };
  const webhooks = new Webhooks(options.settings ?? [hookOf()], {
    ...{ log, clock, logger, limits, userAgent: 'test' },
    positions: new FilePositions(options.folder, { clock, saveMs: limits.saveMs, logger }),
    post: (request) => new Promise((answer) => asked.push({ request, answer })),
  });
  onTestFinished(() => webhooks.close());
  const append = (...types: string[]): void => log.append(types.map((type) => draftOf(type)));
  /** What the next POST brings, once it is there. */
  const next = async (): Promise<{
    id: string;
    body: Record<string, unknown>;
    answer: (result: Result) => Promise<void>;
  }> => {
    // What lies on the disk is read in the time of the disk.
    for (const due = Date.now() + 10_000; asked.length === 0 && Date.now() < due; ) await clock.turn();
    const first = asked.shift();
    if (!first) throw new Error('nothing was sent');
    const { headers, body } = first.request;
    const answer = async (result: Result): Promise<void> => {
      first.answer(result);
      await clock.turn(3);
    };
    return { id: headers['X-Qmp-Gateway-Delivery'] ?? '', body: JSON.parse(body) as Record<string, unknown>, answer };
  };
  return { clock, log, webhooks, lines, asked, append, next };
}

const OK: Result = { kind: 'ok' };
const FAILED: Result = { kind: 'failed', why: 'HTTP 500' };
const REJECTED: Result = { kind: 'rejected', why: 'HTTP 400' };

describe('events', () => {
  it('that come after its beginning and match are sent in order, one at a time', async () => {
    const { log, clock, asked, append, next } = open();
    append('WANTED', 'OTHER', 'WANTED');
    const first = await next();
    expect(first.id).toBe('e:1');
    await clock.turn(5);
    expect(asked).toEqual([]);
    await first.answer(OK);
    const second = await next();
    expect([second.id, second.body]).toEqual([
      'e:3',
      { cursor: 'e:3', event: expect.objectContaining({ type: 'WANTED' }) },
    ]);
    await second.answer(OK);
    await clock.turn(5);
    expect([asked.length, log.head]).toEqual([0, 3]);
  });

  it.each<[string, Partial<WebhookSettings>, string[]]>([
    ['types', { types: ['A*'] }, ['e:1', 'e:3']],
    ['sources', { types: ['*'], sources: ['vm2'] }, ['e:2', 'e:3']],
    ['jobs, where they have one', { types: ['*'], jobs: ['j?'] }, ['e:2', 'e:3']],
  ])('are chosen by %s', async (_what, more, expected) => {
    const { log, next } = open({ settings: [hookOf(more)] });
    log.append([
      draftOf('A1', { job: { id: 'other', run: 'r' } }),
      draftOf('B', { source: 'vm2', job: { id: 'j1', run: 'r' } }),
      draftOf('A2', { source: 'vm2' }),
    ]);
    for (const id of expected) {
      const sent = await next();
      expect(sent.id).toBe(id);
      await sent.answer(OK);
    }
  });

  it('are searched for in turn, within a time and a number of entries in one turn of the loop', async () => {
    const clock = new FakeClock();
    const log = new MemoryLog({ clock, epoch: 'e' });
    const reads: number[] = [];
    const read = log.readAfter.bind(log);
    log.readAfter = (offset, limit) => {
      reads.push(limit);
      return read(offset, limit);
    };
    const names = ['w1', 'w2', 'w3'];
    const bench = open({ clock, log, limits: { sliceEntries: 10 }, settings: names.map((name) => hookOf({ name })) });
    await clock.turn(10);
    bench.append(...Array<string>(35).fill('OTHER'), 'WANTED');
    // One wakes them; then one slice of one of them a turn.
    for (let turn = 1; turn <= 13; turn += 1) {
      await clock.turn();
      expect(reads.length).toBeLessThanOrEqual(turn);
    }
    expect(new Set(reads)).toEqual(new Set([10]));
    expect(bench.asked.length).toBe(3);

    const slow = open({ clock, log, settings: [hookOf({ name: 'slow', types: ['NONE'] })] });
    await clock.turn(10);
    reads.length = 0;
    slow.append(...Array<string>(100).fill('OTHER'));
    const now = clock.now.bind(clock);
    clock.now = () => {
      clock.spend(1);
      return now();
    };
    await clock.turn(40);
    expect(reads.length).toBeGreaterThan(20);
  });
});

describe('a receiver that fails', () => {
  it('is told the same event again after a delay, with the number of the attempt; the log has its first error and its recovery', async () => {
    const { clock, webhooks, lines, asked, append, next } = open();
    append('WANTED');
    await (await next()).answer(FAILED);
    await clock.advance(999);
    expect(asked).toEqual([]);
    await clock.advance(1);
    const second = await next();
    expect(second.id).toBe('e:1');
    await second.answer(FAILED);
    await clock.advance(2_000);
    const last = asked[0]?.request.headers['X-Qmp-Gateway-Attempt'];
    expect(last).toBe('3');
    await (await next()).answer(OK);
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
      'a webhook fails: deliveries are tried again',
      'a webhook works again',
    ]);
    expect(lines.join()).not.toMatch(/nobody-logs|path-as-a-secret/);
    expect(webhooks.counts).toMatchObject([{ name: 'w', results: { ok: 1, failed: 2, rejected: 0 }, lagSeconds: 0 }]);
  });

  it('costs no others anything', async () => {
    const { append, next } = open({ settings: [hookOf({ name: 'dead' }), hookOf({ name: 'good' })] });
    append('WANTED', 'WANTED');
    const [dead, good] = [await next(), await next()];
    await good.answer(OK);
    expect((await next()).id).toBe('e:2');
    await dead.answer(FAILED);
  });

  it('that refuses an event three times gets the next one; the first is counted and logged', async () => {
    const { clock, webhooks, lines, append, next } = open();
    append('WANTED', 'WANTED');
    for (const _ of [1, 2, 3]) {
      const sent = await next();
      expect(sent.id).toBe('e:1');
      await sent.answer(REJECTED);
      await clock.advance(5_000);
    }
    expect((await next()).id).toBe('e:2');
    expect(webhooks.counts).toMatchObject([{ deadLetters: 1, results: { rejected: 3 } }]);
    expect(lines.at(-1)).toContain('"delivery":"e:1"');
  });

  it('for so long that its events leave the log is told of the gap first, and loses nothing that is there', async () => {
    const clock = new FakeClock();
    const log = new MemoryLog({ clock, epoch: 'e', limits: { total: 3 } });
    const { webhooks, append, next } = open({ clock, log });
    append('WANTED');
    const first = await next();
    append('WANTED', 'WANTED', 'WANTED', 'WANTED');
    await first.answer(FAILED);
    expect(webhooks.counts[0]?.lagSeconds).toBeGreaterThan(0);
    await clock.advance(2_000);
    const gap = await next();
    expect(gap.body).toEqual({ gap: { from: 'e:0', to: 'e:2', reason: 'retention' } });
    await gap.answer(OK);
    for (const id of ['e:3', 'e:4', 'e:5']) {
      const sent = await next();
      expect(sent.id).toBe(id);
      await sent.answer(OK);
    }
  });
});

it('a gap is announced up to the next event that matches, so that a noisy source does not evict more meanwhile', async () => {
  const clock = new FakeClock();
  const log = new MemoryLog({ clock, epoch: 'e', limits: { total: 10 } });
  const { append, next } = open({ clock, log });
  append('WANTED');
  await (await next()).answer(FAILED);
  append(...Array<string>(20).fill('OTHER'), 'WANTED');
  await clock.advance(2_000);
  const gap = await next();
  expect(gap.body).toEqual({ gap: { from: 'e:0', to: 'e:21', reason: 'retention' } });
  append(...Array<string>(9).fill('OTHER'));
  await gap.answer(OK);
  expect((await next()).id).toBe('e:22');
});

it('a log that begins another epoch: the gap is told, and what comes then', async () => {
  const clock = new TimeInHand();
  const { log } = await openTestDiskLog(newFolder(), { clock });
  const { append, next } = open({ clock, log });
  append('WANTED');
  const sent = await next();
  const [before, cursor] = [log.epoch, log.cursor];
  await sent.answer(OK);
  log.replace();
  const gap = await next();
  expect(gap.body).toEqual({ gap: { from: cursor, to: log.cursor, reason: 'epoch' } });
  await gap.answer(OK);
  append('WANTED');
  expect((await next()).id).toBe(log.cursor);
  expect(log.epoch).not.toBe(before);
});

it('entries that the log has on the disk alone are waited for', async () => {
  const clock = new TimeInHand();
  const { log } = await openTestDiskLog(newFolder(), { clock, limits: { tailBytes: 512 } });
  const { append, next } = open({ clock, log });
  const stopped = await (async () => {
    append('WANTED');
    return next();
  })();
  append(...Array<string>(50).fill('OTHER'), 'WANTED');
  await clock.turn(5);
  await stopped.answer(OK);
  expect((await next()).body).toMatchObject({ event: { type: 'WANTED', offset: 52 } });
});

describe('the position on the disk', () => {
  const fileIn = (folder: string): unknown => {
    const path = join(folder, 'w.json');
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  };

  it('is written once a second at most, and at the end; the next gateway goes on from there', async () => {
    const folder = newFolder();
    const { clock, log, webhooks, append, next } = open({ folder });
    append('WANTED', 'WANTED', 'WANTED');
    await clock.turn(5);
    await clock.advance(1_000);
    await expect.poll(() => fileIn(folder)).toEqual({ cursor: 'e:0' });
    await (await next()).answer(OK);
    expect(fileIn(folder)).toEqual({ cursor: 'e:0' });
    await clock.advance(1_000);
    await expect.poll(() => fileIn(folder)).toEqual({ cursor: 'e:1' });
    await (await next()).answer(OK);
    await webhooks.close();
    expect(fileIn(folder)).toEqual({ cursor: 'e:2' });
    const again = open({ folder, clock, log });
    expect((await again.next()).id).toBe('e:3');
  });

  it('has a gap that was not told yet', async () => {
    const folder = newFolder();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'w.json'), '{"cursor":"f:7"}');
    const first = open({ folder });
    expect((await first.next()).id).toBe('gap:f:7-e:0');
    await first.webhooks.close();
    expect(fileIn(folder)).toEqual({ cursor: 'e:0', gap: { from: 'f:7', reason: 'epoch' } });
    const { append, next } = open({ folder });
    append('WANTED');
    const gap = await next();
    expect(gap.id).toBe('gap:f:7-e:0');
    await gap.answer(OK);
    expect((await next()).id).toBe('e:1');
  });

  it.each(['', 'null', '{"cursor":"x"}', '{"cursor":"e:1","gap":{"from":1,"reason":"epoch"}}'])(
    'that cannot be read (%s) is a gap of unknown beginning',
    async (text) => {
      const folder = newFolder();
      writeFileSync(join(folder, 'w.json'), text);
      expect((await open({ folder }).next()).body).toEqual({ gap: { from: null, to: 'e:0', reason: 'position' } });
    },
  );

  it('of a new webhook is on the disk at once, so that a gateway which is killed then does not begin at another place', async () => {
    const folder = newFolder();
    open({ folder });
    // No time has passed.
    await expect.poll(() => fileIn(folder)).toEqual({ cursor: 'e:0' });
  });

  it('of a webhook that is removed and added again at once is the one that it had', async () => {
    const folder = newFolder();
    const { webhooks, append, next, asked } = open({ folder });
    append('WANTED', 'WANTED');
    await (await next()).answer(OK);
    webhooks.replace([]);
    webhooks.replace([hookOf()]);
    asked.length = 0;
    expect((await next()).id).toBe('e:2');
    webhooks.replace([]);
    webhooks.replace([hookOf()]);
    webhooks.replace([]);
    await webhooks.close();
    expect(fileIn(folder)).toEqual({ cursor: 'e:1' });
  });

  it('that cannot be written is logged once, and tried again', async () => {
    const folder = join(newFolder(), 'sub');
    writeFileSync(folder, 'a file is in its place');
    const { clock, lines, webhooks, append, next } = open({ folder });
    await clock.advance(3_000);
    append('WANTED');
    await (await next()).answer(OK);
    await (await next()).answer(OK);
    await expect.poll(() => lines.length).toBe(2);
    expect(lines[1]).toContain('is not saved');
    for (let second = 0; second < 3; second += 1) await clock.advance(1_000);
    expect(lines).toHaveLength(2);
    rmSync(folder);
    await expect
      .poll(async () => {
        await clock.advance(1_000);
        return fileIn(folder);
      })
      .toEqual({ cursor: 'e:1' });
    await webhooks.close();
  });
});

describe('another configuration', () => {
  it('adds, removes and changes webhooks; one that stays keeps its request, one that changes its position', async () => {
    const { webhooks, asked, append, next } = open({
      settings: [hookOf({ name: 'a' }), hookOf({ name: 'b' }), hookOf({ name: 'c' })],
    });
    append('WANTED', 'OTHER');
    const sent = [await next(), await next(), await next()];
    expect(
      webhooks.replace([hookOf({ name: 'a' }), hookOf({ name: 'b', types: ['OTHER'] }), hookOf({ name: 'd' })]),
    ).toEqual({
      ...{ added: ['d'], removed: ['c'], changed: ['b'] },
    });
    const moved = await next();
    expect(moved.id).toBe('e:2');
    for (const each of sent) await each.answer(OK);
    expect(asked).toEqual([]);
    expect(webhooks.counts.map(({ name }) => name).sort()).toEqual(['a', 'b', 'd']);
    expect(webhooks.counts.find(({ name }) => name === 'a')?.results.ok).toBe(1);
  });
});
