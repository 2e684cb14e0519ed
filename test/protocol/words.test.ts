import { describe, expect, it } from 'vitest';
import type { PivotProof, Settlement } from '../../src/protocol/types.js';
import {
  describeAbort,
  describeGap,
  describePivot,
  describeProof,
  describeReason,
  describeTimeout,
  formatAmount,
  formatBytes,
  formatDuration,
  formatLimit,
  formatPercent,
  formatRate,
  refuserOf,
  shareDone,
  summarizeSettlement,
} from '../../src/protocol/words.js';

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '0.98 KiB'],
    [1_048_576, '1.00 MiB'],
    [20 * 1_048_576, '20.0 MiB'],
    [999.7 * 1_048_576, '0.98 GiB'],
    [2 ** 63, '8.00 EiB'],
  ])('%d bytes are %s', (count, text) => expect(formatBytes(count)).toBe(text));

  it('count bytes for block jobs only', () => {
    expect(formatRate(1_048_576, 'mirror')).toBe('1.00 MiB/s');
    expect(formatRate(12, 'create')).toBe('12/s');
    expect(formatAmount(324_256_454, null)).toBe('324M');
  });

  it('accept decimal strings beyond 2^53', () => {
    expect(shareDone({ len: '9223372036854775807', offset: '4611686018427387904' })).toBeCloseTo(0.5);
    expect(formatLimit('9223372036854775807')).toBe('8.00 EiB/s');
    expect(formatLimit(0)).toBe('unlimited');
  });

  it('call a full length whole only where nothing more is copied', () => {
    const whole = shareDone({ len: 100, offset: 100 });
    for (const state of ['created', 'running', 'paused'] as const) expect(formatPercent(whole, state)).toBe('99.9 %');
    for (const state of ['waiting', 'pending', 'concluded', 'cancelled'] as const)
      expect(formatPercent(whole, state)).toBe('100 %');
    expect(formatPercent(0.999_99, 'pending')).toBe('99.9 %');
    expect(formatPercent(shareDone({ len: 0, offset: 0 }), 'running')).toBe('—');
    expect(formatPercent(0.149_99, 'running')).toBe('14.9 %');
  });

  it.each([
    [0, '0 ms'],
    [4_200, '4.2 s'],
    [9_960, '10 s'],
    [59_700, '1 min 00 s'],
    [192_000, '3 min 12 s'],
    [7_500_000, '2 h 05 min'],
    [360_000_000, '4 d 4 h'],
  ])('%d ms last %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('an abort', () => {
  it.each([
    [{ status: 'running', type: 'mirror' }, 'stops the job'],
    [{ status: 'ready', type: 'mirror' }, 'finishes the copy'],
    [{ status: 'ready', type: 'commit' }, 'finishes the copy'],
    [{ status: 'standby', type: 'mirror' }, 'refuses to cancel a job that stands still'],
    [{ status: 'paused', type: 'create' }, 'stops the job'],
    [{ status: 'aborting', type: 'backup' }, 'ending already'],
  ] as const)('of %j says what it would do: %s', (job, words) => {
    expect(describeAbort(job, false)).toContain(words);
  });

  it('of a job that stands still names no way that its source does not have', () => {
    const job = { status: 'paused', type: 'mirror' } as const;
    expect(describeAbort(job, false, { verbs: ['abort', 'complete', 'setSpeed'] })).toContain('who has paused it');
    expect(describeAbort(job, false, { verbs: ['abort', 'resume'] })).toContain('Use force, or resume it');
  });

  it('by force says that the copy is lost, and of a job that is ending that there is nothing to abort', () => {
    expect(describeAbort({ status: 'ready', type: 'commit' }, true)).toContain('not usable');
    expect(describeAbort({ status: 'concluded', type: 'commit' }, true)).toContain('ended');
  });
});

describe('an ending', () => {
  it('does not let an unknown pivot pass for a known one', () => {
    expect(describePivot('unknown')).toBe("It is not known whether the disk switched to the copy: don't delete it.");
    expect(describePivot(true)).not.toBe(describePivot(false));
  });

  it.each<[PivotProof | undefined, string | undefined]>([
    ['graph', 'block graph'],
    ['event', 'cancelled'],
    ['type', 'of this type'],
    ['command', 'job.complete'],
    [null, undefined],
    [undefined, undefined],
  ])('known by %j says how: %s', (proof, words) => {
    const text = describeProof(proof);
    if (words === undefined) expect(text).toBeUndefined();
    else expect(text).toContain(words);
  });

  const plain: Settlement = {
    ...{ outcome: 'cancelled', provenance: 'observed', pivoted: false, pivotProof: 'event' },
    ...{ forced: false, escalated: false, requestedBy: [], dismissed: true, type: 'mirror', len: 1, offset: 0 },
  };
  it.each<[string, Partial<Settlement>]>([
    ['cancelled', {}],
    ['cancelled, requested by a, b', { requestedBy: ['a', 'b'] }],
    ['cancelled, escalated to force, requested by a', { forced: true, escalated: true, requestedBy: ['a'] }],
    ['lost (unknown), pivot unknown', { outcome: 'lost', provenance: 'unknown', pivoted: 'unknown' }],
    ['completed, disk switched, holds its id', { outcome: 'completed', pivoted: true, dismissed: false }],
    ['failed (reconciled): EIO', { outcome: 'failed', provenance: 'reconciled', error: 'EIO' }],
  ])('on one line is "%s"', (text, settlement) => {
    expect(summarizeSettlement({ ...plain, ...settlement })).toBe(text);
  });
});

it('a reason of a later gateway is shown by its name', () => {
  expect(describeReason('absent')).toContain('No such socket');
  expect(describeReason('tired' as 'absent')).toBe('The reason is "tired".');
  expect(describeReason('tired' as 'absent', 'libvirt')).toBe('The reason is "tired".');
  expect(describeGap('epoch')).toContain('a new log');
  expect(describeGap('tired' as 'epoch')).toBe('The reason is "tired".');
});

it('of a domain of libvirt a reason says what libvirtd is to it', () => {
  expect(describeReason('unreachable', 'libvirt')).toContain('libvirtd is not there');
  expect(describeReason('absent', 'libvirt')).toBe('The domain is not running.');
  expect(describeReason('restarted', 'libvirt')).toBe(describeReason('restarted'));
  expect([refuserOf('VIR_ERR_55'), refuserOf('GenericError'), refuserOf(undefined)]).toEqual([
    'libvirt',
    'QEMU',
    'QEMU',
  ]);
});

it.each([
  [true, 'stays in force'],
  [false, 'will have none'],
  [null, 'may still carry it out'],
  [undefined, 'may still carry it out'],
])('a passed bound with accepted: %s says "%s"', (accepted, words) => {
  expect(describeTimeout(accepted)).toContain(words);
});
