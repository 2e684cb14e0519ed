// One verb for many runs: the plan, the sending, and what became of each.
import { describe, expect, it } from 'vitest';
import { type Batch, openBatch } from '../../demo-client/src/gateway/batch.js';
import {
  byUrgency,
  objectionTo,
  type Progress,
  planBatch,
  retryable,
  type Step,
  tallyOf,
  targetsOf,
  verbCounts,
} from '../../demo-client/src/model/fleet/batch.js';
import { ABORT_FORM } from '../../demo-client/src/model/run/abort.js';
import { effectOf, type Intent } from '../../demo-client/src/model/run/intent.js';
import type { Job } from '../../src/protocol/types.js';
import { endOf, jobOf, tableOf } from './fixtures.js';

const soft: Intent = { verb: 'abort', form: ABORT_FORM };
const forced: Intent = { verb: 'abort', form: { ...ABORT_FORM, force: true } };

function plan(intent: Intent, jobs: Job[], scopes?: string[], sources: Parameters<typeof tableOf>[2] = { vm1: 'up' }) {
  const table = tableOf(jobs, [], sources);
  return planBatch(intent, targetsOf(table.jobs.keys(), table), { table, scopes });
}

describe('the plan of a batch', () => {
  const jobs = [
    jobOf({ job: 'runs' }),
    jobOf({ job: 'synced', status: 'ready' }),
    jobOf({ job: 'stands', status: 'paused' }),
    jobOf({ job: 'ends', status: 'aborting' }),
  ];

  it('says for each run what a soft abort does, the unusual first, and leaves out those that QEMU would refuse', () => {
    const { steps, excluded } = plan(soft, jobs);
    expect(steps.map(({ job, isUnusual }) => [job, isUnusual])).toEqual([
      ['synced', true],
      ['runs', false],
    ]);
    expect(steps[0]?.effect).toContain('finishes the copy instead of cancelling');
    expect(excluded.map(({ job }) => job)).toEqual(['stands', 'ends']);
    expect(excluded[0]?.why).toContain('Use force, or resume it first');
    expect(excluded[1]?.why).toContain('is ending already');
  });

  it('by force also aborts those that stand still, and none as a finished copy', () => {
    const { steps } = plan(forced, jobs);
    expect(steps.map(({ job }) => job)).toEqual(['runs', 'synced', 'stands']);
    expect(steps.every(({ isUnusual }) => !isUnusual)).toBe(true);
  });

  it('sends nothing for a run that has ended, for a source that is not connected, or without the right', () => {
    const table = tableOf([jobOf(), jobOf({ source: 'vm2', job: 'far', run: 'e:far' })], [endOf('gone')], {
      vm1: 'up',
      vm2: 'down',
    });
    const targets = targetsOf(['e:drive0', 'e:far', 'e:gone'], table);
    const why = (scopes?: string[]) =>
      planBatch({ verb: 'pause' }, targets, { table, scopes }).excluded.map((each) => `${each.job}: ${each.why}`);
    expect(why()).toEqual(['far: vm2 is not connected.', 'gone: This run has ended.']);
    expect(why(['read', 'control:vm2'])).toEqual([
      'drive0: You may not control the jobs of vm1.',
      'far: vm2 is not connected.',
      'gone: This run has ended.',
    ]);
  });

  it('asks the source: libvirt has no force, and QEMU before 3.0 no dismiss', () => {
    const source = { name: 'vm1', state: 'up', since: '', verbs: ['abort', 'setSpeed'] } as const;
    const at = { source: { ...source, verbs: [...source.verbs] }, scopes: undefined };
    expect(effectOf(soft, jobOf(), at)).toMatchObject({ ok: true });
    expect(effectOf(forced, jobOf(), at)).toEqual({ ok: false, why: 'vm1 has no forced abort.' });
    expect(effectOf({ verb: 'pause' }, jobOf(), at)).toEqual({ ok: false, why: 'vm1 has no command for it.' });
  });

  it('says what a resume does to a job that an error stopped', () => {
    const [stopped] = plan({ verb: 'resume' }, [jobOf({ status: 'paused', ioStatus: 'nospace' })]).steps;
    expect(stopped?.effect).toBe('It tries the failed operation again.');
  });

  it('objects to a step whose job has changed since it was shown', () => {
    const [step] = plan(soft, [jobOf()]).steps as [Step];
    const now = (job: Job) => objectionTo(step, soft, { table: tableOf([job]), scopes: undefined });
    expect(now(jobOf({ offset: 50 }))).toBeUndefined();
    expect(now(jobOf({ status: 'ready' }))).toContain('The job has changed. QEMU finishes the copy');
    expect(now(jobOf({ status: 'concluded' }))).toContain('concluded');
    expect(objectionTo(step, soft, { table: tableOf([]), scopes: undefined })).toBe('This run has ended.');
  });

  it('counts for how many runs each verb is offered', () => {
    const table = tableOf(jobs);
    expect(verbCounts(table.jobs.keys(), table)).toEqual([
      ['complete', 1],
      ['resume', 1],
      ['pause', 2],
      ['setSpeed', 3],
      ['abort', 3],
    ]);
  });
});

const stepOf = (run: string): Step => ({ run, source: 'vm1', job: run, effect: '', isUnusual: false });
const done: Progress = { name: 'done', text: '', tone: 'calm' };

/** Answers that the test gives. */
function calls() {
  const open = new Map<string, (state: Progress) => void>();
  const send = ({ run }: Step) => new Promise<Progress>((resolve) => open.set(run, resolve));
  const answer = async (run: string, state: Progress = done): Promise<void> => {
    open.get(run)?.(state);
    open.delete(run);
    for (let n = 0; n < 5; n += 1) await Promise.resolve();
  };
  return { open, send, answer };
}

const names = ({ states }: Batch): string[] => [...states.value].map(([run, { name }]) => `${run} ${name}`);

describe('the sending of a batch', () => {
  it('has at most so many calls unanswered, and sends the next when one is answered', async () => {
    const { open, send, answer } = calls();
    const steps = ['a', 'b', 'c', 'd'].map(stepOf);
    const batch = openBatch({ steps, parallel: 2, objection: () => undefined, send });
    expect([...open.keys()]).toEqual(['a', 'b']);
    await answer('b');
    expect([...open.keys()]).toEqual(['a', 'c']);
    expect(names(batch)).toEqual(['a sent', 'b done', 'c sent', 'd queued']);
  });

  it('of a hundred has eight unanswered', () => {
    const { open, send } = calls();
    openBatch({ steps: Array.from({ length: 100 }, (_, n) => stepOf(String(n))), objection: () => undefined, send });
    expect(open.size).toBe(8);
  });

  it('goes on after one that fails, and does not send what is objected to at its turn', async () => {
    const { open, send, answer } = calls();
    const objection = ({ run }: Step) => (run === 'b' ? 'It is aborting.' : undefined);
    const batch = openBatch({ steps: ['a', 'b', 'c'].map(stepOf), parallel: 1, objection, send });
    await answer('a', { name: 'failed', text: 'no', inForce: false });
    expect([...open.keys()]).toEqual(['c']);
    expect(names(batch)).toEqual(['a failed', 'b withheld', 'c sent']);
    await answer('c');
    expect(tallyOf(batch.states.value.values())).toEqual({ open: 0, done: 1, failed: 1, withheld: 1 });
  });

  it('stopped: what waits is not sent, and what was sent is still answered', async () => {
    const { open, send, answer } = calls();
    const batch = openBatch({ steps: ['a', 'b'].map(stepOf), parallel: 1, objection: () => undefined, send });
    batch.stop();
    await answer('a');
    expect(open.size).toBe(0);
    expect(names(batch)).toEqual(['a done', 'b withheld']);
  });
});

describe('what became of a batch', () => {
  const states = new Map<string, Progress>([
    ['a', done],
    ['b', { name: 'failed', text: '', inForce: true }],
    ['c', { name: 'failed', text: '', inForce: false }],
    ['d', { name: 'withheld', text: '' }],
    ['e', { name: 'queued' }],
  ]);
  const steps = [...states.keys()].map(stepOf);

  it('is listed with the failures first', () => {
    expect(byUrgency(steps, states).map(({ run }) => run)).toEqual(['b', 'c', 'd', 'a', 'e']);
  });

  it('is tried again only where nothing is in force', () => {
    expect(retryable(steps, states).map(({ run }) => run)).toEqual(['c', 'd']);
  });
});
