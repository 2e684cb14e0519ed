// What the page says about a job: verbs, attention, endings, and runs whose end was not seen.
import { describe, expect, it } from 'vitest';
import { attentionOf } from '../../demo-client/src/model/fleet/attention.js';
import { ABORT_FORM, mayBeInForce, planAbort, refusalText } from '../../demo-client/src/model/run/abort.js';
import { abortText, finalizedBy } from '../../demo-client/src/model/run/outcome.js';
import { findRun } from '../../demo-client/src/model/run/run.js';
import { judgeOrphans, orphansOf } from '../../demo-client/src/model/run/unseen.js';
import type { Entry, SettledRun } from '../../src/protocol/types.js';
import { endOf, jobOf, tableOf } from './fixtures.js';

describe('attention', () => {
  it('marks what waits for a person, and nothing else', () => {
    const mark = (job: Parameters<typeof jobOf>[0]) => attentionOf(jobOf(job))?.mark;
    expect(mark({})).toBeUndefined();
    expect(mark({ status: 'paused' })).toBeUndefined();
    expect(mark({ status: 'paused', ioStatus: 'failed' })).toBe('error');
    expect(mark({ status: 'pending' })).toBe('pending');
    expect(mark({ status: 'ready' })).toBe('ready');
    expect(mark({ status: 'concluded', settled: endOf('x', { dismissed: false }).settled })).toBe('undismissed');
    expect(mark({ status: 'concluded', settled: endOf('x').settled })).toBeUndefined();
    // Its end is being read: there is nothing to do.
    expect(mark({ status: 'concluded' })).toBeUndefined();
    expect(mark({ ioStatus: 'ok' })).toBeUndefined();
  });
});

describe('an abort', () => {
  const at = { source: 'vm1', job: 'drive0', run: 'e:1' };

  it('is planned from its form', () => {
    const params = { ...at, sync: true, timeoutMs: 30_000, force: false };
    expect(planAbort(at, ABORT_FORM)).toEqual({ ok: true, params });
    expect(planAbort(at, { ...ABORT_FORM, mode: 'return', boundSeconds: '0.5', escalateSeconds: '5' })).toEqual({
      ok: true,
      params: { ...params, sync: false, timeoutMs: 500, escalateAfterMs: 5_000 },
    });
    // -32602 otherwise: force leaves nothing to escalate to
    expect(planAbort(at, { ...ABORT_FORM, force: true, escalateSeconds: '5' })).toEqual({
      ok: true,
      params: { ...params, force: true },
    });
  });

  it.each(['', '0', '0.05', '3601', 'x'])('is not sent with the bound %j', (boundSeconds) => {
    expect(planAbort(at, { ...ABORT_FORM, boundSeconds })).toMatchObject({ ok: false, field: 'bound' });
  });

  it('says what happened, not what was requested', () => {
    const asked = { force: false, wasInSync: true, sent: true };
    const end = endOf('x').settled;
    expect(abortText(end, asked)).toContain('completed instead');
    expect(abortText({ ...end, pivoted: 'unknown' }, asked)).toContain('not known whether the disk switched');
    expect(abortText({ ...end, pivoted: true }, asked)).toContain('another client had completed it');
    expect(abortText(end, { ...asked, force: true })).toContain('before the cancel');
    expect(abortText({ ...end, outcome: 'lost' }, asked)).toContain('How it ended is unknown');
    expect(abortText({ ...end, outcome: 'cancelled', escalated: true }, asked)).toContain('escalated');
    expect(abortText(end, { ...asked, sent: false })).toContain('Not by this abort');
  });

  it('says of a timeout what QEMU had accepted', () => {
    expect(refusalText('TIMEOUT', '', { accepted: true })).toContain('stays in force');
    expect(refusalText('TIMEOUT', '', { accepted: false })).toContain('will have none');
    expect(refusalText('TIMEOUT', '', { accepted: null })).toContain('may still carry it out');
    expect(refusalText('JOB_STATE', '', { status: 'paused', hint: 'Use force.' })).toContain('Use force.');
  });
});

it.each([
  ['TIMEOUT', { accepted: null }, true],
  ['TIMEOUT', { accepted: true }, true],
  ['TIMEOUT', { accepted: false }, false],
  ['NO_ANSWER', { sent: true }, true],
  ['NO_ANSWER', { sent: false }, false],
  ['CONNECTION_LOST', {}, true],
  ['OUTCOME_UNKNOWN', {}, true],
  ['JOB_STATE', {}, false],
  ['SOURCE_DOWN', {}, false],
])('after %s %j the cancel may be in force: %s', (reason, data, expected) =>
  expect(mayBeInForce(reason, data)).toBe(expected),
);

describe('an ending', () => {
  const command = (verb: string, by: string): Entry => ({
    ...{ offset: 1, source: 'vm1', type: 'GATEWAY_COMMAND', time: null },
    data: { verb, by, args: {} },
  });

  it('names the principal that finalized it', () => {
    expect(finalizedBy([command('pause', 'a'), command('finalize', 'b'), command('finalize', 'b')])).toEqual(['b']);
  });
});

describe('the run of an address', () => {
  const at = (run: string | undefined) => ({ source: 'vm1', job: 'drive0', run });
  const live = tableOf([jobOf()], [endOf('old')]);
  const unseen = new Map<string, SettledRun>();
  const find = (table: typeof live, run: string | undefined) => findRun({ table, unseen }, at(run));

  it('is the live one where none is named', () =>
    expect(find(live, undefined)).toMatchObject({ kind: 'known', run: 'e:drive0' }));
  it('is the one that ended last where none is named and none is live', () => {
    const ended = [1, 2].map((n) => ({ ...endOf(`x${n}`), job: 'drive0' }));
    expect(find(tableOf([], ended), undefined)).toMatchObject({ kind: 'known', run: 'e:x2', ended: ended[1] });
  });
  it('is the named one, live or ended', () => {
    expect(find(live, 'e:drive0')).toMatchObject({ kind: 'known', job: jobOf() });
    expect(find(live, 'e:old')).toMatchObject({ kind: 'known', ended: endOf('old') });
  });
  it('that is not in the table is requested, and the newest of its id is the closest', () => {
    expect(find(live, 'f:7')).toEqual({ kind: 'unknown', job: jobOf(), ended: undefined, waits: false });
    const ended = [1, 2].map((n) => ({ ...endOf(`x${n}`), job: 'drive0' }));
    expect(find(tableOf([], ended), 'f:7')).toEqual({ kind: 'unknown', job: undefined, ended: ended[1], waits: false });
  });
  it('may come when its source is in sync', () => {
    expect(find(tableOf([], [], { vm1: 'connecting' }), 'f:7')).toMatchObject({ kind: 'unknown', waits: true });
    expect(find(tableOf([]), undefined)).toMatchObject({ kind: 'unknown', waits: false });
  });
});

describe('after a reset', () => {
  const before = tableOf([jobOf({ job: 'stays' }), jobOf({ job: 'goes' }), jobOf({ job: 'copy', type: 'backup' })]);

  it('nothing is said before the source is in sync', () => {
    const after = tableOf([], [], { vm1: 'connecting' });
    const orphans = orphansOf(before, after);
    expect(judgeOrphans(orphans, after)).toEqual({ open: orphans, lost: [] });
  });

  it('a job that is there again is no loss; one that is not ended unknown', () => {
    const after = tableOf([jobOf({ job: 'stays', run: 'f:1' })]);
    const { open, lost } = judgeOrphans(orphansOf(before, after), after);
    expect(open).toEqual([]);
    expect(lost.map(({ job }) => job)).toEqual(['goes', 'copy']);
    expect(lost.map(({ settled }) => [settled.outcome, settled.provenance, settled.pivoted])).toEqual([
      ['lost', 'unknown', 'unknown'],
      ['lost', 'unknown', false],
    ]);
  });

  it('a job that was there again is no loss when it ends, be it at once', () => {
    const connecting = tableOf([], [], { vm1: 'connecting' });
    const orphans = orphansOf(before, connecting).filter(({ job }) => job === 'stays');
    const again = judgeOrphans(orphans, tableOf([jobOf({ job: 'stays', run: 'f:1' })]));
    expect(again).toEqual({ open: [], lost: [] });
    const ended = { ...endOf('stays'), job: 'stays' };
    expect(judgeOrphans(orphans, tableOf([], [ended]))).toEqual({ open: [], lost: [] });
  });

  it('what the gateway itself knows the end of is no orphan', () => {
    expect(orphansOf(before, tableOf([], [endOf('goes')])).map(({ job }) => job)).toEqual(['stays', 'copy']);
  });
});
