// Which entries of the log `audit` takes, and the rows that it makes of them.
import { expect, it } from 'vitest';
import { auditRows, selectAudited } from '../../src/cli/audit-rows.js';
import { parseSince, timesIn } from '../../src/cli/times.js';
import type { Entry } from '../../src/protocol/types.js';

const ALL = { source: () => true, job: () => true, by: () => true };
let offset = 0;
const entry = (type: string, data: object, more: object = {}): Entry => ({
  offset: ++offset,
  source: 'vm1',
  type,
  time: `2026-11-29T08:00:${String(offset % 60).padStart(2, '0')}.000000Z`,
  job: { id: 'j', run: 'r:1' },
  data,
  ...more,
});
const command = (name: string, verb: string, by: string, args: object = {}) =>
  entry('GATEWAY_COMMAND', { command: name, verb, by, args });
const answered = (name: string, result: string, error?: string) =>
  entry('GATEWAY_COMMAND_ANSWERED', { command: name, result, ...(error && { error }) });
const settled = (requestedBy: string[]) =>
  entry('GATEWAY_JOB_SETTLED', {
    ...{ outcome: 'cancelled', provenance: 'observed', pivoted: false, escalated: false, requestedBy, dismissed: true },
  });

it('takes commands with their answers and the ends that somebody asked for, and nothing else', () => {
  const log = [
    entry('BLOCK_JOB_READY', {}),
    command('c1', 'pause', 'ann'),
    answered('c1', 'accepted'),
    command('c2', 'abort', 'bob', { force: true }),
    answered('c2', 'refused', 'no'),
    settled([]),
    settled(['bob']),
  ];
  const types = (filter: object) => selectAudited(log, { ...ALL, ...filter }).map(({ type }) => type.slice(8));
  expect(types({})).toEqual([...['COMMAND', 'COMMAND_ANSWERED', 'COMMAND', 'COMMAND_ANSWERED', 'JOB_SETTLED']]);
  expect(types({ by: (name: string) => name === 'bob' })).toEqual(['COMMAND', 'COMMAND_ANSWERED', 'JOB_SETTLED']);
  expect(types({ source: (name: string) => name === 'vm2' })).toEqual([]);
  expect(types({ job: (name: string) => name === 'k' })).toEqual([]);
  // The command lies before it, its answer does not.
  expect(types({ since: Date.parse(log[2]?.time ?? '') })).toEqual(['COMMAND', 'COMMAND_ANSWERED', 'JOB_SETTLED']);
});

it('has a row for each command, with its answer and, of a verb that ends a run, the outcome', () => {
  const rows = auditRows(
    selectAudited(
      [
        command('c1', 'pause', 'ann'),
        answered('c1', 'accepted'),
        command('c2', 'abort', 'bob', { force: true }),
        answered('c2', 'refused', 'no\u001b'),
        settled(['bob']),
        command('c3', 'complete', 'eve'),
        entry(
          'GATEWAY_COMMAND',
          { command: 'c4', verb: 'abort', by: 'eve', args: {} },
          { job: { id: 'k', run: 'r:2' } },
        ),
      ],
      ALL,
    ),
    timesIn(true),
  );
  expect(rows.map((row) => row.slice(1))).toEqual([
    ['ann', 'pause', 'vm1', 'j', 'accepted', ''],
    ['bob', 'abort --force', 'vm1', 'j', 'refused: no\\u001b', 'cancelled, requested by bob'],
    ['eve', 'complete', 'vm1', 'j', 'none yet', 'cancelled, requested by bob'],
    ['eve', 'abort', 'vm1', 'k', 'none yet', 'not ended yet'],
  ]);
});

it('an end whose command has left the log has a row of its own', () => {
  const [row = []] = auditRows(selectAudited([settled(['ann', 'bob'])], ALL), timesIn(true));
  expect(row.slice(1, 3)).toEqual(['ann, bob', '(before)']);
});

it('--since is a span before now, or a time', () => {
  const now = Date.parse('2026-11-29T08:00:00Z');
  expect(parseSince('30m', now)).toBe(now - 30 * 60_000);
  expect(parseSince('2h', now)).toBe(now - 2 * 3_600_000);
  expect(parseSince('3d', now)).toBe(now - 3 * 86_400_000);
  expect(parseSince('2026-11-29T07:00:00Z', now)).toBe(now - 3_600_000);
  for (const text of ['soon', '-3h', '3', '2026-99-99']) expect(() => parseSince(text, now), text).toThrow('expected');
});
