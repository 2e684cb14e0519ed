// The job state machine as a pure function: any sequence of inputs leaves it in a legal state, and each run settles exactly once.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunFold } from '../../src/jobs/model/fold-runs.js';
import { GraphIndex } from '../../src/jobs/model/graph-index.js';
import type { JobInput } from '../../src/jobs/model/input.js';
import { readJobEvent } from '../../src/jobs/model/job-event.js';
import type { JobDraft } from '../../src/jobs/model/journal.js';
import { reduceJob } from '../../src/jobs/model/reduce-job.js';
import type { Run } from '../../src/jobs/model/run.js';
import type { EntryDraft } from '../../src/protocol/draft.js';
import type { CommandResult, JobRef, JobStatus, Settlement } from '../../src/protocol/index.js';
import { JOB_STATUSES, TRANSITIONS } from '../../src/protocol/rules.js';
import type { QmpEvent } from '../../src/qmp/index.js';
import type { QueriedJob } from '../../src/sources/index.js';
import { GraphWorld, type Users } from '../support/graph-world.js';

const measures = { type: 'mirror', device: 'j', len: 100, offset: 50, speed: 0 };
const raise = (type: string, data: unknown): JobInput => {
  const event: QmpEvent = { type, time: null, data };
  const job = readJobEvent(event);
  if (!job) throw new Error(`not a job event: ${type}`);
  return { kind: 'event', event, signal: job.signal };
};
const status = (value: JobStatus | 'null'): JobInput => raise('JOB_STATUS_CHANGE', { id: 'j', status: value });
const queried = (value: JobStatus, more: Partial<QueriedJob> = {}): JobInput => ({
  kind: 'queried',
  job: {
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
/** `play` names the command, and the run that it is for. */
const command = (verb: 'abort' | 'complete', phase: 'written' | CommandResult, force = false, by = 'me'): JobInput => {
  const [ref, data] = [
    { id: 'j', run: '' },
    { command: '', verb, by, args: { job: 'j', force } },
  ];
  if (phase === 'written') return { kind: 'written', ref, command: data, position: { cursor: undefined } };
  return { kind: 'answered', ref, command: data, answer: { result: phase } };
};

/**
 * Feeds inputs as a store would. After each step the fold of the log must be the run, but for measures and for what holds only while a connection
 * does.
 *
 * @returns the last run, and the entries that clients are sent.
 */
function play(
  inputs: readonly JobInput[],
  {
    legacy = false,
    quietCancel = false,
    canProve = true,
  }: { legacy?: boolean; quietCancel?: boolean; canProve?: boolean } = {},
): { run: Run | undefined; drafts: JobDraft[]; settled: Settlement[] } {
  let run: Run | undefined;
  const fold = new RunFold(legacy);
  const all: EntryDraft[] = [];
  let begun = 0;
  /** Of each verb, what is not answered. */
  const written = new Map<string, { ref: JobRef; command: string }>();
  for (const input of inputs) {
    let named = input;
    if (input.kind === 'written' || input.kind === 'answered') {
      const { verb, args } = input.command;
      const key = `${verb} ${args.force}`;
      const known = input.kind === 'written' ? run && { ref: run.ref, command: `c${all.length}` } : written.get(key);
      if (!known) continue;
      if (input.kind === 'written') written.set(key, known);
      else written.delete(key);
      named = { ...input, ref: known.ref, command: { ...input.command, command: known.command } };
    }
    const next = reduceJob(run, named, {
      source: 's',
      id: 'j',
      nextRun: () => `run${++begun}`,
      now: () => 1,
      canProve,
      legacy,
      quietCancel,
    });
    run = next.run;
    // As the tracker has it: the connection is lost.
    const down = { source: 's', type: 'GATEWAY_SOURCE_DOWN', time: 1, data: { reason: 'closed' } };
    const entries: readonly EntryDraft[] = input.kind === 'unobserved' ? [...next.drafts, down] : next.drafts;
    for (const draft of entries) {
      all.push(draft);
      const cursor = `e:${all.length}`;
      if (draft.position) draft.position.cursor = cursor;
      // As a log has it: in JSON.
      fold.apply({ ...draft, data: JSON.parse(JSON.stringify(draft.data)), cursor });
    }
    const [folded, decided] = [durable(fold.runs.get('j')), durable(run)];
    // `expect` costs many times the comparison, and there are a hundred thousand steps.
    if (!isDeepStrictEqual(folded, decided)) expect(folded).toEqual(decided);
  }
  const drafts = all.filter(({ job, internal }) => job && !internal) as JobDraft[];
  const settled = drafts.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED').map(({ data }) => data as Settlement);
  return { run, drafts, settled };
}

const life = [status('created'), status('running')];
const ending = [status('concluded'), status('null')];

describe('a run', () => {
  it('has a name of its own, and says where it began', () => {
    const { run, drafts, settled } = play([...life, status('null'), ...life]);
    expect([settled[0]?.began, run?.began.cursor]).toEqual(['e:1', 'e:5']);
    expect(drafts.map(({ type, job }) => [type, job.run])).toEqual([
      ['JOB_STATUS_CHANGE', 'run1'],
      ['JOB_STATUS_CHANGE', 'run1'],
      ['JOB_STATUS_CHANGE', 'run1'],
      ['GATEWAY_JOB_SETTLED', 'run1'],
      ['JOB_STATUS_CHANGE', 'run2'],
      ['JOB_STATUS_CHANGE', 'run2'],
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
      { outcome: 'failed', error: 'No space', pivoted: 'unknown', pivotProof: null },
    ],
    [
      'cancelled',
      [status('aborting'), raise('BLOCK_JOB_CANCELLED', measures), ...ending],
      { outcome: 'cancelled', provenance: 'observed', pivoted: false, pivotProof: 'event', requestedBy: [] },
    ],
    ['never started', [status('aborting'), ...ending], { outcome: 'failed', provenance: 'observed' }],
    [
      'without block-job events',
      [status('waiting'), status('pending'), ...ending],
      { outcome: 'completed', provenance: 'observed' },
    ],
    [
      'gone while there was no connection',
      [{ kind: 'unobserved' }, { kind: 'absent' }],
      { outcome: 'lost', provenance: 'unknown' },
    ],
    ['gone with its QEMU', [{ kind: 'gone' }], { outcome: 'lost', provenance: 'unknown' }],
    [
      'published, then gone',
      [raise('BLOCK_JOB_COMPLETED', measures), { kind: 'unobserved' }, { kind: 'absent' }],
      { outcome: 'completed', provenance: 'observed' },
    ],
    [
      'concluded without a connection, with an error',
      [{ kind: 'unobserved' }, queried('concluded', { error: 'EIO' })],
      { outcome: 'failed', provenance: 'reconciled', error: 'EIO', dismissed: false },
    ],
    [
      'concluded without a connection',
      [{ kind: 'unobserved' }, queried('concluded')],
      { outcome: 'completed', provenance: 'reconciled', dismissed: false },
    ],
    ['missed twice by a query', [{ kind: 'absent' }, { kind: 'absent' }], { outcome: 'lost', provenance: 'unknown' }],
  ])('%s', (_, inputs, expected) => {
    const { settled } = play([...life, ...inputs]);
    expect(settled).toHaveLength(1);
    expect(settled[0]).toMatchObject(expected);
  });

  it('that begins and ends in one step is settled and remembered too', () => {
    const context = {
      source: 's',
      id: 'j',
      nextRun: () => 'run1',
      now: () => 1,
      canProve: false,
      legacy: false,
      quietCancel: false,
    };
    const { run, ended } = reduceJob(undefined, status('null'), context);
    expect(run).toBeUndefined();
    expect(ended).toMatchObject([{ run: { run: 'run1', settled: { outcome: 'lost', provenance: 'unknown' } } }]);
  });

  it('keeps the time of its measures when it has ended, however often it is queried', () => {
    const kept = [...life, queried('running', { autoDismiss: false }), raise('BLOCK_JOB_CANCELLED', measures)];
    let clock = 0;
    let run: Run | undefined;
    for (const input of [...kept, status('concluded'), queried('concluded'), queried('concluded')])
      run = reduceJob(run, input, {
        ...{ source: 's', id: 'j', nextRun: () => 'run1', canProve: false, legacy: false, quietCancel: false },
        now: () => ++clock,
      }).run;
    expect(run).toMatchObject({ settled: { outcome: 'cancelled' } });
    expect(run?.updated).toBeLessThan(clock - 1);
  });

  it('is legacy: without JOB_STATUS_CHANGE the outcome event is the end', () => {
    const { settled, run } = play(
      [queried('running'), raise('BLOCK_JOB_READY', measures), raise('BLOCK_JOB_COMPLETED', measures)],
      { legacy: true },
    );
    expect(settled).toMatchObject([{ outcome: 'completed' }]);
    expect(run).toBeUndefined();
  });

  it.each<[string, Partial<QueriedJob>, Partial<QueriedJob>, boolean]>([
    ['of another type', { type: 'stream' }, { type: 'backup' }, true],
    ['a stream that has copied less', { type: 'stream' }, { type: 'stream', offset: 49 }, true],
    ['a stream that has copied more', { type: 'stream' }, { type: 'stream', offset: 51 }, false],
    ['a mirror that has more to copy', {}, { offset: 49 }, false],
  ])('is legacy: a query shows %s', (_what, before, after, isAnother) => {
    const { settled, run } = play([queried('running', before), queried('running', after)], { legacy: true });
    expect(settled.map(({ outcome }) => outcome)).toEqual(isAnother ? ['lost'] : []);
    expect(run?.run).toBe(isAnother ? 'run2' : 'run1');
  });

  describe('without an event of a cancel', () => {
    const cancelled = [command('abort', 'written'), command('abort', 'accepted')];
    const gone: JobInput[] = [{ kind: 'absent' }, { kind: 'absent' }];
    const stream = queried('running', { type: 'stream' });

    it.each<[string, JobInput[], Settlement['outcome'], boolean?]>([
      ['is cancelled when it is gone after an accepted cancel', [stream, ...cancelled, ...gone], 'cancelled'],
      [
        'a forced one',
        [stream, command('abort', 'written', true), command('abort', 'accepted', true), ...gone],
        'cancelled',
      ],
      ['is lost where that proves nothing', [stream, ...cancelled, ...gone], 'lost', false],
      ['is lost when nobody cancelled it', [stream, ...gone], 'lost'],
      ['is lost when the cancel has no answer', [stream, command('abort', 'written'), ...gone], 'lost'],
      ['is lost when it was READY, since it may have completed', [queried('ready'), ...cancelled, ...gone], 'lost'],
      [
        'is lost when the connection was lost',
        [stream, ...cancelled, { kind: 'unobserved' }, { kind: 'absent' }],
        'lost',
      ],
      [
        'has completed where an event says so',
        [stream, ...cancelled, raise('BLOCK_JOB_COMPLETED', measures), ...gone],
        'completed',
      ],
    ])('%s', (_what, inputs, outcome, quietCancel = true) => {
      const { settled } = play(inputs, { legacy: true, quietCancel });
      expect(settled).toMatchObject([{ outcome, provenance: PROVENANCES[outcome] }]);
    });
  });
});

describe('a job that a query shows concluded with an error after a lost connection', () => {
  const found: JobInput[] = [{ kind: 'unobserved' }, queried('concluded', { error: 'Operation canceled' })];
  const accepted = (force: boolean): JobInput[] => [
    command('abort', 'written', force),
    command('abort', 'accepted', force),
  ];
  const ready = [...life, status('ready')];

  it.each<[string, JobInput[], Settlement['outcome']]>([
    ['was cancelled after a forced abort', [...life, ...accepted(true)], 'cancelled'],
    ['was cancelled after a soft one while it ran', [...life, ...accepted(false)], 'cancelled'],
    ['was cancelled after a forced one when it was READY', [...ready, ...accepted(true)], 'cancelled'],
    [
      'has failed after a soft one when it was READY',
      [...ready, ...accepted(false), status('waiting'), status('aborting')],
      'failed',
    ],
    [
      'has failed where QEMU had not answered',
      [...life, command('abort', 'written', true), command('abort', 'unknown', true)],
      'failed',
    ],
    ['has failed where nobody cancelled it', life, 'failed'],
  ])('%s', (_, inputs, outcome) => {
    const { settled } = play([...inputs, ...found], { canProve: false });
    const error = outcome === 'failed' ? { error: 'Operation canceled' } : {};
    expect(settled).toMatchObject([{ outcome, provenance: 'reconciled', ...error }]);
  });
});

describe('a command after one that stands', () => {
  const tried = (verb: 'abort' | 'complete', phase: CommandResult, force = false, by = 'me'): JobInput[] => [
    command(verb, 'written', force, by),
    command(verb, phase, force, by),
  ];
  const cancelled = [status('aborting'), raise('BLOCK_JOB_CANCELLED', measures), ...ending];

  it.each<[string, CommandResult, Run['force']]>([
    ['was accepted', 'accepted', 'accepted'],
    ['got no answer', 'unknown', 'unknown'],
  ])('takes nothing of it back when it is refused: the first %s', (_, first, force) => {
    const inputs = [...life, ...tried('abort', first, true), ...tried('abort', 'refused', true, 'other')];
    expect(play(inputs).run).toMatchObject({ force, requestedBy: ['me'] });
    expect(play([...inputs, ...cancelled]).settled).toMatchObject([{ forced: true, requestedBy: ['me'] }]);
  });

  it('is known as accepted when it is, and one that is refused alone as none', () => {
    expect(play([...life, ...tried('abort', 'unknown'), ...tried('abort', 'accepted')]).run?.soft).toBe('accepted');
    expect(play([...life, ...tried('abort', 'refused')]).run).toMatchObject({ soft: 'none', requestedBy: [] });
  });

  it('costs no room for ever: whoever repeats one is known once more a bounded number of times, and so are their names', () => {
    const often = Array.from({ length: 200 }, () => tried('abort', 'accepted', false, 'often')).flat();
    const refused = Array.from({ length: 200 }, () => tried('abort', 'refused', false, 'often')).flat();
    const others = Array.from({ length: 200 }, (_, n) => tried('abort', 'accepted', false, `tool${n}`)).flat();
    const inputs = [...life, ...tried('abort', 'accepted'), ...often, ...refused, ...others];
    const { run, settled } = play([...inputs, ...cancelled.slice(0, 2)]);
    expect(settled).toEqual([]);
    expect(run?.requestedBy.length).toBeLessThan(100);
    const names = play([...inputs, ...cancelled]).settled[0]?.requestedBy;
    expect(names?.slice(0, 3)).toEqual(['me', 'often', 'tool0']);
    expect(names).toHaveLength(64);
  });
});

const PROVENANCES = { cancelled: 'reconciled', lost: 'unknown', completed: 'observed', failed: 'observed' } as const;

const GRAPHS = (() => {
  const world = new GraphWorld();
  world.start('j');
  const running = new GraphIndex(world.graph());
  world.end(true);
  return { running, onTarget: new GraphIndex(world.graph()) };
})();

describe('a pivot', () => {
  const done = [raise('BLOCK_JOB_COMPLETED', measures), ...ending];
  const failed = [status('aborting'), raise('BLOCK_JOB_COMPLETED', { ...measures, error: 'EIO' }), ...ending];
  const ready = [...life, status('ready'), raise('BLOCK_JOB_READY', measures)];
  const soft = [command('abort', 'written'), command('abort', 'accepted')];
  const complete = [command('complete', 'written'), command('complete', 'accepted')];
  const running: JobInput = { kind: 'graph', graph: GRAPHS.running };
  const onTarget: JobInput = { kind: 'graph', graph: GRAPHS.onTarget };

  it.each<[string, JobInput[], Settlement['pivoted'], Settlement['pivotProof']]>([
    ['our soft cancel was accepted', soft, 'unknown', null],
    ['our complete was accepted', complete, true, 'command'],
    ['our complete has no reply yet', [command('complete', 'written')], 'unknown', null],
    ['our complete was refused', [command('complete', 'written'), command('complete', 'refused')], 'unknown', null],
    ['we asked for nothing', [], 'unknown', null],
    ['both were accepted: a complete after a soft cancel is refused', [...complete, ...soft], true, 'command'],
    ['a misdelivered command', [...complete, { kind: 'misdelivered', by: 'x' }], 'unknown', null],
    [
      'the connection was lost after our complete',
      [...complete, { kind: 'unobserved' }, queried('ready')],
      'unknown',
      null,
    ],
  ])('without the block graph, where %s', (_, inputs, pivoted, pivotProof) => {
    const { settled } = play([...ready, ...inputs, ...done], { canProve: false });
    expect(settled).toMatchObject([{ outcome: 'completed', pivoted, pivotProof }]);
  });

  it.each<[string, JobInput[], Partial<Settlement>]>([
    ['completed', [...done, onTarget], { outcome: 'completed', pivoted: true, pivotProof: 'graph' }],
    ['failed, and the disk is on the copy', [...failed, onTarget], { outcome: 'failed', pivoted: true }],
    ['no reply', [...done, { kind: 'unproven' }], { pivoted: 'unknown', pivotProof: null }],
    ['an export went away meanwhile', [...done, { kind: 'disturbed' }, onTarget], { pivoted: 'unknown' }],
    ['lost its source first', [...done, { kind: 'unobserved' }], { outcome: 'completed', pivoted: 'unknown' }],
    ['gone after a lost connection', [{ kind: 'unobserved' }, { kind: 'absent' }, onTarget], { outcome: 'lost' }],
    ['lost its QEMU', [{ kind: 'unobserved' }, { kind: 'gone' }], { outcome: 'lost', pivoted: 'unknown' }],
    ['followed by another run', [...done, status('created')], { outcome: 'completed', pivoted: 'unknown' }],
  ])('with a baseline: %s', (_, inputs, expected) => {
    expect(play([...ready, running, ...inputs]).settled).toMatchObject([expected]);
  });

  it('a run that awaits its proof is concluded, and present until it is settled', () => {
    const awaiting = play([...ready, running, ...done]);
    expect(awaiting.settled).toEqual([]);
    expect(awaiting.run).toMatchObject({ status: 'concluded', end: { dismissed: true } });
    expect(play([...ready, running, ...done, onTarget]).run).toBeUndefined();
  });

  it('the settlement comes before the first entry of the next run', () => {
    const { drafts } = play([...ready, running, ...done, status('created')]);
    expect(drafts.slice(-2).map(({ type, job }) => [type, job.run])).toEqual([
      ['GATEWAY_JOB_SETTLED', 'run1'],
      ['JOB_STATUS_CHANGE', 'run2'],
    ]);
  });

  it('an intermediate commit never does', () => {
    const commit = { ...measures, type: 'commit' };
    const { settled } = play([...life, raise('BLOCK_JOB_COMPLETED', commit), ...ending]);
    expect(settled).toMatchObject([{ outcome: 'completed', pivoted: false, pivotProof: 'type' }]);
  });

  it('whatever comes in between, and however it ended: what is said to be proven is true', () => {
    const MOVES = [
      ...(['graph', 'disturbed', 'unobserved', 'seen', 'absent', 'unproven'] as const),
      ...(['deleteLoser', 'addExport', 'addDevice', 'swapExports'] as const),
    ];
    type Move = (typeof MOVES)[number];
    const move = fc.constantFrom<Move>(...MOVES);
    const moves = fc.array(move, { maxLength: 4 });
    const users = fc.constantFrom<Users>('device', 'export', 'both', 'none', 'replaces');
    const asked = fc.constantFrom<'soft' | 'complete' | 'both' | 'none'>('soft', 'complete', 'both', 'none');
    fc.assert(
      fc.property(
        fc.array(moves, { minLength: 5, maxLength: 5 }),
        users,
        asked,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (between, using, ours, others, fails, kept) => {
          const world = new GraphWorld(using);
          const inputs: JobInput[] = [];
          const play1 = (each: Move): void => {
            if (each === 'graph') inputs.push({ kind: 'graph', graph: new GraphIndex(world.graph()) });
            else if (each === 'seen') inputs.push(queried(world.hasEnded ? 'concluded' : 'ready'));
            else if (each === 'deleteLoser') world.deleteLoser();
            else if (each === 'addExport') world.addExport();
            else if (each === 'addDevice') world.addDevice();
            else if (each === 'swapExports') {
              world.swapExports();
              // While the monitor is connected QEMU's event says that exports have ended.
              if (inputs.at(-1)?.kind !== 'unobserved') inputs.push({ kind: 'disturbed' });
            } else inputs.push({ kind: each });
          };
          const pass = (at: number): void => between[at]?.forEach(play1);
          inputs.push(status('created'));
          world.start('j');
          pass(0);
          inputs.push(status('running'), status('ready'), raise('BLOCK_JOB_READY', measures));
          pass(1);
          // A complete that comes first pivots, whatever is cancelled softly after it.
          if (others || ours === 'complete' || ours === 'both') world.end(true);
          else world.end(false);
          if (ours === 'complete' || ours === 'both') inputs.push(...complete);
          if (ours === 'soft' || ours === 'both') inputs.push(...soft);
          const error = fails ? { error: 'EINVAL' } : {};
          inputs.push(...(fails ? [status('aborting')] : []));
          inputs.push(raise('BLOCK_JOB_COMPLETED', { ...measures, ...error }), status('concluded'));
          pass(2);
          if (!kept) inputs.push(status('null'));
          pass(3);
          pass(4);
          inputs.push({ kind: 'unproven' }, { kind: 'gone' });
          const first = play(inputs).settled[0];
          expect(first).toBeDefined();
          if (first?.pivoted !== 'unknown') expect([inputs, first?.pivoted]).toEqual([inputs, world.pivoted]);
          expect(first?.pivotProof === null).toBe(first?.pivoted === 'unknown');
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('after a lost connection', () => {
  const lost: JobInput = { kind: 'unobserved' };
  const before = [...life, queried('running', { offset: 50 })];
  it('a job that contradicts nothing is assumed to be the same', () => {
    const { run, drafts } = play([...before, lost, queried('ready', { offset: 60 })]);
    expect(run?.run).toBe('run1');
    expect(drafts.at(-1)).toMatchObject({
      type: 'GATEWAY_JOB_FOUND',
      job: { run: 'run1' },
      data: { continuity: 'assumed', status: 'ready' },
    });
  });
  it.each<[string, JobInput]>([
    ['another type', queried('running', { type: 'backup', offset: 60 })],
    ['less progress', queried('running', { offset: 40 })],
    ['a status of the past', queried('created', { offset: 60 })],
    ['a new creation', status('created')],
  ])('%s is another run', (_, input) => {
    const { run, settled } = play([...before, lost, input]);
    expect(settled).toMatchObject([{ outcome: 'lost', provenance: 'unknown' }]);
    expect(run?.run).not.toBe('run1');
  });
  it('anything but its removal, heard of a concluded job, is of another run', () => {
    const kept = [
      ...life,
      queried('ready', { autoDismiss: false }),
      raise('BLOCK_JOB_COMPLETED', measures),
      status('concluded'),
      lost,
    ];
    const { settled, run } = play([
      ...kept,
      raise('BLOCK_JOB_ERROR', { device: 'j', operation: 'write', action: 'report' }),
      status('aborting'),
      raise('BLOCK_JOB_COMPLETED', { ...measures, error: 'x' }),
      status('concluded'),
    ]);
    expect(settled).toMatchObject([{ outcome: 'completed', dismissed: false }]);
    expect(run?.run).not.toBe('run1');
    expect(play([...kept, status('null')]).settled).toHaveLength(1);
  });
  it('an event that comes before the query says that it assumes', () => {
    const { drafts } = play([...before, lost, status('paused')]);
    expect(drafts.slice(-2).map(({ type, job }) => [type, job.run])).toEqual([
      ['GATEWAY_JOB_FOUND', 'run1'],
      ['JOB_STATUS_CHANGE', 'run1'],
    ]);
  });
});

describe('an I/O error that stops the job', () => {
  const stops = raise('BLOCK_JOB_ERROR', { device: 'j', operation: 'write', action: 'stop' });
  const stopped = [stops, status('paused'), queried('paused', { ioStatus: 'nospace' })];
  const attentions = (inputs: JobInput[]): number =>
    play([...life, ...inputs]).drafts.filter(({ type }) => type === 'GATEWAY_JOB_ATTENTION').length;

  it.each<[string, JobInput[]]>([
    ['after a resume that was seen', [status('running')]],
    ['after a resume while the connection was lost', [{ kind: 'unobserved' }, queried('running')]],
  ])('calls for attention again %s', (_, resumed) => {
    expect(attentions([...stopped, ...resumed, ...stopped])).toBe(2);
  });

  it('is over when the job is resumed, however many requests failed', () => {
    const { run } = play([...life, ...stopped, stops, status('running')]);
    expect(run).toMatchObject({ status: 'running', ioStatus: 'ok', attended: false });
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
      { kind: 'unobserved' },
      { kind: 'absent' },
      { kind: 'gone' },
      { kind: 'misdelivered', by: 'x' },
      { kind: 'graph', graph: GRAPHS.running },
      { kind: 'graph', graph: GRAPHS.onTarget },
      { kind: 'disturbed' },
      { kind: 'unproven' },
    ),
    fc.constantFrom<JobInput>(
      ...JOB_STATUSES.map((each) => queried(each)),
      queried('concluded', { error: 'x' }),
      queried('paused', { ioStatus: 'failed' }),
    ),
    fc.constantFrom<JobInput>(
      ...(['abort', 'complete'] as const).flatMap((verb) =>
        (['written', 'accepted', 'refused', 'unknown'] as const).flatMap((phase) => [
          command(verb, phase),
          command(verb, phase, true),
        ]),
      ),
    ),
  );

  it('leaves a legal state, one settlement a run, and every QMP event published once', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 40 }), fc.boolean(), fc.boolean(), (inputs, legacy, quietCancel) => {
        const { run, drafts } = play([...inputs, { kind: 'unproven' }], { legacy, quietCancel });
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
          (input) => input.kind === 'event' || (input.kind === 'queried' && input.job.status === 'concluded'),
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

  it('is in the log, as after each step of every test here', () => {
    fc.assert(
      fc.property(
        fc.array(anyInput, { maxLength: 40 }),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (inputs, legacy, quietCancel, canProve) => void play(inputs, { legacy, quietCancel, canProve }),
      ),
      { numRuns: 3_000 },
    );
  });
});

/** What a settlement rests on. */
function durable(run: Run | undefined): Partial<Run> | undefined {
  if (!run) return undefined;
  const { len: _len, offset: _offset, speed: _speed, updated: _updated, ioStatus: _io, stoppedBy: _by, ...rest } = run;
  const { attended: _attended, unobserved: _unobserved, absentFromQueries: _absent, ...lasting } = rest;
  return lasting;
}
