// When live runs began, by the events that the page receives and by the log, with a client that only notes its subscriptions.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { openStarts } from '../../demo-client/src/gateway/starts.js';
import type { Client, Observer, SubscribeFilter } from '../../src/client/index.js';
import type { Entry } from '../../src/protocol/types.js';
import { jobOf, tableOf } from './fixtures.js';

const TIME = '2026-11-29T12:00:00.000000Z';
const entry = (offset: number, run: string, type = 'JOB_STATUS_CHANGE'): Entry => ({
  ...{ offset, source: 'vm1', type, time: TIME, job: { id: 'x', run } },
  data: type === 'JOB_STATUS_CHANGE' ? { id: 'x', status: 'created' } : {},
});

function noting() {
  const asked: { filter: SubscribeFilter; observer: Observer; isOpen: boolean }[] = [];
  const client = {
    state: { phase: 'open', since: 0 },
    subscribe(filter: SubscribeFilter, observer: Observer) {
      const one = { filter, observer, isOpen: true };
      asked.push(one);
      return {
        unsubscribe: () => {
          one.isOpen = false;
        },
      };
    },
  };
  const told: string[] = [];
  return { asked, told, starts: openStarts(client as unknown as Client, (runs) => told.push(...runs)) };
}

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

describe('when a run began', () => {
  it('is known from the event that began it, and not from a later one', () => {
    const { starts, told } = noting();
    const table = tableOf([jobOf({ run: 'r1', began: 'e:5' }), jobOf({ run: 'r2', began: 'e:2' })]);
    starts.note(table, [entry(5, 'r1'), entry(6, 'r1'), entry(7, 'r2')]);
    expect([...starts.starts]).toEqual([['r1', { at: Date.parse(TIME), wasFound: false }]]);
    expect(told).toEqual(['r1']);
  });

  it('is read from right before the oldest, once, until all are there', () => {
    const { asked, told, starts } = noting();
    const jobs = [jobOf({ run: 'r1', began: 'e:50' }), jobOf({ run: 'r2', began: 'e:9' })];
    starts.want(jobs);
    starts.want(jobs);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.filter).toMatchObject({ after: 'e:8', sources: ['vm1'] });
    asked[0]?.observer.events?.([entry(9, 'r2', 'GATEWAY_JOB_FOUND'), entry(10, 'r2')], 'e:10');
    expect(asked[0]?.isOpen).toBe(true);
    asked[0]?.observer.events?.([entry(50, 'r1')], 'e:50');
    expect(asked[0]?.isOpen).toBe(false);
    expect(starts.starts.get('r2')).toEqual({ at: Date.parse(TIME), wasFound: true });
    expect(starts.starts.get('r1')).toEqual({ at: Date.parse(TIME), wasFound: false });
    expect(told).toEqual(['r2', 'r1']);
  });

  it('is read for 32 jobs at a time', () => {
    const { asked, starts } = noting();
    starts.want(Array.from({ length: 40 }, (_, n) => jobOf({ job: `d${n}`, run: `r${n}`, began: `e:${n + 1}` })));
    expect(asked).toHaveLength(1);
    expect(asked[0]?.filter.jobs).toHaveLength(32);
    asked[0]?.observer.gap?.({ reason: 'retention', after: 'e:0', cursor: 'e:90' });
    expect(asked.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    expect(asked[1]?.filter.jobs).toHaveLength(8);
  });

  it('is asked again where the gateway did not send it in time', () => {
    const { asked, starts } = noting();
    const job = jobOf({ run: 'r1', began: 'e:5' });
    starts.want([job]);
    vi.advanceTimersByTime(5_000);
    expect(asked[0]?.isOpen).toBe(false);
    starts.want([job]);
    expect(asked).toHaveLength(2);
  });
});
