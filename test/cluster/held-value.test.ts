// A value that members share: who has the lock replaces it, and who had it before is refused.
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { HeldValue } from '../../src/cluster/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryLocks } from '../support/memory-locks.js';
import { MemoryValues } from '../support/memory-values.js';

let clock: FakeClock;
let locks: MemoryLocks;
let values: MemoryValues;
let told: string[];

beforeEach(() => {
  clock = new FakeClock();
  locks = new MemoryLocks();
  values = new MemoryValues();
  told = [];
});

function open(member: string): HeldValue {
  const times = { ttlMs: 3_000, letGoMs: 8_000, retryMs: 500, saveMs: 1_000 };
  const value = new HeldValue(
    { name: 'w', member, locks, values, clock, ...times },
    {
      held: (found) => told.push(`${member} held ${JSON.stringify(found)}`),
      lost: () => told.push(`${member} lost`),
      failing: (error) => told.push(`${member} ${(error as Error).message}`),
    },
  );
  onTestFinished(() => value.close());
  return value;
}

const saved = (): unknown => (JSON.parse(values.texts.get('w')?.text ?? '{}') as { value?: unknown }).value;

describe('a value of all members', () => {
  it('is one member’s, and goes on from what that has saved when it closes', async () => {
    const first = open('a');
    await clock.turn();
    open('b');
    first.save(1);
    await clock.turn();
    first.save(2);
    await first.close();
    await clock.advance(1_000);
    expect(told).toEqual(['a held undefined', 'b held 2']);
  });

  it('is saved at once the first time, then once in a while, the newest of several', async () => {
    const value = open('a');
    await clock.turn();
    value.save(1);
    await clock.turn();
    expect(saved()).toBe(1);
    for (let n = 2; n < 9; n += 1) value.save(n);
    await clock.turn();
    expect([saved(), values.writes]).toEqual([1, 1]);
    await clock.advance(1_000);
    expect([saved(), values.writes]).toEqual([8, 2]);
  });

  it('is refused to a former holder that has not heard that its lock is gone', async () => {
    const first = open('a');
    await clock.turn();
    first.save(1);
    await clock.turn();
    locks.expire('w');
    open('b');
    await clock.turn(2);
    expect(told).toEqual(['a held undefined', 'b held 1']);
    first.save(2);
    await first.close();
    expect(saved()).toBe(1);
  });

  it('tells its former holder, by the write that is refused', async () => {
    const first = open('a');
    await clock.turn();
    first.save(1);
    await clock.turn();
    first.save(2);
    // The renewal of its lock is due in the same moment, and comes later.
    values.texts.set('w', { text: '{"holder":"another","value":7}', revision: 99 });
    await clock.advance(1_000);
    expect([told, saved()]).toEqual([['a held undefined', 'a lost'], 7]);
  });

  it('goes on when the answer to its write was lost', async () => {
    const value = open('a');
    await clock.turn();
    value.save(1);
    await clock.turn();
    values.losesAnswers = 1;
    value.save(2);
    await clock.advance(1_000);
    value.save(3);
    await clock.advance(3_000);
    expect([told, saved()]).toEqual([['a held undefined', 'a timeout'], 3]);
  });

  it('is taken once NATS answers, and can be read by nobody before', async () => {
    values.isAway = true;
    open('a');
    await clock.advance(2_000);
    values.isAway = false;
    await clock.advance(1_000);
    expect(told).toEqual(['a NATS can not be reached', 'a held undefined']);
  });

  it('that can not be read is said to be so', async () => {
    values.texts.set('w', { text: 'no JSON', revision: 1 });
    open('a');
    await clock.turn(2);
    expect(told).toEqual(['a held null']);
  });
});
