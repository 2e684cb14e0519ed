// Globs, filters and frames.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFilter } from '../../src/gateway/filter.js';
import { encodeFrame } from '../../src/gateway/frame.js';
import { matchesGlob } from '../../src/gateway/glob.js';
import { paginate } from '../../src/gateway/snapshot.js';

describe('globs', () => {
  it.each([
    ['*', '', true],
    ['', '', true],
    ['vm*', 'vm1', true],
    ['vm*', 'VM1', false],
    ['*1', 'vm1', true],
    ['v?1', 'vm1', true],
    ['v?1', 'v1', false],
    ['a*b*c', 'axxbxxc', true],
    ['a*b*c', 'axxbxx', false],
    ['[a]', 'a', false],
    ['a.c', 'abc', false],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
  });

  it('agree with a regular expression', () => {
    const piece = fc.constantFrom('a', 'b', '*', '?');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 }), (p, t) => {
        const [pattern, text] = [p.join(''), t.join('')];
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text);
        expect(matchesGlob(pattern, text)).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  it('are never slow', () => {
    const started = performance.now();
    for (let i = 0; i < 100; i++) matchesGlob(`${'*a'.repeat(127)}b`, 'a'.repeat(256));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('filters', () => {
  const entry = { offset: 1, source: 'vm1', type: 'BLOCK_JOB_READY', time: null, data: {} };
  it('AND fields, OR entries; `jobs` constrains only events with a job', () => {
    const filter = compileFilter({ sources: ['vm*'], jobs: ['drive?'] });
    expect(filter.wants(entry)).toBe(true);
    expect(filter.wants({ ...entry, job: { id: 'drive0', run: 'e:1' } })).toBe(true);
    expect(filter.wants({ ...entry, job: { id: 'other', run: 'e:1' } })).toBe(false);
    expect(filter.wants({ ...entry, source: 'db' })).toBe(false);
  });

  it('have one name for one meaning', () => {
    const id = compileFilter({ sources: ['a', 'b'], types: ['X'] }).id;
    expect(compileFilter({ sources: ['b', 'a', 'b'], types: ['X'] }).id).toBe(id);
    expect(compileFilter({ sources: ['*'], types: ['X'] }).id).toBe(compileFilter({ types: ['X'] }).id);
    expect(compileFilter({ sources: ['a'] }).id).not.toBe(compileFilter({ jobs: ['a'] }).id);
  });
});

describe('frames', () => {
  it.each([0, 125, 126, 65_535, 65_536])('carry %i bytes', (length) => {
    const frame = encodeFrame('x'.repeat(length));
    const [first, second] = frame;
    expect(first).toBe(0x81);
    const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    expect(second).toBe(header === 2 ? length : header === 4 ? 126 : 127);
    expect(frame.length).toBe(header + length);
  });
});

describe('pages', () => {
  it('hold everything once, in order, each below the limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 400 })),
        fc.array(fc.integer({ min: 1, max: 400 })),
        (jobs, settled) => {
          const text = (prefix: string) => (size: number, at: number) =>
            JSON.stringify(`${prefix}${at}${'x'.repeat(size)}`);
          const pages = paginate(jobs.map(text('j')), settled.map(text('s')), 2_048);
          expect(pages.flatMap((page) => JSON.parse(page.jobs))).toHaveLength(jobs.length);
          expect(pages.flatMap((page) => JSON.parse(page.settled))).toHaveLength(settled.length);
          for (const page of pages) expect(page.jobs.length + page.settled.length).toBeLessThan(2_048);
        },
      ),
    );
  });
});
