// A webhook in the settings of two members of a cluster: one posts it, and the other goes on from where that one was.
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { MemoryLog } from '../../src/log/index.js';
import type { WebhookBuckets } from '../../src/nats/index.js';
import { SharedPositions } from '../../src/shared-positions.js';
import { WEBHOOK_LIMITS, type WebhookSettings, Webhooks } from '../../src/webhooks/index.js';
import { draftOf } from '../support/disk-log.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryLocks } from '../support/memory-locks.js';
import { MemoryValues } from '../support/memory-values.js';

const SAVE_MS = 1_000;
const TTL_MS = 3_000;
const LET_GO_MS = 8_000;
const SETTINGS: WebhookSettings = {
  ...{ name: 'w', url: 'https://hooks.example/', secret: 'a-secret-that-nobody-logs', types: ['WANTED'] },
  ...{ sources: undefined, jobs: undefined, format: 'plain', allowPrivate: false },
};

let clock: FakeClock;
let locks: MemoryLocks;
let values: MemoryValues;
/** Of the stream: every edge has the same entries, under the same offsets. */
let logs: MemoryLog[];
/** `MEMBER CURSOR` of each POST. */
let posted: string[];

beforeEach(() => {
  clock = new FakeClock();
  locks = new MemoryLocks();
  values = new MemoryValues();
  logs = [];
  posted = [];
});

interface Member {
  webhooks: Webhooks;
  log: MemoryLog;
  /** Whether POSTs are answered at once. */
  answers: boolean;
  /** Answers the last one. */
  answer: () => void;
  /** NATS does not answer it. */
  isCutOff: boolean;
}

/** What a member has of NATS. */
function bucketsOf(member: Member): WebhookBuckets {
  const reached = <T>(call: () => Promise<T>): Promise<T> =>
    member.isCutOff ? Promise.reject(new Error('no answer')) : call();
  return {
    locks: {
      take: (name) => reached(() => locks.take(name)),
      renew: (...given) => reached(() => locks.renew(...given)),
      release: (...given) => reached(() => locks.release(...given)),
    },
    positions: {
      read: (...given) => reached(() => values.read(...given)),
      write: (...given) => reached(() => values.write(...given)),
    },
  };
}

async function open(name: string, answers = true, buckets = async (member: Member) => bucketsOf(member)) {
  const log = new MemoryLog({ clock, epoch: 'e' });
  logs.push(log);
  const logger = { info: () => undefined, warn: () => undefined };
  const member: Member = { log, answers, answer: () => undefined, isCutOff: false, webhooks: undefined as never };
  const times = { ttlMs: TTL_MS, letGoMs: LET_GO_MS, retryMs: 500, saveMs: SAVE_MS };
  member.webhooks = new Webhooks([SETTINGS], {
    ...{ log, clock, logger, userAgent: 'test', limits: WEBHOOK_LIMITS },
    positions: new SharedPositions({ member: name, clock, logger, buckets: () => buckets(member), ...times }),
    post: ({ headers }) => {
      posted.push(`${name} ${headers['X-Qmp-Gateway-Delivery']}`);
      return new Promise((resolve) => {
        member.answer = () => resolve({ kind: 'ok' });
        if (member.answers) member.answer();
      });
    },
  });
  onTestFinished(() => member.webhooks.close());
  await clock.turn(30);
  return member;
}

async function append(...types: string[]): Promise<void> {
  for (const log of logs) log.append(types.map((type) => draftOf(type)));
  await clock.turn(30);
}

describe('a webhook of several members', () => {
  it('is posted by one of them, and the other has no lag', async () => {
    const first = await open('a', false);
    const second = await open('b');
    await append('WANTED', 'OTHER', 'WANTED');
    await clock.advance(2 * TTL_MS);
    expect(posted).toEqual(['a e:1']);
    expect(first.webhooks.counts[0]?.lagSeconds).toBeGreaterThan(1);
    expect(first.webhooks.counts[0]?.isPosting).toBe(true);
    expect(second.webhooks.counts).toEqual([
      { name: 'w', results: { ok: 0, failed: 0, rejected: 0 }, deadLetters: 0, isPosting: false, lagSeconds: 0 },
    ]);
  });

  it('is handed over by one that closes: nothing is lost, and nothing comes twice', async () => {
    const first = await open('a');
    await open('b');
    await append('WANTED', 'WANTED');
    const closed = first.webhooks.close();
    await append('WANTED');
    await closed;
    await clock.advance(TTL_MS);
    await append('WANTED');
    expect(posted).toEqual(['a e:1', 'a e:2', 'b e:3', 'b e:4']);
  });

  it('is taken over from the position that was saved, so that nothing is lost, and what came after it is posted again', async () => {
    const first = await open('a');
    await open('b');
    await append('WANTED');
    await clock.advance(SAVE_MS);
    first.isCutOff = true;
    await append('WANTED');
    locks.expire('w');
    await clock.advance(TTL_MS / 3);
    await append('WANTED');
    expect(posted.filter((each) => each.startsWith('b'))).toEqual(['b e:2', 'b e:3']);
  });

  it('is posted no more by a member that is cut off, once it may not renew its lock any more', async () => {
    const first = await open('a');
    await append('WANTED');
    first.isCutOff = true;
    await clock.advance(LET_GO_MS + TTL_MS);
    await append('WANTED');
    expect(posted).toEqual(['a e:1']);
    first.isCutOff = false;
    locks.expire('w');
    await clock.advance(TTL_MS);
    await append('WANTED');
    expect(new Set(posted)).toEqual(new Set(['a e:1', 'a e:2', 'a e:3']));
  });

  it('is posted no more by a former holder that wakes up, and its position is the next holder’s', async () => {
    const first = await open('a', false);
    await open('b');
    await append('WANTED', 'WANTED');
    first.isCutOff = true;
    locks.expire('w');
    await clock.advance(TTL_MS / 3);
    await clock.turn(30);
    expect(posted).toEqual(['a e:1', 'b e:1', 'b e:2']);
    first.isCutOff = false;
    first.answers = true;
    first.answer();
    await clock.advance(2 * TTL_MS);
    await append('WANTED');
    expect(posted.filter((each) => each.endsWith('e:3'))).toEqual(['b e:3']);
    await clock.advance(SAVE_MS);
    expect(values.texts.get('w')?.text).toContain('"cursor":"e:3"');
  });

  it('has the settings that its next holder was given while it was another’s', async () => {
    const first = await open('a');
    const second = await open('b');
    expect(second.webhooks.replace([{ ...SETTINGS, types: ['OTHER'] }]).changed).toEqual(['w']);
    await first.webhooks.close();
    await clock.advance(TTL_MS);
    await append('WANTED', 'OTHER');
    expect(posted).toEqual(['b e:2']);
  });

  it('is left to the others by a member whose settings have it no more', async () => {
    const first = await open('a');
    await open('b');
    await append('WANTED');
    first.webhooks.replace([]);
    await clock.advance(TTL_MS);
    await append('WANTED');
    expect([posted, first.webhooks.counts]).toEqual([['a e:1', 'b e:2'], []]);
  });

  it('waits at an edge that is behind the position, and goes on after it', async () => {
    const first = await open('a');
    const late = await open('b');
    logs = [first.log];
    await append('WANTED', 'WANTED');
    late.log.retainsAfter = () => true;
    await first.webhooks.close();
    await clock.advance(TTL_MS);
    logs = [late.log];
    for (let n = 0; n < 3; n += 1) await append('WANTED');
    expect(posted).toEqual(['a e:1', 'a e:2', 'b e:3']);
  });

  it('waits for the buckets, which another member makes', async () => {
    let isThere = false;
    const buckets = (member: Member) =>
      isThere ? Promise.resolve(bucketsOf(member)) : Promise.reject(new Error('stream not found'));
    await open('a', true, buckets);
    await clock.advance(TTL_MS);
    isThere = true;
    await clock.advance(TTL_MS);
    await append('WANTED');
    expect(posted).toEqual(['a e:1']);
  });
});
