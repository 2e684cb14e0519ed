// Verdicts as people and programs get them.
import { describe, expect, it } from 'vitest';
import { CLAUSES } from '../../src/conformance/clauses/index.js';
import { clauseLines, summary, verdictLines, verdictObject } from '../../src/conformance/report.js';
import type { Verdict } from '../../src/conformance/verdict.js';

const plain = { width: 80, hasColour: false };
const clause = { id: 'x', section: 'Events', sentence: 'exactly once', run: async () => undefined };
const failed: Verdict = { status: 'failed', why: 'it came twice', transcript: ['→ {"id":1}', '← \u001b[31mred'] };

describe('the report', () => {
  it('has a mark, the section and the sentence, and for a failure why and the last messages', () => {
    expect(verdictLines({ clause, verdict: { status: 'passed' } }, plain)).toEqual(['✓ Events           exactly once']);
    expect(verdictLines({ clause, verdict: failed }, plain)).toEqual([
      '✗ Events           exactly once',
      '  it came twice',
      '  → {"id":1}',
      '  ← \\u001b[31mred',
      '  --clause x tries it alone',
    ]);
    expect(verdictLines({ clause, verdict: { status: 'not tried', why: 'no job' } }, plain)).toEqual([
      '- Events           exactly once',
      '  not tried: no job',
    ]);
  });

  it('is at most as wide as the terminal, whatever the server has sent', () => {
    const wide: Verdict = { status: 'failed', why: 'w'.repeat(300), transcript: [`← ${'x y'.repeat(90)}`] };
    for (const verdict of [wide, { status: 'passed' } as const])
      for (const each of CLAUSES)
        for (const line of [...verdictLines({ clause: each, verdict }, plain), ...clauseLines(each, plain)])
          expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it('has colours only where they are wanted', () => {
    const coloured = verdictLines({ clause, verdict: failed }, { width: 80, hasColour: true });
    expect(coloured[0]).toBe('\u001b[31m✗ Events           exactly once\u001b[0m');
    expect(verdictLines({ clause, verdict: failed }, plain).join('')).not.toContain('\u001b');
  });

  it('counts the verdicts', () => {
    expect(summary([{ status: 'passed' }, failed, { status: 'passed' }])).toBe('2 passed, 1 failed, 0 not tried');
  });

  it('is one object for programs', () => {
    expect(verdictObject({ clause, verdict: failed })).toEqual({
      id: 'x',
      section: 'Events',
      sentence: 'exactly once',
      ...failed,
    });
  });
});
