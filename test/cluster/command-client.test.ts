// A call of an edge, whichever member has the source meanwhile.
import { beforeEach, expect, it } from 'vitest';
import type { CallContext } from '../../src/access/index.js';
import { commandsByOwners } from '../../src/cluster/command-client.js';
import { Owners } from '../../src/cluster/owners.js';
import type { CommandPort } from '../../src/gateway/index.js';
import { subjectsOf } from '../../src/nats/subjects.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryBus } from '../support/memory-bus.js';

const subjects = subjectsOf('qmp');
const target = { source: 's', job: 'j' };
const settled = { v: 1, answer: { ok: true, result: { outcome: 'cancelled' } }, cursor: '' };
const moved = { v: 1, moved: true };

let clock: FakeClock;
let bus: MemoryBus;
let commands: CommandPort;

beforeEach(() => {
  clock = new FakeClock();
  bus = new MemoryBus();
  commands = commandsByOwners({
    ...{ bus, subjects, clock, graceMs: 1_000, reached: () => Promise.resolve() },
    owners: new Owners(bus, subjects, clock, 5_000),
    sourceOf: (name) => ({ name, provider: 'qmp', state: 'up', since: '2026-11-29T08:00:00Z' }),
  });
});

const say = (instance: string): void => bus.publish(subjects.hold, { v: 1, member: 'm', instance, owned: ['s'] });

/** An owner that answers so. @returns ends it. */
const serve = (...replies: object[]): (() => void) =>
  bus.subscribe(subjects.commands('s'), (_body, _subject, reply) => {
    const next = replies.shift();
    if (next) reply?.(next);
  });

function wait(): Promise<unknown> {
  const { signal } = new AbortController();
  const context = { principal: { name: 'ann' }, signal, receivedAt: 0, deadline: clock.now() + 10_000 };
  return commands['job.wait'](context as unknown as CallContext, target);
}

const idsOf = (): unknown[] => bus.requests.map((request) => (request as { id: string }).id);

/** A call to i1, which says that the source has another owner. It is given as a function: as a promise it would be awaited. */
async function callThatMoves(): Promise<() => Promise<unknown>> {
  say('i1');
  await Promise.resolve();
  const stop = serve(moved);
  const answer = wait();
  await expect.poll(idsOf).toHaveLength(1);
  stop();
  return () => answer;
}

it.each([
  ['another member takes it', 'i2'],
  ['the same member has it again', 'i1'],
])('a call is made again when %s, as the same request', async (_what, next) => {
  const answer = await callThatMoves();
  serve(settled);
  say(next);
  expect(await answer()).toEqual(settled.answer);
  expect(new Set(idsOf()).size).toBe(1);
});

it('a member that says that it has the source before it can be reached is asked at its next word', async () => {
  const answer = await callThatMoves();
  say('i2');
  await expect.poll(idsOf).toHaveLength(2);
  serve(settled);
  await expect
    .poll(() => {
      say('i2');
      return idsOf().length;
    })
    .toBe(3);
  expect(await answer()).toEqual(settled.answer);
});

it('an owner that is at work on a call is not asked again', async () => {
  say('i1');
  await Promise.resolve();
  let answer: (() => void) | undefined;
  bus.subscribe(subjects.commands('s'), (_body, _subject, reply) => {
    answer = () => reply?.(settled);
  });
  const called = wait();
  await expect.poll(() => answer).toBeDefined();
  for (let n = 0; n < 3; n += 1) say('i1');
  await new Promise(setImmediate);
  answer?.();
  expect(await called).toEqual(settled.answer);
  expect(idsOf()).toHaveLength(1);
});

it('that nobody had the source is no answer once another member has been asked', async () => {
  const { request } = bus;
  let refused = (): void => undefined;
  bus.request = () => {
    bus.request = request;
    return new Promise((resolve) => {
      refused = () => resolve({ kind: 'nobody' });
    });
  };
  let answer = (): void => undefined;
  bus.subscribe(subjects.commands('s'), (_body, _subject, reply) => {
    answer = () => reply?.(settled);
  });
  const called = wait();
  say('i1');
  await expect.poll(idsOf).toHaveLength(1);
  refused();
  await new Promise(setImmediate);
  answer();
  expect(await called).toEqual(settled.answer);
});
