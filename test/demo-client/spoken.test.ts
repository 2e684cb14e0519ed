// What a screen reader hears of the jobs.
import { describe, expect, it } from 'vitest';
import { spokenBetween } from '../../demo-client/src/model/events/spoken.js';
import { endOf, jobOf, tableOf } from './fixtures.js';

const many = (count: number, from = 0) => Array.from({ length: count }, (_, n) => jobOf({ job: `d${n + from}` }));

describe('what is read out', () => {
  it('is one sentence of counts, however much has changed', () => {
    const after = tableOf(many(2_000, 10), [endOf('x'), endOf('y'), endOf('z', { outcome: 'failed' })]);
    expect(spokenBetween(tableOf(many(1_000)), after)).toBe(
      '1,010 jobs began, 1 job failed, 2 jobs completed. 2,000 jobs active, 0 need you.',
    );
  });

  it('is nothing where only figures and states have moved', () => {
    const after = tableOf([jobOf({ job: 'd0', offset: 50, status: 'ready' })]);
    expect(spokenBetween(tableOf(many(1)), after)).toBeUndefined();
  });

  it('has jobs that need a person, and sources that are lost', () => {
    const stopped = jobOf({ job: 'd0', status: 'paused', ioStatus: 'failed' });
    expect(spokenBetween(tableOf(many(1)), tableOf([stopped]))).toBe('1 job active, 1 needs you.');
    const down = tableOf(many(1), [], { vm1: 'down' });
    expect(spokenBetween(tableOf(many(1)), down)).toContain('1 source not connected any more.');
  });

  it('after a reset does not take every job for a new one', () => {
    const after = { ...tableOf(many(3)), cursor: 'f:1' };
    expect(spokenBetween(tableOf(many(1)), after)).toBe('The jobs were read anew. 3 jobs active, 0 need you.');
  });
});
