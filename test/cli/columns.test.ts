// Tables within the width of a terminal: the figures always stand.
import { describe, expect, it } from 'vitest';
import { shorten, tableOf } from '../../src/cli/columns.js';
import { jobLines } from '../../src/cli/get.js';
import { JOB_COLUMNS, JOB_ORDERS, selects, sortJobs } from '../../src/cli/job-columns.js';
import { withTypes } from '../../src/cli/job-types.js';
import { timesIn } from '../../src/cli/times.js';
import { tableOf as tableFromCut } from '../../src/client/index.js';
import type { Job } from '../../src/protocol/types.js';

const GIB = 2 ** 30;
const jobOf = (job: string, more: Partial<Job> = {}): Job => ({
  source: 'vm1',
  job,
  run: `r:${job}`,
  type: 'mirror',
  status: 'running',
  len: 100 * GIB,
  offset: 50 * GIB,
  speed: 0,
  updated: '2026-11-29T08:00:00.000000Z',
  ...more,
});
const tableFrom = (jobs: Job[]) => tableFromCut({ jobs, settled: [], sources: [], cursor: 'e:1' });
const NARROW = JOB_COLUMNS.filter(({ isWide }) => !isWide);
const LONG = `libvirt-7-format-${'x'.repeat(120)}-disk17`;

it('a job without figures has none: it is not 0 of 0, and its limit is not known', () => {
  const cells = (job: Job) =>
    JOB_COLUMNS.filter(({ head }) => ['DONE', 'PROGRESS', 'LIMIT'].includes(head)).map(({ cell }) => cell(job));
  expect(cells(jobOf('a', { len: 0, offset: 0 }))).toEqual(['—', '—', '—']);
  expect(cells(jobOf('a', { offset: 0 }))).toEqual(['0.0 %', '0 B / 100 GiB', 'unlimited']);
  expect(jobLines(jobOf('a', { len: 0, offset: 0 }), timesIn(true))).toEqual(
    expect.arrayContaining(['done    —', 'limit   —']),
  );
});

it('a run that has ended and left QEMU has no status of before, waits for nobody and has no verbs', () => {
  const settled = { outcome: 'lost', provenance: 'unknown', pivoted: false, requestedBy: [], dismissed: true };
  const lines = jobLines(jobOf('a', { settled: settled as never }), timesIn(true));
  expect(lines).toEqual(expect.arrayContaining(['status  ended', 'verbs   none']));
  expect(lines.join('\n')).not.toContain('waits for');
});

it('a job has no verbs that its source lacks', () => {
  const source = { verbs: ['abort', 'complete', 'setSpeed'] as const };
  expect(jobLines(jobOf('a'), timesIn(true), source)).toContain('verbs   speed abort');
  expect(jobLines(jobOf('a'), timesIn(true))).toContain('verbs   pause speed abort');
});

it('a type that is asked for brings the figures where a row has none, and no older ones', () => {
  const found = [jobOf('a', { len: 10, offset: 5, speed: 7 })];
  const of = (job: Job) => withTypes(tableFrom([job]), found).jobs.get('r:a');
  expect(of(jobOf('a', { type: null, len: 0, offset: 0 }))).toMatchObject({ type: 'mirror', len: 10, speed: 7 });
  expect(of(jobOf('a', { type: null, len: 10, offset: 8 }))).toMatchObject({ type: 'mirror', offset: 8, speed: 0 });
});

describe('a table', () => {
  it.each([80, 60])('of %d columns has every figure beside the longest names', (columns) => {
    const jobs = [jobOf(LONG, { source: `tenant-a.${'y'.repeat(100)}.example` }), jobOf('a')];
    const lines = tableOf(NARROW, jobs, { columns });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    expect(lines[0]).toMatch(/^SOURCE +JOB .*STATUS +DONE +PROGRESS/);
    for (const line of lines.slice(1)) expect(line).toMatch(/running +50\.0 % +50\.0 GiB \/ 100 GiB/);
    expect(lines[1]).toMatch(/^tenan\S*…\S*ample +libvi\S*…\S*sk17/);
  });

  it('leaves out the columns that matter least first', () => {
    const heads = (columns: number) => tableOf(NARROW, [jobOf('drive0')], { columns })[0]?.split(/ {2,}/);
    expect(heads(100)).toEqual(
      expect.arrayContaining(['SOURCE', 'JOB', 'TYPE', 'STATUS', 'DONE', 'PROGRESS', 'LIMIT', 'RUN']),
    );
    expect(heads(75)).not.toContain('RUN');
    expect(heads(75)).toContain('LIMIT');
  });

  it('is as long as it is where nothing bounds it, and can do without headings', () => {
    const [row, ...more] = tableOf(JOB_COLUMNS, [jobOf(LONG)], { hasHead: false });
    expect(row).toContain(LONG);
    expect(more).toEqual([]);
    expect(tableOf(JOB_COLUMNS, [], { hasHead: false })).toEqual([]);
  });

  it('escapes a control character of a cell, and paints around the text alone', () => {
    const columns = [
      { head: 'A', cell: (text: string) => text, colour: () => 'red' as const },
      { head: 'B', cell: () => 'b' },
    ];
    expect(tableOf(columns, ['x\n\u001b[2J'])).toEqual(['A             B', 'x\\n\\u001b[2J  b']);
    expect(tableOf(columns, ['x', 'yy'], { hasColour: true, hasHead: false })).toEqual([
      '\u001b[31mx\u001b[0m   b',
      '\u001b[31myy\u001b[0m  b',
    ]);
  });

  it('shortens in the middle', () => {
    expect(shorten('abcdefghij', 7)).toBe('abc…hij');
    expect(shorten('abc', 7)).toBe('abc');
  });
});

describe('jobs', () => {
  const jobs = [
    jobOf('b', { status: 'ready', offset: 100 * GIB }),
    jobOf('a', { type: 'backup', len: GIB, offset: 0 }),
    jobOf('c', { ioStatus: 'nospace' }),
  ];
  const names = (list: readonly Job[]) => list.map(({ job }) => job).join('');

  it.each([
    [{}, 'bac'],
    [{ job: ['[ab]', 'c'] }, 'c'],
    [{ type: ['m*'] }, 'bc'],
    [{ status: ['ready' as const] }, 'b'],
    [{ waiting: true }, 'bc'],
    [{ source: ['vm2'] }, ''],
  ])('that %j selects are "%s"', (filter, expected) => {
    expect(names(jobs.filter(selects(filter)))).toBe(expected);
  });

  it('are sorted by each order, and then by their names', () => {
    const sorted = Object.fromEntries(JOB_ORDERS.map((order) => [order, names(sortJobs(jobs, order))]));
    expect(sorted).toEqual({ name: 'abc', type: 'abc', status: 'acb', done: 'bca', size: 'bca', left: 'cab' });
  });
});
