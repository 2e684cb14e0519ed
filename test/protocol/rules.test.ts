// QEMU's rules of a job: the gateway's tables against those of the simulator, and a soft cancel against what the simulator then does.
import { describe, expect, it } from 'vitest';
import { mayPivot } from '../../src/jobs/model/outcome.js';
import { beginRun } from '../../src/jobs/model/run.js';
import {
  allows,
  effectOf,
  hasVerb,
  hintFor,
  isAnswering,
  isReachable,
  JOB_STATUSES,
  neverPivots,
  offeredVerbs,
  type SoftCancel,
  softCancel,
  TRANSITIONS,
} from '../../src/protocol/rules.js';
import type { JobStatus, JobType, JobVerb, Settlement } from '../../src/protocol/types.js';
import { type Verb as Command, type JobSpec, LEGAL, TRANSITIONS as QEMU } from '../../src/simulator/model.js';
import { emptyWorld, type Input, step } from '../../src/simulator/step.js';

const COMMANDS: Record<JobVerb, Command> = {
  ...{ abort: 'cancel', complete: 'complete', pause: 'pause', resume: 'resume' },
  ...{ finalize: 'finalize', dismiss: 'dismiss', setSpeed: 'set-speed' },
};
const VERBS = Object.keys(COMMANDS) as JobVerb[];

describe('the tables of the gateway and of the simulated QEMU', () => {
  it.each(VERBS)('allow %s in the same statuses', (verb) => {
    expect(JOB_STATUSES.filter((status) => allows(status, verb))).toEqual(LEGAL[COMMANDS[verb]]);
  });

  it('know the same statuses and the same steps between them', () => {
    const { undefined: _before, null: _after, ...between } = QEMU;
    expect(TRANSITIONS).toEqual(between);
    expect(JOB_STATUSES).toEqual(Object.keys(between));
  });
});

it('a status is reached from those before it, and from none after it', () => {
  expect(isReachable('created', 'null')).toBe(true);
  expect(isReachable('standby', 'pending')).toBe(true);
  // As a QEMU may name one that is not known here.
  for (const unknown of ['weird', 'constructor']) {
    expect(isReachable(unknown as never, 'running')).toBe(false);
    expect(isReachable('running', unknown as never)).toBe(false);
  }
  expect(isReachable('ready', 'ready')).toBe(true);
  expect(isReachable('ready', 'paused')).toBe(false);
  expect(isReachable('concluded', 'running')).toBe(false);
});

describe('the effect of a verb', () => {
  it.each(JOB_STATUSES)('on a job that is %s exists where QEMU takes the verb, and only there', (status) => {
    const stands = status === 'paused' || status === 'standby';
    for (const verb of VERBS) {
      const effect = effectOf(verb, { status, type: 'backup' });
      const refused =
        !allows(status, verb) ||
        (verb === 'pause' && stands) ||
        (verb === 'resume' && !stands) ||
        (verb === 'abort' && stands);
      expect(effect === undefined, `${verb} ${effect}`).toBe(refused);
    }
  });

  it('of an abort is that of a soft cancel, unless it is forced', () => {
    expect(effectOf('abort', { status: 'running', type: 'mirror' })).toBe('cancels');
    expect(effectOf('abort', { status: 'ready', type: 'mirror' })).toBe('finishes');
    expect(effectOf('abort', { status: 'paused', type: 'create' })).toBe('cancels');
    expect(effectOf('abort', { status: 'paused', type: 'mirror' }, { force: true })).toBe('forces');
    expect(effectOf('abort', { status: 'aborting', type: 'mirror' }, { force: true })).toBeUndefined();
  });
});

describe('the verbs that are offered', () => {
  it.each<[JobStatus, JobVerb[]]>([
    ['created', ['pause', 'setSpeed', 'abort']],
    ['running', ['pause', 'setSpeed', 'abort']],
    ['paused', ['resume', 'setSpeed', 'abort']],
    ['ready', ['complete', 'pause', 'setSpeed', 'abort']],
    ['standby', ['complete', 'resume', 'setSpeed', 'abort']],
    ['waiting', ['abort']],
    ['pending', ['finalize', 'abort']],
    ['aborting', []],
    ['concluded', []],
  ])('for a job that is %s are %j', (status, verbs) => expect(offeredVerbs({ status })).toEqual(verbs));

  it('for one that has ended and holds its id are dismiss alone', () =>
    expect(offeredVerbs({ status: 'concluded', settled: {} as Settlement })).toEqual(['dismiss']));

  it('are those that its source has', () => {
    const source = { verbs: ['abort', 'complete', 'setSpeed'] as const };
    expect(offeredVerbs({ status: 'ready' }, source)).toEqual(['complete', 'setSpeed', 'abort']);
    expect(offeredVerbs({ status: 'concluded', settled: {} as Settlement }, source)).toEqual([]);
    expect(offeredVerbs({ status: 'running', settled: { dismissed: true } as Settlement })).toEqual([]);
    expect([hasVerb(source, 'force'), hasVerb(undefined, 'force'), hasVerb({}, 'force')]).toEqual([false, true, true]);
  });

  it.each(JOB_STATUSES)('come with a hint where the job is %s and another verb was called', (status) => {
    for (const verb of VERBS) if (!allows(status, verb)) expect(hintFor(status, verb)).not.toBe('');
  });
});

/** A job of the simulated QEMU in a status, and what a soft abort of it comes to. */
function softlyAborted(spec: Omit<JobSpec, 'id'>, status: JobStatus): SoftCancel {
  const world = emptyWorld();
  let now = 0;
  const at = (ms: number, input: Input) => {
    now += ms;
    return step(world, input, now);
  };
  const one: JobSpec = { ...spec, id: 'j', len: 1_000, bytesPerSecond: 100, drainMs: 0, syncMs: 0 };
  const jobs: JobSpec[] = status === 'waiting' ? [one, { ...one, id: 'slower', bytesPerSecond: 1 }] : [one];
  at(0, { kind: 'start', jobs: jobs.map((job) => ({ ...job, autoFinalize: false })), grouped: jobs.length > 1 });
  if (['ready', 'standby', 'waiting', 'pending'].includes(status)) at(10_000, { kind: 'tick' });
  const block = ['mirror', 'commit', 'backup', 'stream'].includes(spec.type);
  const job = world.jobs.find(({ id }) => id === 'j');
  if (job?.status === 'ready' && (status === 'waiting' || status === 'pending'))
    at(1, { kind: 'verb', verb: 'complete', id: 'j', block: false });
  if (status === 'paused' || status === 'standby') at(1, { kind: 'verb', verb: 'pause', id: 'j', block: false });
  expect(job?.status).toBe(status);
  // The gateway has block-job-cancel for block jobs, and for all others job-cancel, which forces.
  const [effect] = at(1, { kind: 'verb', verb: 'cancel', id: 'j', block, soft: block }).filter(
    ({ kind }) => kind === 'reply',
  );
  if (effect?.kind === 'reply' && !effect.reply.ok) return 'refused';
  at(1, { kind: 'tick' });
  if (job?.status === 'pending') at(1, { kind: 'verb', verb: 'finalize', id: 'j', block: false });
  expect(['concluded', 'null']).toContain(job?.status);
  expect(world.disks.get('j') ?? 0).toBe(0);
  return job?.error === null ? 'finishes' : 'cancels';
}

describe('a soft abort is said to do what it does', () => {
  const kinds: Record<string, Omit<JobSpec, 'id'>> = {
    mirror: { type: 'mirror' },
    'commit of the active layer': { type: 'commit', active: true },
    'commit of another layer': { type: 'commit' },
    backup: { type: 'backup' },
    stream: { type: 'stream' },
    create: { type: 'create' },
  };
  const inSync = (kind: string) => kind === 'mirror' || kind === 'commit of the active layer';
  const rows = Object.keys(kinds).flatMap((kind) => {
    const own: JobStatus[] = inSync(kind) ? ['ready', 'standby'] : [];
    return (['running', 'paused', 'waiting', 'pending', ...own] as JobStatus[]).map(
      (status) => [kind, status] as const,
    );
  });

  it.each(rows)('to a %s that is %s', (kind, status) => {
    const spec = kinds[kind] ?? { type: 'mirror' };
    expect(softCancel({ status, type: spec.type as JobType })).toBe(softlyAborted(spec, status));
  });
});

it('a type that never pivots is one that the gateway says so of, whatever was seen', () => {
  const types = [
    'mirror',
    'commit',
    'backup',
    'stream',
    'create',
    'amend',
    'snapshot-load',
    'snapshot-save',
    'snapshot-delete',
  ];
  for (const type of [...types, 'of a later QEMU']) {
    const run = { ...beginRun({ source: 's', id: 'j', run: 'r', began: { cursor: 'e:1' } }, 'running', 1, true), type };
    expect([type, neverPivots(type)]).toEqual([type, !mayPivot(run)]);
  }
  expect(neverPivots(null)).toBe(false);
});

it('figures are the present where the source is up and its QEMU answers', () => {
  const source = { name: 's', state: 'up', since: '' } as const;
  const others = [undefined, { ...source, state: 'down' }, { ...source, reason: 'stalled' }] as const;
  expect([source, ...others].map(isAnswering)).toEqual([true, false, false, false]);
});
