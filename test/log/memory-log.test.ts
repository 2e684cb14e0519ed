// In: entries of several sources under small limits. Out: what the log retains, reads and says to be complete, compared with a plain list.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogLimits, MemoryLog } from '../../src/log/index.js';
import type { Micros } from '../../src/protocol/time.js';
import { FakeClock } from '../support/fake-clock.js';

const SOURCES = ['a', 'b', 'c'];

function open(limits: Partial<LogLimits> = {}): {
  log: MemoryLog;
  add: (source: string, type?: string) => void;
  pass: (ms: number) => void;
} {
  const clock = new FakeClock();
  const log = new MemoryLog({ epoch: 'e', limits, clock });
  return {
    log,
    add: (source, type = 'STOP') => log.append([{ source, type, time: 1 as Micros, data: {} }]),
    pass: (ms) => clock.spend(ms),
  };
}

const offsets = (log: MemoryLog, after = 0): number[] =>
  log.readAfter(after, 1_000).entries.map(({ offset }) => offset);

describe('the log in memory', () => {
  it('numbers entries from 1, and gives each to its followers in the same turn', () => {
    const { log, add } = open();
    const seen: number[] = [];
    log.entries$.subscribe(({ offset }) => seen.push(offset));
    expect(log.head).toBe(0);
    add('a');
    add('b');
    expect(seen).toEqual([1, 2]);
    expect(log.cursor).toBe('e:2');
    expect(JSON.parse(log.readAfter(1, 1).entries[0]?.json ?? '')).toMatchObject({
      offset: 2,
      source: 'b',
      type: 'STOP',
    });
  });

  it('reads in parts, and says how far each is complete', () => {
    const { log, add } = open();
    for (let n = 0; n < 5; n += 1) add('a');
    expect(log.readAfter(1, 2)).toMatchObject({ entries: [{ offset: 2 }, { offset: 3 }], examined: 3 });
    expect(log.readAfter(3, 10)).toMatchObject({ entries: [{ offset: 4 }, { offset: 5 }], examined: 5 });
    expect(log.readAfter(5, 10)).toEqual({ entries: [], examined: 5 });
    expect(
      log.retainsAfter(6, () => true),
      'a position that this log never had',
    ).toBe(false);
  });

  it('a source over its quota loses its own oldest entries alone', () => {
    const { log, add } = open({ perSource: 2 });
    add('quiet');
    for (let n = 0; n < 10; n += 1) add('noisy');
    expect(offsets(log)).toEqual([1, 10, 11]);
    expect(log.retainsAfter(0, (source) => source === 'quiet')).toBe(true);
    expect(log.retainsAfter(8, (source) => source === 'noisy')).toBe(false);
    expect(log.retainsAfter(9, (source) => source === 'noisy')).toBe(true);
  });

  it('entries leave after their age, when the next one comes', () => {
    const { log, add, pass } = open({ ageMs: 100 });
    add('a');
    pass(101);
    add('b');
    expect(offsets(log)).toEqual([2]);
    expect(log.evictedUpTo((source) => source === 'a')).toBe(1);
    expect(log.evictedUpTo((source) => source === 'b')).toBe(0);
  });

  it('keeps at most so many bytes, and counts what it keeps', () => {
    const { log, add } = open({ totalBytes: 500 });
    for (let n = 0; n < 50; n += 1) add('a');
    const { entries } = log.readAfter(0, 100);
    expect(log.status).toMatchObject({
      entries: entries.length,
      bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
    });
    expect(log.status.bytes).toBeLessThanOrEqual(500);
    expect(log.status.entries).toBeGreaterThan(1);
  });

  it('tells how full it is, how old its oldest entry is, and which bound each evicted entry met', () => {
    const { log, add, pass } = open({ perSource: 3, total: 4, totalBytes: 10_000, ageMs: 100 });
    for (let n = 0; n < 4; n += 1) add('a');
    pass(40);
    for (const source of ['b', 'b', 'c']) add(source);
    expect(log.status).toMatchObject({ entries: 4, maxEntries: 4, maxBytes: 10_000, maxAgeMs: 100, waitingBytes: 0 });
    expect(log.status).toMatchObject({ evicted: { source: 1, entries: 2, bytes: 0, age: 0 }, ageMs: 40 });
    pass(61);
    add('c');
    expect(log.status).toMatchObject({ evicted: { source: 1, entries: 2, bytes: 0, age: 1 }, ageMs: 61 });
    const small = open({ totalBytes: 1 });
    small.add('a');
    expect(small.log.status).toMatchObject({ evicted: { source: 0, entries: 0, bytes: 1, age: 0 }, ageMs: 0 });
  });

  it('finds the position before so many matching entries, and ends a search that is too long', () => {
    const { log, add } = open();
    for (let n = 0; n < 10; n += 1) add(n % 2 === 0 ? 'a' : 'b');
    const isB = ({ source }: { source: string }): boolean => source === 'b';
    expect(log.offsetBefore(2, isB, () => false)).toEqual({ offset: 7, truncated: false });
    expect(log.offsetBefore(100, isB, () => false)).toEqual({ offset: 0, truncated: false });
    expect(log.offsetBefore(5, isB, (examined) => examined >= 3)).toEqual({ offset: 7, truncated: true });
  });

  it('whatever comes in whatever order, is a plain list without the oldest', () => {
    const step = fc.oneof(
      fc.record({ add: fc.constantFrom(...SOURCES) }),
      fc.record({ pass: fc.integer({ min: 1, max: 60 }) }),
    );
    const limits = fc.record({
      perSource: fc.integer({ min: 1, max: 8 }),
      total: fc.integer({ min: 1, max: 12 }),
      ageMs: fc.integer({ min: 20, max: 200 }),
    });
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 200 }), (limit, steps) => {
        const { log, add, pass } = open(limit);
        const model: { offset: number; source: string; at: number }[] = [];
        const left: Record<string, number> = {};
        let now = 0;
        let head = 0;
        const evict = (index: number): void => {
          const [gone] = model.splice(index, 1);
          if (gone) left[gone.source] = Math.max(left[gone.source] ?? 0, gone.offset);
        };
        for (const each of steps) {
          if ('pass' in each) {
            now += each.pass;
            pass(each.pass);
            continue;
          }
          head += 1;
          model.push({ offset: head, source: each.add, at: now });
          add(each.add);
          const own = model.filter(({ source }) => source === each.add);
          if (own.length > limit.perSource) evict(model.indexOf(own[0] as (typeof model)[number]));
          while (model.length > limit.total || now - (model[0]?.at ?? now) > limit.ageMs) evict(0);
        }
        expect(offsets(log)).toEqual(model.map(({ offset }) => offset));
        for (const source of SOURCES) {
          expect(log.evictedUpTo((name) => name === source)).toBe(left[source] ?? 0);
          for (let after = 0; after <= head; after += 1)
            expect(log.retainsAfter(after, (name) => name === source)).toBe(after >= (left[source] ?? 0));
        }
      }),
    );
  });
});
