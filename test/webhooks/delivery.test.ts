// What a webhook does next: each step by itself, and every history that a log and a receiver may have.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCursor } from '../../src/protocol/cursor.js';
import {
  afterResult,
  type Delivery,
  deliveryFrom,
  type LogView,
  moveTo,
  nextStep,
  type Result,
  skip,
} from '../../src/webhooks/delivery.js';
import { WEBHOOK_LIMITS as LIMITS } from '../../src/webhooks/limits.js';

const ok: Result = { kind: 'ok' };
const refused: Result = { kind: 'rejected', why: 'HTTP 400' };
const failed: Result = { kind: 'failed', why: 'HTTP 500' };
const DAY = 24 * 3_600_000;

const logOf = (more: Partial<LogView> = {}): LogView => ({
  ...{ epoch: 'e', head: 10, retainsAfter: () => true, resumeAt: () => 0 },
  ...more,
});
const at = (offset: number): Delivery => deliveryFrom({ epoch: 'e', offset });
const next = (delivery: Delivery, log: LogView, now = 0) => nextStep(delivery, log, now, LIMITS);
const answered = (delivery: Delivery, result: Result, now = 0, random = 0) =>
  afterResult(delivery, { kind: 'entry', offset: delivery.position.offset + 1 }, result, {
    now,
    random,
    limits: LIMITS,
  });

describe('the next step', () => {
  it('is a search while the log has more, and nothing at its newest entry', () => {
    expect(next(at(9), logOf())).toEqual({ kind: 'search' });
    expect(next(at(10), logOf())).toEqual({ kind: 'idle' });
  });

  it.each<[string, Partial<LogView>, object]>([
    ['retention', { retainsAfter: () => false, resumeAt: () => 7 }, { epoch: 'e', offset: 7 }],
    ['epoch', { epoch: 'f', resumeAt: () => 5 }, { epoch: 'f', offset: 5 }],
  ])('after a loss by %s leaves out what is gone, and announces that first', (reason, log, to) => {
    const step = next(at(3), logOf(log));
    expect(step).toEqual({ kind: 'skip', to, reason });
    const delivery = skip(at(3), step as never, 0);
    expect(delivery).toMatchObject({ position: to, gap: { from: 'e:3', reason } });
    const { epoch, offset } = to as { epoch: string; offset: number };
    expect(next(delivery, logOf({ epoch }))).toEqual({ kind: 'search' });
    expect(next(delivery, logOf({ epoch, head: offset }))).toEqual({ kind: 'gap' });
    // Of what comes after it not one refusal has been counted.
    expect(skip({ ...at(3), rejections: 2 }, step as never, 0).rejections).toBe(0);
  });

  it('after a day without a success gives up what waits, and again a day later, as one gap', () => {
    const { delivery } = answered(at(3), failed, 1_000);
    expect(next(delivery, logOf(), 1_000 + DAY - 1)).toEqual({ kind: 'search' });
    const step = next(delivery, logOf(), 1_000 + DAY);
    expect(step).toEqual({ kind: 'skip', to: { epoch: 'e', offset: 10 }, reason: 'failing' });
    const given = skip(delivery, step as never, 1_000 + DAY);
    expect(next(given, logOf(), 1_000 + DAY)).toEqual({ kind: 'gap' });
    expect(next(given, logOf({ head: 11 }), 1_000 + DAY)).toEqual({ kind: 'search' });
    const still = afterResult(given, { kind: 'gap' }, failed, { now: 1_000 + DAY, random: 0, limits: LIMITS }).delivery;
    const later = skip(still, next(still, logOf({ head: 20 }), 1_000 + 2 * DAY) as never, 1_000 + 2 * DAY);
    expect(later).toMatchObject({ position: { offset: 20 }, gap: { from: 'e:3', reason: 'failing' } });
    const { delivery: told, change } = afterResult(later, { kind: 'gap' }, ok, { now: 0, random: 0, limits: LIMITS });
    expect([told.gap, told.position.offset, change]).toEqual([undefined, 20, 'recovered']);
  });
});

describe('an answer', () => {
  it('2xx moves the position', () => {
    expect(answered(at(3), ok)).toEqual({ delivery: at(4), change: 'none' });
  });

  it('4xx three times makes a dead letter, and the next entry is its turn', () => {
    const [first, second] = [answered(at(3), refused), answered(answered(at(3), refused).delivery, refused)];
    expect([first.change, second.change]).toEqual(['failing', 'none']);
    expect(second.delivery.position.offset).toBe(3);
    expect(answered(second.delivery, refused)).toEqual({ delivery: at(4), change: 'dead-letter' });
  });

  it('that fails is tried again after a delay that doubles from 1 s to 5 min, with half of it random', () => {
    let delivery = at(3);
    const delays = [...Array(12)].map((_, n) => {
      delivery = answered(delivery, failed, 0, n % 2 === 0 ? 0 : 0.999_999_999).delivery;
      return Math.round(delivery.retryAt / 1_000);
    });
    expect(delays).toEqual([1, 2, 2, 8, 8, 32, 32, 128, 128, 300, 150, 300]);
    expect(next(delivery, logOf(), 1_000)).toEqual({ kind: 'wait', ms: expect.closeTo(299_000, 0) });
  });

  it('with Retry-After is followed up to an hour, and never before the back-off', () => {
    const retryAt = (retryAfterMs: number): number => answered(at(3), { ...failed, retryAfterMs }).delivery.retryAt;
    expect([0, 30_000, 2 * DAY].map(retryAt)).toEqual([1_000, 30_000, 3_600_000]);
  });
});

it('whatever log and receiver do, each entry is delivered, a dead letter or in a gap that was announced, and the order stays', () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), wanted: fc.boolean() }) },
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('answer' as const), result: fc.constantFrom(ok, ok, refused, failed) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('evict' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('epoch' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: DAY }) }) },
  );
  type Action = typeof action extends fc.Arbitrary<infer Each> ? Each : never;
  const run = (actions: Action[]): void => {
    let [epoch, head, floor, now] = ['e0', 0, 0, 0];
    const wanted = new Set<number>();
    const accounted: number[] = [];
    let delivery = deliveryFrom({ epoch, offset: 0 });
    let gapFrom: number | undefined;
    const view = (): LogView => ({ epoch, head, retainsAfter: (offset) => offset >= floor, resumeAt: () => floor });
    /** Everything up to the next POST, then its answer. */
    const answer = (result: Result): void => {
      for (;;) {
        const step = nextStep(delivery, view(), now, LIMITS);
        if (step.kind === 'idle') return;
        if (step.kind === 'wait') {
          expect(step.ms).toBeGreaterThan(0);
          expect(step.ms).toBeLessThanOrEqual(LIMITS.retryAfterMs);
          now += step.ms;
        } else if (step.kind === 'skip') {
          gapFrom ??= delivery.position.offset;
          delivery = skip(delivery, step, now);
          expect(parseCursor(delivery.gap?.from ?? '')?.offset).toBe(gapFrom);
        } else {
          let offset = delivery.position.offset + 1;
          while (offset <= head && !wanted.has(offset)) offset += 1;
          delivery = moveTo(delivery, offset - 1);
          if (delivery.gap) return announce(result);
          if (offset > head) continue;
          const { delivery: next } = afterResult(delivery, { kind: 'entry', offset }, result, given());
          if (next.position.offset === offset) accounted.push(offset);
          delivery = next;
          return;
        }
      }
    };
    const given = () => ({ now, random: 0.5, limits: LIMITS });
    const announce = (result: Result): void => {
      delivery = afterResult(delivery, { kind: 'gap' }, result, given()).delivery;
      if (delivery.gap) return;
      for (const offset of wanted)
        if (offset > (gapFrom ?? 0) && offset <= delivery.position.offset) accounted.push(offset);
      gapFrom = undefined;
    };
    for (const each of actions) {
      if (each.kind === 'append') {
        head += 1;
        if (each.wanted) wanted.add(head);
      } else if (each.kind === 'evict') floor = Math.max(floor, Math.floor(each.share * head));
      else if (each.kind === 'epoch') {
        epoch = `e${Number(epoch.slice(1)) + 1}`;
        floor = head;
      } else if (each.kind === 'pass') now += each.ms;
      else answer(each.result);
    }
    for (let left = 2 * actions.length + 5; left > 0; left -= 1) answer(ok);
    expect(accounted).toEqual([...wanted].sort((a, b) => a - b));
  };
  fc.assert(fc.property(fc.array(action, { maxLength: 120 }), run), { numRuns: 500 });
});
