// What `history` and `show` print of a run.
import { expect, it } from 'vitest';
import { historyColumns } from '../../src/cli/history.js';
import { storyLines } from '../../src/cli/show.js';
import { timesIn } from '../../src/cli/times.js';
import { recordOf } from '../../src/history/record.js';
import type { Job } from '../../src/protocol/types.js';
import { DAY, endedRun } from '../support/run-history.js';

const MIB = 1_048_576;
const record = recordOf(
  endedRun('r:1', 60, {
    settled: { outcome: 'failed', error: 'No space', requestedBy: ['ci', 'ann'], len: 4 * MIB, offset: MIB },
  }),
  DAY,
);

const UTC = timesIn(true);
const historyRow = (run: typeof record) =>
  historyColumns(UTC)
    .filter(({ isWide }) => !isWide)
    .map(({ cell }) => cell(run));

it('a run is a row: when it ended, what it was, how long, how large, who asked, and the error', () => {
  expect(historyRow(record)).toEqual([
    ...['2026-11-25 00:01:00Z', 'vm1', 'j', 'backup', 'failed', '10 s', '4.00 MiB', 'ci, ann', 'No space'],
  ]);
  const bare = { ...record, start: null, durationMs: null, len: null, type: null };
  expect(historyRow(bare).slice(3, 7)).toEqual(['?', 'failed', '?', '?']);
  expect(historyRow({ ...record, outcome: 'lost' })[5]).toBe('?');
});

it('of a run that is lost nobody knows how long it took: its settlement is when that was found', () => {
  const lost = { ...record, outcome: 'lost', provenance: 'unknown' } as const;
  expect(historyRow(lost).slice(4, 6)).toEqual(['lost', '?']);
  const story = { source: 'vm1', job: 'j', run: 'r:1', record: lost, progress: [], entries: [] };
  const figures = storyLines(story, UTC).map((line) => line.replace(/ {2,}/, ': '));
  expect(figures).toContain('end: 2026-11-25 00:01:00Z or before: it was found then');
});

it('a story has the figures, some of the progress, and an event a line', () => {
  const entries = [
    {
      offset: 1,
      source: 'vm1',
      type: 'STOP',
      time: '2026-11-25T00:00:50.000000Z',
      job: { id: 'j', run: 'r:1' },
      data: {},
    },
  ];
  const story = { source: 'vm1', job: 'j', run: 'r:1', progress: [[5_000, MIB, 4 * MIB] as const], entries };
  const lines = storyLines({ ...story, record, truncated: true }, UTC);
  const figures = lines.map((line) => line.replace(/ {2,}/, ': '));
  expect(figures.slice(0, 3)).toEqual(['job: j of vm1', 'run: r:1', 'type: backup']);
  expect(figures).toEqual(
    expect.arrayContaining([
      'start: 2026-11-25 00:00:50Z',
      'end: 2026-11-25 00:01:00Z, after 10 s',
      'outcome: failed',
      'asked by: ci, ann',
      'after 5.0 s: 25.0 %, 1.00 MiB of 4.00 MiB',
    ]),
  );
  expect(lines.at(-1)).toBe('2026-11-25 00:00:50.000Z  vm1  STOP  j');
  expect(lines).toContain('(some of its events are no longer in the log, or left out)');
  const missing = [{ reason: 'retention', after: 'e:1', upTo: 'e:9' }, { reason: 'epoch' }] as const;
  expect(storyLines({ ...story, record, truncated: true, missing }, UTC)).toEqual(
    expect.arrayContaining([
      '(its events after e:1 up to e:9 have left the log)',
      '(its events are of a log before this one)',
    ]),
  );
  expect(storyLines(story, UTC).join('\n')).toMatch(/^status +it has not ended$/m);
});

it('a story of a live run has its type, and its figures the unit of it', () => {
  const story = { source: 'vm1', job: 'j', run: 'r:1', progress: [[5_000, MIB, 4 * MIB] as const], entries: [] };
  const live = { type: 'mirror', status: 'running' } as Job;
  const figures = storyLines(story, UTC, live).map((line) => line.replace(/ {2,}/, ': '));
  expect(figures.slice(2, 5)).toEqual([
    'type: mirror',
    'status: running: it has not ended',
    'after 5.0 s: 25.0 %, 1.00 MiB of 4.00 MiB',
  ]);
});
