// One source of an owner, contended for by two members over one stream.
import { beforeEach, expect, it } from 'vitest';
import { OwnedSource } from '../../src/cluster/owned-source.js';
import type { Restoration } from '../../src/jobs/index.js';
import { type StreamMessage, WRITER_DEFAULTS } from '../../src/log/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryLocks } from '../support/memory-locks.js';
import { MemoryStream } from '../support/memory-stream.js';

let clock: FakeClock;
let stream: MemoryStream;
let locks: MemoryLocks;
let told: string[];
/** What the member that began last has read of its source. */
let restored: Restoration | undefined;

beforeEach(() => {
  clock = new FakeClock();
  stream = new MemoryStream();
  locks = new MemoryLocks();
  told = [];
});

function contend(member: string, saved: readonly object[] = []): OwnedSource {
  const tell = (what: string): void => void told.push(`${member} ${what}`);
  return new OwnedSource(
    {
      ...{ source: 's', member, stream, locks, clock, ttlMs: 3_000, letGoMs: 8_000, retryMs: 100 },
      ...{
        hasStandby: () => true,
        save: () => saved.map((line) => JSON.stringify(line)),
        writer: { clock, ...WRITER_DEFAULTS },
      },
    },
    {
      restored: (state) => {
        restored = state;
      },
      owned: (isTakenOver) => tell(isTakenOver ? 'took it over' : 'has it'),
      unreadable: () => tell('could not read'),
      released: () => tell('let it go'),
      fenced: () => tell('was refused'),
      acknowledged: () => undefined,
      gap: () => undefined,
      reused: () => undefined,
      failing: () => undefined,
    },
  );
}

it('a source that nobody had is not taken over, and one that another member had is', async () => {
  const a = contend('a');
  await expect.poll(() => told).toEqual(['a has it']);
  await a.end(1_000);
  contend('b');
  await expect.poll(() => told).toEqual(['a has it', 'b took it over']);
});

it('a member that had it itself before has taken nothing over', async () => {
  const before = contend('a');
  await expect.poll(() => told).toEqual(['a has it']);
  await before.end(1_000);
  contend('a');
  await expect.poll(() => told).toEqual(['a has it', 'a has it']);
});

it('a member whose lock another has got meanwhile is refused by the stream, and lets the source go', async () => {
  const a = contend('a');
  await expect.poll(() => told).toEqual(['a has it']);
  locks.expire('s');
  contend('b');
  await expect.poll(() => told).toEqual(['a has it', 'b took it over']);
  a.append([{ source: 's', type: 'STOP', time: 1, data: {} }]);
  await expect.poll(() => told.slice(2, 4)).toEqual(['a was refused', 'a let it go']);
  await clock.advance(2_000);
  expect(told.slice(4)).toEqual([]);
});

it('what an owner that was taken has written keeps the source from no other', async () => {
  const a = contend('a', [{ kind: 'run', run: { source: 's', id: 'j', run: 'r:1', status: 5 } }]);
  await expect.poll(() => told).toEqual(['a has it']);
  await a.end(1_000);
  contend('b');
  await expect.poll(() => told.slice(1)).toEqual(['b could not read', 'b took it over']);
});

/** Three runs, each in a message of its own. @param options of the writer that has them. */
async function threeRuns(): Promise<StreamMessage[]> {
  const found = { type: 'backup', status: 'running', continuity: 'new' };
  const a = contend('a');
  await expect.poll(() => told).toEqual(['a has it']);
  for (const id of ['first', 'second', 'third']) {
    a.append([{ source: 's', type: 'GATEWAY_JOB_FOUND', time: 1, job: { id, run: `r:${id}` }, data: found }]);
    await a.writer?.drained();
  }
  return stream.messages;
}

async function runsOfNext(): Promise<string[]> {
  locks.expire('s');
  contend('b');
  await expect.poll(() => told[1]).toEqual('b took it over');
  return [...(restored?.runsOf('s') ?? new Map()).keys()];
}

it.each([
  ['the nearest replica leaves out', 'hides'],
  ['nobody finds by its source', 'leavesOut'],
] as const)('who takes it over knows every message, also one that %s', async (_, way) => {
  const hidden = (await threeRuns()).find(({ body }) => body.includes('r:second'));
  stream[way] = (message) => message === hidden;
  expect(await runsOfNext()).toEqual(['first', 'second', 'third']);
});

it('who takes it over knows the newest message, also where nobody finds it by its source', async () => {
  const newest = (await threeRuns()).at(-1);
  stream.leavesOut = (message) => message === newest;
  expect(await runsOfNext()).toEqual(['first', 'second', 'third']);
});

it('a message that the stream has lost keeps the source from nobody', async () => {
  const lost = (await threeRuns()).find(({ body }) => body.includes('r:second'));
  stream.replace(lost?.seq ?? 0, 'other');
  expect(await runsOfNext()).toEqual(['first', 'third']);
});

it('of a checkpoint that the stream has lost it reads the one before, and what came after that', async () => {
  const a = contend('a');
  await expect.poll(() => told).toEqual(['a has it']);
  const found = { type: 'backup', status: 'running', continuity: 'new' };
  const append = async (id: string): Promise<void> => {
    a.append([{ source: 's', type: 'GATEWAY_JOB_FOUND', time: 1, job: { id, run: `r:${id}` }, data: found }]);
    await a.writer?.drained();
  };
  await append('first');
  a.writer?.checkpoint();
  await a.writer?.drained();
  const { lastSeq: lost } = stream;
  await append('second');
  expect(stream.messages.at(-1)?.body).toContain(`"checkpoint":${lost}`);
  stream.replace(lost, 'other');
  expect(await runsOfNext()).toEqual(['first', 'second']);
});
