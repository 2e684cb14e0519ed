// The state machine of the simulator at simulated times: its events, its rules and its timers, without a socket.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LACKS_OF_2_11, type Lack } from '../../src/simulator/lacks.js';
import { type Effect, type JobSpec, LEGAL, TRANSITIONS, type World } from '../../src/simulator/model.js';
import { nextDue } from '../../src/simulator/progress.js';
import { emptyWorld, type Input, step } from '../../src/simulator/step.js';

const text = (effect: Effect): string => {
  if (effect.kind === 'reply') return effect.reply.ok ? 'return' : effect.reply.error.desc;
  const { event, data } = effect.event;
  return event === 'JOB_STATUS_CHANGE'
    ? `${data.id} ${data.status}`
    : `${event.replace('BLOCK_JOB_', '')} ${data.device ?? data.id}`;
};

function machine(lacks: readonly Lack[] = []) {
  const world: World = emptyWorld(lacks);
  const at = (now: number, input: Input): string[] => step(world, input, now).map(text);
  return {
    world,
    tick: (now: number) => at(now, { kind: 'tick' }),
    start: (now: number, ...jobs: JobSpec[]) => at(now, { kind: 'start', jobs, grouped: jobs.length > 1 }),
    verb: (now: number, verb: (Input & { kind: 'verb' })['verb'], soft = false, id = 'j') =>
      at(now, { kind: 'verb', verb, id, block: soft, soft }),
    offset: (now: number) => {
      step(world, { kind: 'query-jobs' }, now);
      return world.jobs[0]?.offset;
    },
  };
}

const MIRROR: JobSpec = { type: 'mirror', id: 'j', len: 1000, bytesPerSecond: 100 };

describe('progress', () => {
  it('grows with time and ends exactly at len', () => {
    const { start, offset, tick, world } = machine();
    start(0, { ...MIRROR, type: 'stream' });
    expect(offset(2500)).toBe(250n);
    expect(nextDue(world)).toBe(10_000);
    expect(tick(9_999)).toEqual([]);
    expect(tick(10_000)).toEqual(['j waiting', 'j pending', 'COMPLETED j', 'j concluded', 'j null']);
  });

  it('stands still while paused, and goes on from there', () => {
    const { start, verb, offset, world } = machine();
    start(0, MIRROR);
    verb(1000, 'pause');
    expect(nextDue(world)).toBeNull();
    expect(offset(60_000)).toBe(100n);
    verb(60_000, 'resume');
    expect(nextDue(world)).toBe(69_000);
  });

  it('accepts a speed of 2^63-1 and keeps it', () => {
    const { start, world } = machine();
    start(0, { ...MIRROR, speed: 2n ** 63n - 1n });
    expect(world.jobs[0]?.speed).toBe(9223372036854775807n);
  });
});

describe('winding down', () => {
  it('a soft cancel of a READY mirror may never end; completion is refused, pause allowed, force ends it', () => {
    const { start, verb, tick } = machine();
    start(0, { ...MIRROR, syncMs: Number.POSITIVE_INFINITY, drainMs: 400 });
    expect(tick(10_000)).toEqual(['j ready', 'READY j']);
    expect(verb(10_000, 'cancel', true)).toEqual(['return']);
    expect(tick(9e9)).toEqual([]);
    expect(verb(9e9, 'complete')).toEqual(["The active block job 'j' cannot be completed"]);
    expect(verb(9e9, 'cancel', true)).toEqual(['return']);
    expect(verb(9e9, 'pause')).toEqual(['j standby', 'return']);
    expect(verb(9e9, 'resume')).toEqual(['j ready', 'return']);
    expect(verb(9e9, 'cancel')).toEqual(['return']);
    expect(tick(9e9 + 399)).toEqual([]);
    expect(tick(9e9 + 400)).toEqual(['j aborting', 'CANCELLED j', 'j concluded', 'j null']);
  });

  it('failed, then force-cancelled before it is down: CANCELLED, and the error stays in the query', () => {
    const { start, verb, tick, world } = machine();
    start(0, { ...MIRROR, failAt: 500, drainMs: 1000, autoDismiss: false });
    expect(tick(5000)).toEqual(['ERROR j']);
    expect(verb(5500, 'cancel')).toEqual(['return']);
    expect(tick(6000)).toEqual(['j aborting', 'CANCELLED j', 'j concluded']);
    expect(world.jobs[0]?.error).toBe('Input/output error');
  });

  it('a READY mirror that meets an error stands by, READY still, and says READY no second time', () => {
    const { world, start, verb, tick } = machine();
    start(0, MIRROR);
    tick(10_000);
    const events = step(
      world,
      { kind: 'io-error', id: 'j', action: 'stop', operation: 'write', noSpace: true },
      11_000,
    );
    expect(events.map(text)).toEqual(['ERROR j', 'j standby', 'return']);
    expect(world.jobs[0]?.ioStatus).toBe('nospace');
    expect(verb(12_000, 'cancel', true)).toEqual(["The block job for device 'j' is currently paused"]);
    expect(verb(12_000, 'resume')).toEqual(['j ready', 'return']);
    expect(world.jobs[0]?.ioStatus).toBe('ok');
  });

  it('stayReady as milliseconds ends a mirror as if a client had completed it', () => {
    const { start, tick } = machine();
    start(0, { ...MIRROR, stayReady: 500 });
    expect(tick(10_499)).toEqual(['j ready', 'READY j']);
    expect(tick(10_500)).toEqual(['j waiting', 'j pending', 'COMPLETED j', 'j concluded', 'j null']);
  });

  it('has several runs of one id in one turn', () => {
    const { start } = machine();
    const life = ['j created', 'j running', 'return', 'j waiting', 'j pending', 'COMPLETED j', 'j concluded', 'j null'];
    const quick: JobSpec = { type: 'stream', id: 'j' };
    expect([...start(0, quick), ...start(0, quick)]).toEqual([...life, ...life]);
  });
});

it('QEMU before 3.0 knows no JOB_STATUS_CHANGE', () => {
  const { start, tick } = machine(LACKS_OF_2_11);
  expect(start(0, MIRROR)).toEqual(['return']);
  expect(tick(10_000)).toEqual(['READY j']);
});

describe('laws', () => {
  const verbs = ['cancel', 'pause', 'resume', 'complete', 'finalize', 'dismiss'] as const;
  const spec = fc.record({
    type: fc.constantFrom('mirror', 'backup', 'stream', 'commit'),
    id: fc.constantFrom('j', 'k', 'l'),
    len: fc.constant(1000),
    bytesPerSecond: fc.constantFrom(1000, Number.POSITIVE_INFINITY),
    speed: fc.constantFrom(0, 100),
    autoFinalize: fc.boolean(),
    autoDismiss: fc.boolean(),
    drainMs: fc.constantFrom(0, 300),
    syncMs: fc.constantFrom(0, 300, Number.POSITIVE_INFINITY),
    failAt: fc.constantFrom(null, 500),
    errorAction: fc.constantFrom('report', 'ignore', 'stop', 'enospc'),
    stayReady: fc.constantFrom(true, false, 200),
  }) as fc.Arbitrary<JobSpec>;
  const id = fc.constantFrom('j', 'k', 'l');
  const input: fc.Arbitrary<Input> = fc.oneof(
    fc.constant<Input>({ kind: 'tick' }),
    fc.record({
      kind: fc.constant('start' as const),
      jobs: fc.array(spec, { minLength: 1, maxLength: 3 }),
      grouped: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('verb' as const),
      verb: fc.constantFrom(...verbs),
      id,
      block: fc.boolean(),
      soft: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('set-speed' as const), id, speed: fc.constantFrom(0, 10, 2n ** 63n - 1n) }),
    fc.constant<Input>({ kind: 'query-block-jobs', version: { major: 7, minor: 2 } }),
  );

  it('any commands in any order give legal transitions only, one outcome per run, one reply per input, and quit ends all jobs', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(input, fc.nat(2000)), { maxLength: 40 }), (history) => {
        const world = emptyWorld();
        const status = new Map<string, string>();
        const outcomes = new Map<string, number>();
        let now = 0;
        for (const [what, pause] of [...history, [{ kind: 'quit' } as Input, 0] as const]) {
          now += pause;
          const effects = step(world, what, now);
          expect(effects.filter(({ kind }) => kind === 'reply').length).toBe(what.kind === 'tick' ? 0 : 1);
          for (const effect of effects) {
            if (effect.kind === 'reply') continue;
            const { event, data } = effect.event;
            if (event === 'BLOCK_JOB_COMPLETED' || event === 'BLOCK_JOB_CANCELLED') {
              const device = String(data.device);
              outcomes.set(device, (outcomes.get(device) ?? 0) + 1);
              expect(outcomes.get(device)).toBe(1);
            }
            if (event !== 'JOB_STATUS_CHANGE') continue;
            const [job, next] = [String(data.id), String(data.status)];
            expect(TRANSITIONS[status.get(job) ?? 'undefined']).toContain(next);
            status.set(job, next);
            if (next === 'null') {
              status.delete(job);
              outcomes.delete(job);
            }
          }
        }
        expect(world.jobs).toEqual([]);
        expect(status.size).toBe(0);
      }),
      { numRuns: 400 },
    );
  });

  it('no verb is legal in aborting but none, and every verb somewhere', () => {
    for (const verb of Object.values(LEGAL)) {
      expect(verb).not.toContain('aborting');
      expect(verb.length).toBeGreaterThan(0);
    }
  });
});
