// Globs, filters and frames.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ALL_GRANTS } from '../../src/access/index.js';
import { compileFilter } from '../../src/gateway/fan-out/filter.js';
import { paginate } from '../../src/gateway/fan-out/snapshot.js';
import { encodeFrame } from '../../src/gateway/wire/frame.js';
import { compileGlob } from '../../src/protocol/glob.js';

const matchesGlob = (pattern: string, text: string): boolean => compileGlob(pattern)(text);

/** Two pointers and one backtrack point. */
function naive(pattern: string, text: string): boolean {
  let [p, t, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    const char = pattern[p];
    if (char === '*') {
      star = p++;
      mark = t;
    } else if (char === '?' || (char !== undefined && char === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

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

  it('agree with a naive matcher on long names, across the words of the search', () => {
    const piece = fc.constantFrom('a', 'a', 'b', '?', '?', '*');
    const char = fc.constantFrom('a', 'a', 'a', 'b', 'é');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.array(char, { minLength: 20, maxLength: 140 }),
        fc.nat(140),
        (p, t, at) => {
          const text = t.join('');
          expect(matchesGlob(p.join(''), text)).toBe(naive(p.join(''), text));
          // A pattern made of the text's own middle: it fits, or nearly.
          const part = text.slice(at, at + p.length);
          const near = [...part].map((each, n) => (p[n] === '?' ? '?' : each)).join('');
          expect(matchesGlob(`*${near}*`, text)).toBe(true);
          expect(matchesGlob(`*${near}b*`, text)).toBe(naive(`*${near}b*`, text));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('take the steps of their bound at most, whatever the pattern', () => {
    // A backtracking matcher takes 500 steps for each character of the text.
    const text = 'a'.repeat(1_000);
    for (const pattern of [
      `*${'?'.repeat(500)}a${'?'.repeat(500)}b`,
      `*${'a?'.repeat(250)}b*`,
      `${'*a'.repeat(500)}b`,
      `*${'a'.repeat(500)}b*`,
    ]) {
      const matches = compileGlob(pattern);
      const spies = (['charCodeAt', 'indexOf'] as const).map((name) => vi.spyOn(String.prototype, name));
      const found = matches(text);
      const steps = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
      for (const spy of spies) spy.mockRestore();
      expect(found).toBe(false);
      expect(steps, pattern.slice(0, 20)).toBeLessThan(2 * (text.length + (pattern.length * text.length) / 31));
    }
  });
});

describe('filters', () => {
  const entry = { offset: 1, source: 'vm1', type: 'BLOCK_JOB_READY', time: null, data: {} };
  it('AND fields, OR entries; `jobs` constrains only events with a job', () => {
    const filter = compileFilter({ sources: ['vm*'], jobs: ['drive?'] }, ALL_GRANTS);
    expect(filter.wants(entry)).toBe(true);
    expect(filter.wants({ ...entry, job: { id: 'drive0', run: 'e:1' } })).toBe(true);
    expect(filter.wants({ ...entry, job: { id: 'other', run: 'e:1' } })).toBe(false);
    expect(filter.wants({ ...entry, source: 'db' })).toBe(false);
  });

  it('keep the name that they had before there were grants, where everything is granted', () => {
    const filter = { sources: ['vm1'], types: ['BLOCK_JOB_*', 'GATEWAY_COMMAND*', 'GATEWAY_JOB_SETTLED'] };
    expect(compileFilter(filter, ALL_GRANTS).id).toBe('VyM7LDgcc31qzNt_');
  });

  it('have another name for other grants, whatever else is the same', () => {
    const granted = (id: string, tag?: number): string => compileFilter({}, { ...ALL_GRANTS, id }, tag).id;
    const ids = [granted(''), granted('1'), granted('2'), granted('', 1), granted('1', 1)];
    expect(new Set(ids).size).toBe(ids.length);
    expect(compileFilter({}, ALL_GRANTS, 1).under({ ...ALL_GRANTS, id: '1' }).id).toBe(ids[4]);
  });

  it('have one name for one meaning', () => {
    const id = compileFilter({ sources: ['a', 'b'], types: ['X'] }, ALL_GRANTS).id;
    expect(compileFilter({ sources: ['b', 'a', 'b'], types: ['X'] }, ALL_GRANTS).id).toBe(id);
    expect(compileFilter({ sources: ['*'], types: ['X'] }, ALL_GRANTS).id).toBe(
      compileFilter({ types: ['X'] }, ALL_GRANTS).id,
    );
    expect(compileFilter({ sources: ['a'] }, ALL_GRANTS).id).not.toBe(compileFilter({ jobs: ['a'] }, ALL_GRANTS).id);
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
