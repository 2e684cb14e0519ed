// What clauses about events decide without a server.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { increasing, isWanted, matches, sameEntries } from '../../src/conformance/streams.js';
import { compileGlob } from '../../src/protocol/glob.js';
import type { Entry } from '../../src/protocol/types.js';

const entry = (offset: number, job?: string): Entry => ({
  offset,
  source: 'vm1',
  type: 'BLOCK_JOB_READY',
  time: null,
  ...(job !== undefined && { job: { id: job, run: 'r' } }),
  data: {},
});

describe('the clauses about events', () => {
  it('match globs as the gateway does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', 'é'), maxLength: 8 });
    fc.assert(fc.property(text, text, (glob, value) => matches(glob, value) === compileGlob(glob)(value)));
  });

  it('apply `jobs` to events of a job alone', () => {
    expect(isWanted({ jobs: ['x*'] }, entry(1))).toBe(true);
    expect(isWanted({ jobs: ['x*'] }, entry(1, 'x1'))).toBe(true);
    expect(isWanted({ jobs: ['x*'] }, entry(1, 'y1'))).toBe(false);
    expect(isWanted({ types: ['BLOCK_*'], sources: ['vm2'] }, entry(1))).toBe(false);
  });

  it('find the first difference of two streams', () => {
    expect(() => sameEntries([entry(1), entry(2)], [entry(1), entry(2)])).not.toThrow();
    expect(() => sameEntries([entry(1), entry(2)], [entry(1)])).toThrow(/"offset":2.* got nothing/);
    expect(() => sameEntries([entry(1)], [entry(1, 'x')])).toThrow(/expected/);
  });

  it('find an offset that does not increase', () => {
    expect(() => increasing([entry(1), entry(3)])).not.toThrow();
    expect(() => increasing([entry(1), entry(1)])).toThrow(/at offset 1 comes after one at 1/);
  });
});
