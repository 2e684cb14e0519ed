// What a tracker may claim: of a QEMU behind a socket file that can be replaced at any moment, and of a reply that events overtook.
import { expect, it } from 'vitest';
import type { QmpSession } from '../../src/qmp/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { TestJournal } from '../support/journal.js';
import { openTracked } from '../support/tracked.js';

/** A storage daemon: no vCPUs, and nothing else is answered. */
const session = {
  greeting: { version: { qemu: { major: 9, minor: 0, micro: 0 }, package: '' }, capabilities: [] },
  request: (name: string, _args: unknown, answer: (reply: unknown) => void) => {
    if (name === 'query-cpus-fast') answer({ kind: 'error', class: 'CommandNotFound', desc: '' });
  },
  execute: () => new Promise(() => undefined),
} as unknown as QmpSession;

/** @param births of the socket file, as it is looked at: before each connection, and when it stands. */
function sameAfter(...births: (string | undefined)[]): unknown[] {
  const { journal, feed, close } = openTracked({ source: { socketBirth: () => births.shift() } });
  const { drafts } = journal;
  while (births.length > 0) {
    feed({ kind: 'connecting', attempt: 1 });
    feed({ kind: 'up', session });
    feed({ kind: 'down', reason: 'closed', detail: '', attempt: 1, retryInMs: 1 });
  }
  close();
  return drafts.flatMap(({ type, data }) => (type === 'GATEWAY_SOURCE_UP' ? [(data as { same: unknown }).same] : []));
}

it.each([
  ['the same file', ['A', 'A', 'A', 'A'], ['unknown', true]],
  ['another file', ['A', 'A', 'B', 'B'], ['unknown', false]],
  ['a file that was replaced while the first connection was made', ['A', 'B', 'B', 'B'], ['unknown', 'unknown']],
  ['a file that was replaced while the second connection was made', ['A', 'A', 'A', 'B'], ['unknown', 'unknown']],
  ['a file that came while it connected', [undefined, 'A', 'A', 'A'], ['unknown', 'unknown']],
])('%s', (_, births, same) => {
  expect(sameAfter(...births)).toEqual(same);
});

it('a job that a reply still lists after its end was seen is queried again before it counts as a new run', async () => {
  const journal = new TestJournal();
  const { drafts } = journal;
  const asked: { name: string; answer: (reply: unknown) => void }[] = [];
  const talking = {
    ...session,
    request: (name: string, _args: unknown, answer: (reply: unknown) => void) => {
      if (name === 'query-cpus-fast') answer({ kind: 'error', class: 'CommandNotFound', desc: '' });
      else asked.push({ name, answer });
    },
    execute: () => Promise.resolve({ kind: 'return', value: [{ name: 'query-jobs' }] }),
  } as unknown as QmpSession;
  const reply = async (jobs: unknown[]): Promise<void> => {
    await expect.poll(() => asked.length).toBe(2);
    for (const { name, answer } of asked.splice(0))
      answer({ kind: 'return', value: name === 'query-jobs' ? jobs : [] });
  };
  const { tracker, feed, close } = openTracked({ journal });
  const hear = (status: string): void =>
    feed({ kind: 'event', event: { type: 'JOB_STATUS_CHANGE', time: null, data: { id: 'j', status } } });
  feed({ kind: 'connecting', attempt: 1 });
  feed({ kind: 'up', session: talking });
  await reply([]);
  hear('created');
  await expect.poll(() => asked.length).toBe(2);
  for (const status of ['running', 'waiting', 'pending', 'concluded', 'null']) hear(status);
  await reply([{ id: 'j', type: 'backup', status: 'running', 'current-progress': 1, 'total-progress': 2 }]);
  expect(tracker.runs.size).toBe(0);
  await reply([]);
  const told = drafts.filter(({ type }) => type.startsWith('GATEWAY_JOB')).map(({ type }) => type);
  expect(told).toEqual(['GATEWAY_JOB_SETTLED']);
  close();
});

it('probes by a clock that is never set: neither the wall clock set back an hour nor on a month keeps it from it', async () => {
  const clock = new FakeClock();
  const asked: string[] = [];
  const talking = {
    ...session,
    request: (name: string, _args: unknown, answer: (reply: unknown) => void) => {
      asked.push(name);
      answer(name === 'query-cpus-fast' ? { kind: 'error', class: 'x', desc: '' } : { kind: 'return', value: [] });
    },
    execute: () => Promise.resolve({ kind: 'return', value: [{ name: 'query-jobs' }] }),
  } as unknown as QmpSession;
  const { feed, close } = openTracked({ clock, source: { probeMs: 30_000 } });
  feed({ kind: 'connecting', attempt: 1 });
  feed({ kind: 'up', session: talking });
  await clock.advance(1);
  const probes = async (ms: number): Promise<number> => {
    const before = asked.filter((name) => name === 'query-jobs').length;
    await clock.advance(ms);
    return asked.filter((name) => name === 'query-jobs').length - before;
  };
  clock.setDate(-3_600_000);
  expect(await probes(61_000)).toBe(2);
  clock.setDate(30 * 86_400_000);
  expect(await probes(61_000)).toBe(2);
  close();
});

it('publishes what waits for an identification that does not come, within a bound of bytes', () => {
  const journal = new TestJournal();
  const { drafts } = journal;
  const mute = { ...session, request: () => () => false } as unknown as QmpSession;
  const { feed, close } = openTracked({ journal, source: { heldBytes: 1_000 } });
  feed({ kind: 'connecting', attempt: 1 });
  feed({ kind: 'up', session: mute });
  for (let n = 0; n < 5; n++) feed({ kind: 'event', event: { type: 'STOP', time: null, data: { n }, bytes: 300 } });
  expect(drafts.map(({ type }) => type)).toEqual(['GATEWAY_SOURCE_UP', ...Array(5).fill('STOP')]);
  expect(drafts[0]?.data).toMatchObject({ same: 'unknown' });
  close();
});

it('an event of a job without an id is of no job', () => {
  const journal = new TestJournal();
  const { drafts } = journal;
  const { tracker, feed, close } = openTracked({ journal });
  feed({ kind: 'connecting', attempt: 1 });
  feed({ kind: 'up', session });
  const data = { device: '', type: 'commit', len: 1, offset: 1, speed: 0 };
  feed({ kind: 'event', event: { type: 'BLOCK_JOB_COMPLETED', time: null, data } });
  expect(drafts.at(-1)).toMatchObject({ type: 'BLOCK_JOB_COMPLETED', data });
  expect(drafts.at(-1)?.job).toBeUndefined();
  expect(tracker.runs.size).toBe(0);
  close();
});

it('runs and commands have names of their own, whatever the log numbers, and whenever', () => {
  const journal = new TestJournal();
  const { drafts } = journal;
  // A log whose offsets come later: its head does not move as it is written to.
  const sources = ['vm1', 'vm2'].map((name) => openTracked({ name, journal }));
  for (const { tracker, feed } of sources) {
    feed({ kind: 'connecting', attempt: 1 });
    feed({ kind: 'up', session });
    for (const status of ['created', 'null', 'created'])
      feed({ kind: 'event', event: { type: 'JOB_STATUS_CHANGE', time: null, data: { id: 'j', status } } });
    const run = tracker.runs.get('j');
    if (run) tracker.written(run, { verb: 'abort', by: 'me', args: {} });
  }
  const runs = drafts.flatMap(({ job }) => (job ? [job.run] : []));
  expect(new Set(runs).size).toBe(4);
  const commands = drafts.flatMap(({ type, data }) =>
    type === 'GATEWAY_COMMAND' ? [(data as { command: string }).command] : [],
  );
  expect(new Set([...commands, ...runs]).size).toBe(6);
  for (const name of [...commands, ...runs]) expect(name).toMatch(/^[\x21-\x7e]{1,64}$/);
  for (const { close } of sources) close();
});
