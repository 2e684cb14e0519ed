// The job state machine as a pure function: any sequence of inputs leaves it in a legal state, and each run settles exactly once.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJobEvent } from '../../src/jobs/event.js';
import type { JobDraft } from '../../src/jobs/journal.js';
import type { Run } from '../../src/jobs/run.js';
import type { Shown } from '../../src/jobs/shown.js';
import { JOB_STATUSES, TRANSITIONS } from '../../src/jobs/status.js';
import { type JobInput, step } from '../../src/jobs/step.js';
import type { JobStatus, Settlement } from '../../src/protocol/index.js';
import type { QmpEvent } from '../../src/qmp/index.js';

const measures = { type: 'mirror', device: 'j', len: 100, offset: 50, speed: 0 };
const raise = (type: string, data: unknown): JobInput => {
  const event: QmpEvent = { type, time: null, data };
  const job = readJobEvent(event);
  if (!job) throw new Error(`not a job event: ${type}`);
  return { kind: 'event', event, signal: job.signal };
};
const status = (value: JobStatus | 'null'): JobInput => raise('JOB_STATUS_CHANGE', { id: 'j', status: value });
const shown = (value: JobStatus, more: Partial<Shown> = {}): JobInput => ({
  kind: 'shown',
  shown: {
    id: 'j',
    type: 'mirror',
    status: value,
    len: 100,
    offset: 50,
    speed: 0,
    ioStatus: 'ok',
    autoDismiss: true,
    autoFinalize: true,
    ...more,
  },
});
const command = (verb: 'abort' | 'complete', phase: 'written' | 'accepted' | 'refused', force = false): JobInput => ({
  kind: 'command',
  verb,
  phase,
  by: 'me',
  force,
  escalation: false,
});

/** Feeds inputs as a ledger would; returns the last run and all entries. */
function play(
  inputs: readonly JobInput[],
  legacy = false,
): { run: Run | undefined; drafts: JobDraft[]; settled: Settlement[] } {
  let run: Run | undefined;
  const drafts: JobDraft[] = [];
  for (const input of inputs) {
    const head = drafts.length;
    const next = step(run, input, {
      source: 's',
      id: 'j',
      runAt: (nth) => `e:${head + nth + 1}`,
      now: () => 1,
      legacy,
    });
    run = next.run;
    drafts.push(...next.drafts);
  }
  const settled = drafts.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED').map(({ data }) => data as Settlement);
  return { run, drafts, settled };
}

const life = [status('created'), status('running')];
const ending = [status('concluded'), status('null')];

describe('a life', () => {
  it('is numbered by the event that began it', () => {
    const { drafts } = play([...life, status('null'), ...life]);
    expect(drafts.map(({ type, job }) => [type, job.run])).toEqual([
      ['JOB_STATUS_CHANGE', 'e:1'],
      ['JOB_STATUS_CHANGE', 'e:1'],
      ['JOB_STATUS_CHANGE', 'e:1'],
      ['GATEWAY_JOB_SETTLED', 'e:1'],
      ['JOB_STATUS_CHANGE', 'e:5'],
      ['JOB_STATUS_CHANGE', 'e:5'],
    ]);
  });

  it.each<[string, JobInput[], Partial<Settlement>]>([
    [
      'completed',
      [raise('BLOCK_JOB_COMPLETED', measures), ...ending],
      { outcome: 'completed', provenance: 'observed', pivoted: 'unknown' },
    ],
    [
      'failed',
      [status('aborting'), raise('BLOCK_JOB_COMPLETED', { ...measures, error: 'No space' }), ...ending],
      { outcome: 'failed', error: 'No space', pivoted: false },
    ],
    [
      'cancelled',
      [status('aborting'), raise('BLOCK_JOB_CANCELLED', measures), ...ending],
      { outcome: 'cancelled', provenance: 'observed', requestedBy: [] },
    ],
    ['never started', [status('aborting'), ...ending], { outcome: 'failed', provenance: 'observed' }],
    [
      'without block-job events',
      [status('waiting'), status('pending'), ...ending],
      { outcome: 'completed', provenance: 'observed' },
    ],
    [
      'gone while the gateway was blind',
      [{ kind: 'blind' }, { kind: 'absent' }],
      { outcome: 'lost', provenance: 'unknown' },
    ],
    ['gone with its QEMU', [{ kind: 'gone' }], { outcome: 'lost', provenance: 'unknown' }],
    [
      'told, then gone',
      [raise('BLOCK_JOB_COMPLETED', measures), { kind: 'blind' }, { kind: 'absent' }],
      { outcome: 'completed', provenance: 'observed' },
    ],
    [
      'concluded while blind, with an error',
      [{ kind: 'blind' }, shown('concluded', { error: 'EIO' })],
      { outcome: 'failed', provenance: 'reconciled', error: 'EIO', dismissed: false },
    ],
    [
      'concluded while blind',
      [{ kind: 'blind' }, shown('concluded')],
      { outcome: 'completed', provenance: 'reconciled', dismissed: false },
    ],
    ['missed twice by a query', [{ kind: 'absent' }, { kind: 'absent' }], { outcome: 'lost', provenance: 'unknown' }],
  ])('%s', (_, inputs, expected) => {
    const { settled } = play([...life, ...inputs]);
    expect(settled).toHaveLength(1);
    expect(settled[0]).toMatchObject(expected);
  });

  it('that begins and ends in one step is settled and remembered too', () => {
    const context = { source: 's', id: 'j', runAt: (nth: number) => `e:${nth + 1}`, now: () => 1, legacy: false };
    const { run, settled } = step(undefined, status('null'), context);
    expect(run).toBeUndefined();
    expect(settled).toMatchObject([{ run: 'e:1', settled: { outcome: 'lost', provenance: 'unknown' } }]);
  });

  it('is legacy: without JOB_STATUS_CHANGE the outcome event is the end', () => {
    const { settled, run } = play(
      [shown('running'), raise('BLOCK_JOB_READY', measures), raise('BLOCK_JOB_COMPLETED', measures)],
      true,
    );
    expect(settled).toMatchObject([{ outcome: 'completed' }]);
    expect(run).toBeUndefined();
  });
});

describe('a pivot', () => {
  const done = [raise('BLOCK_JOB_COMPLETED', measures), ...ending];
  const ready = [...life, status('ready'), raise('BLOCK_JOB_READY', measures)];
  it.each<[string, JobInput[], Settlement['pivoted']]>([
    ['our soft cancel was accepted', [command('abort', 'written'), command('abort', 'accepted')], false],
    ['our soft cancel has no reply yet', [command('abort', 'written')], 'unknown'],
    ['our complete was accepted', [command('complete', 'written'), command('complete', 'accepted')], true],
    ['our complete was refused', [command('complete', 'written'), command('complete', 'refused')], 'unknown'],
    ['nobody of ours asked', [], 'unknown'],
    [
      'both',
      [
        command('complete', 'written'),
        command('complete', 'accepted'),
        command('abort', 'written'),
        command('abort', 'accepted'),
      ],
      'unknown',
    ],
    [
      'a stray command',
      [command('abort', 'written'), command('abort', 'accepted'), { kind: 'stray', by: 'x' }],
      'unknown',
    ],
  ])('where %s: %s', (_, inputs, pivoted) => {
    expect(play([...ready, ...inputs, ...done]).settled).toMatchObject([{ outcome: 'completed', pivoted }]);
  });
});

describe('after a blind spell', () => {
  const blind: JobInput = { kind: 'blind' };
  const before = [...life, shown('running', { offset: 50 })];
  it('a job that contradicts nothing is assumed to be the same', () => {
    const { run, drafts } = play([...before, blind, shown('ready', { offset: 60 })]);
    expect(run?.run).toBe('e:1');
    expect(drafts.at(-1)).toMatchObject({
      type: 'GATEWAY_JOB_FOUND',
      job: { run: 'e:1' },
      data: { continuity: 'assumed', status: 'ready' },
    });
  });
  it.each<[string, JobInput]>([
    ['another type', shown('running', { type: 'backup', offset: 60 })],
    ['less progress', shown('running', { offset: 40 })],
    ['a status of the past', shown('created', { offset: 60 })],
    ['a new creation', status('created')],
  ])('%s is another life', (_, input) => {
    const { run, settled } = play([...before, blind, input]);
    expect(settled).toMatchObject([{ outcome: 'lost', provenance: 'unknown' }]);
    expect(run?.run).not.toBe('e:1');
  });
  it('whatever is heard of a concluded job but its removal is another life', () => {
    const kept = [
      ...life,
      shown('ready', { autoDismiss: false }),
      raise('BLOCK_JOB_COMPLETED', measures),
      status('concluded'),
      blind,
    ];
    const { settled, run } = play([
      ...kept,
      raise('BLOCK_JOB_ERROR', { device: 'j', operation: 'write', action: 'report' }),
      status('aborting'),
      raise('BLOCK_JOB_COMPLETED', { ...measures, error: 'x' }),
      status('concluded'),
    ]);
    expect(settled).toMatchObject([{ outcome: 'completed', dismissed: false }]);
    expect(run?.run).not.toBe('e:1');
    expect(play([...kept, status('null')]).settled).toHaveLength(1);
  });
  it('an event that comes before the query says that it assumes', () => {
    const { drafts } = play([...before, blind, status('paused')]);
    expect(drafts.slice(-2).map(({ type, job }) => [type, job.run])).toEqual([
      ['GATEWAY_JOB_FOUND', 'e:1'],
      ['JOB_STATUS_CHANGE', 'e:1'],
    ]);
  });
});

describe('any sequence of inputs', () => {
  const anyInput = fc.oneof(
    fc.constantFrom<JobInput>(...[...JOB_STATUSES, 'null' as const].map(status)),
    fc.constantFrom<JobInput>(
      raise('BLOCK_JOB_READY', measures),
      raise('BLOCK_JOB_COMPLETED', measures),
      raise('BLOCK_JOB_COMPLETED', { ...measures, error: 'x' }),
      raise('BLOCK_JOB_CANCELLED', measures),
      raise('BLOCK_JOB_PENDING', { type: 'mirror', id: 'j' }),
      raise('BLOCK_JOB_ERROR', { device: 'j', operation: 'write', action: 'stop' }),
      { kind: 'blind' },
      { kind: 'absent' },
      { kind: 'gone' },
      { kind: 'stray', by: 'x' },
    ),
    fc.constantFrom<JobInput>(
      ...JOB_STATUSES.map((each) => shown(each)),
      shown('concluded', { error: 'x' }),
      shown('paused', { ioStatus: 'failed' }),
    ),
    fc.constantFrom<JobInput>(
      ...(['abort', 'complete'] as const).flatMap((verb) =>
        (['written', 'accepted', 'refused'] as const).flatMap((phase) => [
          command(verb, phase),
          command(verb, phase, true),
        ]),
      ),
    ),
  );

  it('leaves a legal state, one settlement a run, and every QMP event told once', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 40 }), fc.boolean(), (inputs, legacy) => {
        const { run, drafts } = play(inputs, legacy);
        if (run) expect(JOB_STATUSES).toContain(run.status);
        const settled = drafts.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED').map((draft) => draft.job.run);
        expect(new Set(settled).size).toBe(settled.length);
        // Every run that was begun and is not present has settled.
        const begun = new Set(drafts.map((draft) => draft.job.run));
        for (const each of begun) if (each !== run?.run) expect(settled).toContain(each);
        const raised = inputs.filter(({ kind }) => kind === 'event').length;
        expect(drafts.filter(({ type }) => !type.startsWith('GATEWAY_'))).toHaveLength(raised);
        // Success needs a witness: an event, or a query that shows it concluded without an error.
        const witnessed = inputs.some(
          (input) => input.kind === 'event' || (input.kind === 'shown' && input.shown.status === 'concluded'),
        );
        const success = drafts.some(({ data }) => (data as Partial<Settlement>).outcome === 'completed');
        if (success) expect(witnessed).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('follows QEMU along every legal walk to exactly one settlement', () => {
    const walk = fc.array(fc.nat(), { minLength: 1, maxLength: 30 }).map((choices) => {
      const path: (JobStatus | 'null')[] = ['created'];
      for (const choice of choices) {
        const next = TRANSITIONS[path.at(-1) as JobStatus];
        if (!next) break;
        path.push(next[choice % next.length] ?? 'null');
        if (path.at(-1) === 'null') break;
      }
      return path;
    });
    fc.assert(
      fc.property(walk, (path) => {
        const { run, settled } = play(path.map(status));
        expect(settled).toHaveLength(path.at(-1) === 'null' ? 1 : 0);
        expect(run?.status).toBe(path.at(-1) === 'null' ? undefined : path.at(-1));
        if (path.includes('aborting')) expect(settled.map(({ outcome }) => outcome)).not.toContain('completed');
      }),
      { numRuns: 2_000 },
    );
  });
});
