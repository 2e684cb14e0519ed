// A log that is kept elsewhere: nothing is shown before its store has it, whatever the store does.
import { expect, it } from 'vitest';
import { MemoryLog, StoredLog, type StoredLogOptions } from '../../src/log/index.js';
import type { EntryDraft, LogPosition } from '../../src/protocol/draft.js';
import { FakeClock } from '../support/fake-clock.js';
import { TestStore } from '../support/log.js';

const draft = (type: string, more: Partial<EntryDraft> = {}): EntryDraft => ({
  source: 'vm1',
  type,
  time: 1,
  data: {},
  ...more,
});

function openLog(kind: 'late' | 'flaky' | 'dead', options: Partial<StoredLogOptions> = {}) {
  const store = new TestStore(kind, options.clock);
  const log = new StoredLog(new MemoryLog({ epoch: 'e' }), store, { retryMs: 1, ...options });
  const shown: string[] = [];
  log.entries$.subscribe({ next: ({ type }) => shown.push(type) });
  /** Resolves when all that was appended is shown. */
  const settled = (): Promise<void> => new Promise((resolve) => log.append([], resolve));
  return { log, store, shown, settled };
}

it('shows an entry and sets its position once its store has taken it', async () => {
  const { log, shown, settled } = openLog('late');
  const position: LogPosition = { cursor: undefined };
  log.append([draft('A', { position }), draft('B')], () => shown.push('shown A B'));
  log.append([draft('C')]);
  expect([log.head, shown, position.cursor]).toEqual([0, [], undefined]);
  await settled();
  expect([log.head, shown, position.cursor]).toEqual([3, ['A', 'B', 'shown A B', 'C'], 'e:1']);
});

it('writes a failed batch again, under its id and before any other, and shows it once', async () => {
  const { log, store, shown, settled } = openLog('flaky');
  log.append([draft('A')]);
  log.append([draft('B')]);
  log.append([draft('C')]);
  await settled();
  expect(shown).toEqual(['A', 'B', 'C']);
  expect(store.taken.map(({ drafts }) => drafts.map(({ type }) => type))).toEqual([['A'], ['B', 'C']]);
  expect(store.written).toEqual([1, 1, 1, 2, 2, 2]);
});

it('tells what waits for its store, and that a batch is written again', async () => {
  const clock = new FakeClock();
  const { log, settled } = openLog('flaky', { clock, maxWaitingBytes: 10_000 });
  log.append([draft('A', { bytes: 600 })]);
  expect(log.status).toMatchObject({ waitingBytes: 600, maxWaitingBytes: 10_000, isRetrying: false });
  await clock.advance(1);
  expect(log.status).toMatchObject({ waitingBytes: 600, isRetrying: true });
  const done = settled();
  await clock.advance(10);
  await done;
  expect(log.status).toMatchObject({ entries: 1, waitingBytes: 0, isRetrying: false });
});

it('keeps what was appended together in one write and one event-loop turn, however much waits', async () => {
  const { log, store, shown, settled } = openLog('late');
  for (let n = 0; n < 50; n += 1) log.append(Array.from({ length: 100 }, () => draft(`${n}`)));
  await settled();
  expect(shown).toHaveLength(5_000);
  for (const { drafts } of store.taken) expect([drafts.length % 100, drafts.length <= 1_024]).toEqual([0, true]);
});

it('keeps nothing for clients of what is there for a restart, but its store has it', async () => {
  const { log, store, shown, settled } = openLog('late');
  log.append([draft('A'), draft('FOR_A_RESTART', { internal: true }), draft('B')]);
  await settled();
  expect([shown, log.head]).toEqual([['A', 'B'], 2]);
  expect(store.taken[0]?.drafts).toHaveLength(3);
});

it('fails for good where its store takes nothing and more waits than it may: what was not taken is never shown', async () => {
  const clock = new FakeClock();
  const { log, store, shown } = openLog('dead', { maxWaitingBytes: 10_000, clock });
  log.append([draft('first')], () => shown.push('shown'));
  await clock.advance(3);
  expect(store.written).toEqual([1, 1, 1, 1]);
  for (let n = 0; n < 20; n += 1) log.append([draft(`${n}`, { bytes: 1_000 })], () => shown.push('shown'));
  const failure = await log.failed;
  expect(failure.message).toContain('bytes wait to be taken');
  expect(failure.cause).toMatchObject({ message: 'no space left' });
  log.append([draft('later')], () => shown.push('shown'));
  await clock.advance(1_000);
  expect(store.written).toHaveLength(4);
  expect([shown, log.head]).toEqual([[], 0]);
});
