// An owner that was taken writes what it likes of its source. Whatever that is, an edge goes on, shows rows with members of the right types, and shows
// and tells of every other source what that source's owner has written.
import { expect, it } from 'vitest';
import { Edge } from '../../src/cluster/edge.js';
import { CLUSTER_DEFAULTS } from '../../src/cluster/options.js';
import { recordRun } from '../../src/jobs/model/evidence.js';
import { beginRun, type Run } from '../../src/jobs/model/run.js';
import { subjectsOf } from '../../src/nats/subjects.js';
import { Projection } from '../../src/protocol/projection.js';
import { OBJECTS } from '../../src/protocol/shapes.js';
import type { Entry, JobRef, Settlement } from '../../src/protocol/types.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryBus } from '../support/memory-bus.js';
import { MemoryStream } from '../support/memory-stream.js';

// Within the day for which ends are kept.
const TIME = Date.UTC(2026, 10, 24, 12) * 1_000;
const settlement: Settlement = {
  ...{ outcome: 'completed', provenance: 'observed', pivoted: true, pivotProof: 'event', forced: false },
  ...{ escalated: false, requestedBy: ['ann'], type: 'mirror', len: 8, offset: 8, dismissed: true },
};

function runOf(source: string, name: string): Run {
  const began = { cursor: 'aabbccdd:1', time: TIME };
  const run = beginRun({ source, id: name, run: `r:${source}-${name}`, began }, 'running', TIME, false);
  return {
    ...run,
    type: 'mirror',
    error: 'none',
    ioStatus: 'ok',
    autoDismiss: true,
    continuity: 'new',
    requestedBy: ['ann'],
  };
}

/** What a checkpoint has of a source with one run that lives and one that has ended. */
function linesOf(source: string): object[] {
  const [live, last] = [runOf(source, 'live'), runOf(source, 'ended')];
  const info = {
    name: source,
    provider: 'qmp',
    verbs: ['abort'],
    state: 'up',
    since: '2026-11-29T08:00:00Z',
    qemu: '10.0',
  };
  const command = { command: 'c:1', verb: 'abort', by: 'ann', force: false };
  const settled = {
    source,
    job: 'ended',
    run: last.run,
    cursor: 'aabbccdd:2',
    time: '2026-11-29T08:00:00Z',
    settled: settlement,
  };
  return [
    {
      kind: 'source',
      name: source,
      about: { provider: 'qmp', label: 'x' },
      info,
      evidence: { identity: 'q', legacy: false },
    },
    { kind: 'run', run: recordRun(live) },
    { kind: 'command', source, id: 'live', ref: live.ref, command },
    { kind: 'settled', settled, last: recordRun(last) },
  ];
}

const JOB: JobRef = { id: 'live', run: 'r:bad-live' };
/** Entries of the source that was taken, each of which its edge folds. */
const ENTRIES: readonly object[] = [
  { type: 'GATEWAY_SOURCE_UP', time: TIME, data: { provider: 'qmp', verbs: ['abort'], label: 'x', qemu: '10.0' } },
  { type: 'GATEWAY_SOURCE_SYNCED', time: TIME, data: { verbs: ['abort'] } },
  { type: 'GATEWAY_SOURCE_DOWN', time: TIME, data: { reason: 'unreachable' } },
  { type: 'GATEWAY_SOURCE_EVIDENCE', time: TIME, internal: true, data: { identity: 'q', legacy: true } },
  { type: 'JOB_STATUS_CHANGE', time: TIME, job: JOB, data: { id: 'live', status: 'paused' } },
  {
    type: 'BLOCK_JOB_READY',
    time: TIME,
    job: JOB,
    data: { device: 'live', type: 'mirror', len: 8, offset: 4, speed: 0 },
  },
  {
    type: 'BLOCK_JOB_COMPLETED',
    time: TIME,
    job: JOB,
    data: { device: 'live', type: 'mirror', len: 8, offset: 4, speed: 0, error: 'x' },
  },
  { type: 'BLOCK_JOB_ERROR', time: TIME, job: JOB, data: { device: 'live', operation: 'read', action: 'stop' } },
  {
    type: 'GATEWAY_JOB_FOUND',
    time: TIME,
    job: JOB,
    data: { status: 'ready', type: 'mirror', len: 8, offset: 4, speed: 0, continuity: 'assumed' },
  },
  {
    type: 'GATEWAY_JOB_ATTENTION',
    time: TIME,
    job: JOB,
    data: { ioStatus: 'failed', operation: 'read', action: 'stop' },
  },
  { type: 'GATEWAY_COMMAND', time: TIME, job: JOB, data: { command: 'c:2', verb: 'abort', by: 'ann', force: true } },
  { type: 'GATEWAY_COMMAND_ANSWERED', time: TIME, job: JOB, data: { command: 'c:1', result: 'accepted' } },
  {
    type: 'GATEWAY_RUN_EVIDENCE',
    time: TIME,
    job: JOB,
    internal: true,
    data: { type: 'mirror', error: 'x', neverPivots: true, end: { evidence: { kind: 'observed' }, dismissed: false } },
  },
  { type: 'GATEWAY_JOB_SETTLED', time: TIME, job: JOB, data: { ...settlement, began: 'aabbccdd:1' } },
  { type: 'GATEWAY_SOURCE_REMOVED', time: TIME, data: {} },
];

/** In place of any part: of another type, an empty one, what names the other source, and what has no text. */
const OTHERS: readonly unknown[] = [
  ...[undefined, null, true, 0, -1.5, 1e300, '', 'x', 'null', 'good', 'live', 'ended', 'r:good-live', 'r:good-ended'],
  ...[[], ['x'], [[1, 2]], {}, { toString: 1, valueOf: 1 }, { id: 'live', run: 'r:good-live' }, { id: 5, run: {} }],
];

/** Members that the fold of a run has, and messages have not. */
const MORE: readonly object[] = [
  ...[{ source: 'good' }, { run: 'r:good-live' }, { id: 'ended' }, { job: { id: 'live', run: 'r:good-live' } }],
  ...[{ ref: { id: 'live', run: 'r:good-live' } }, { ref: null }, { began: {} }, { settled: {} }, { requestedBy: 7 }],
];

/** The value with each of its parts replaced by each of the others, and with more members. */
function* mutants(value: unknown): Generator<unknown> {
  yield* OTHERS;
  if (typeof value !== 'object' || value === null) return;
  for (const more of MORE) yield { ...value, ...more };
  for (const [key, part] of Object.entries(value))
    for (const mutant of mutants(part))
      yield Object.assign(Array.isArray(value) ? [...value] : { ...value }, { [key]: mutant });
}

const HEAD = { v: 1, owner: 'rack1', checkpoint: 0 };
const checkpoint = (lines: readonly unknown[]): object => ({
  ...{ ...HEAD, part: 1, of: 1 },
  lines: lines.map((line) => JSON.stringify(line) ?? ''),
});

/** Types of members, not their words: a later version may have more of these. */
const TYPE_ISSUES: ReadonlySet<string> = new Set(['invalid_type', 'invalid_union']);

async function openRig() {
  const [clock, stream, bus] = [new FakeClock(), new MemoryStream(), new MemoryBus()];
  const write = async (source: string, body: object): Promise<void> => {
    const after = (await stream.last(source))?.seq ?? 0;
    await stream.write({ source, body: JSON.stringify(body), id: `aabbccdd.w.${stream.lastSeq}`, after });
  };
  const malformed: string[] = [];
  const newEdge = (malformedIn: (source: string) => void = () => undefined): Edge =>
    new Edge({
      ...{ member: 'edge', stream, bus, subjects: subjectsOf('qmp'), clock, options: CLUSTER_DEFAULTS, limits: {} },
      listener: { failing: () => undefined, malformed: malformedIn },
    });
  const edge = newEdge((source) => malformed.push(source));
  await write('good', checkpoint(linesOf('good')));
  await edge.open();
  // As a client folds it.
  const client = new Projection('aabbccdd', {
    jobs: new Map(edge.view.jobs(() => true).map((job) => [job.run, job])),
    settled: new Map(edge.view.settled().map((run) => [run.run, run])),
    sources: new Map(edge.view.sources().map((source) => [source.name, source])),
  });
  edge.log.entries$.subscribe(({ json }) => client.apply(JSON.parse(json) as Entry));
  const views = () => ({
    sources: edge.view.sources(),
    jobs: edge.view.jobs(() => true),
    settled: edge.view.settled(),
    client: [...client.jobs.values(), ...client.settled.values()],
  });
  const ofGood = ({ sources, jobs, settled, client: rows }: ReturnType<typeof views>): unknown => [
    sources.filter(({ name }) => name === 'good'),
    ...[jobs, settled, rows].map((each) => each.filter(({ source }) => source === 'good')),
  ];
  const before = ofGood(views());
  const check = (what: unknown): void => {
    const shown = views();
    expect(ofGood(shown), JSON.stringify(what)).toEqual(before);
    const rows = [
      ...shown.sources.map((row) => OBJECTS.SourceInfo.safeParse(row)),
      ...shown.jobs.map((row) => OBJECTS.Job.safeParse(row)),
      ...shown.settled.map((row) => OBJECTS.SettledRun.safeParse(row)),
    ];
    const issues = rows.flatMap(({ error }) => error?.issues ?? []).filter(({ code }) => TYPE_ISSUES.has(code));
    expect(issues, JSON.stringify(what)).toEqual([]);
  };
  /** Another edge, which reads the same stream. */
  const opened = async (): Promise<Edge> => {
    const another = newEdge();
    await another.open();
    return another;
  };
  return { edge, stream, write, check, malformed, client, opened };
}

it.each([
  [
    'a checkpoint',
    linesOf('bad').flatMap((line, at) =>
      [...mutants(line)].map((mutant) => ({ mutant, bodies: [checkpoint(linesOf('bad').with(at, mutant as object))] })),
    ),
  ],
  [
    'an entry',
    ENTRIES.flatMap((entry) => [...mutants(entry)]).map((mutant) => ({
      mutant,
      bodies: [checkpoint(linesOf('bad')), { ...HEAD, entries: [mutant] }],
    })),
  ],
])('whatever %s says', async (_what, trials) => {
  const { edge, write, check, malformed, opened } = await openRig();
  expect(trials.length).toBeGreaterThan(1_000);
  for (const { mutant, bodies } of trials) {
    for (const body of bodies) await write('bad', body);
    check(mutant);
  }
  expect(malformed).toEqual(['bad']);
  await write('bad', checkpoint(linesOf('bad')));
  expect((await opened()).view.sources()).toEqual(edge.view.sources());
  expect(edge.view.jobs((source) => source === 'bad')).toMatchObject([{ job: 'live', run: 'r:bad-live' }]);
});

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const ENTRY = { type: 'X', time: null, data: {} };

it.each([
  [
    'places that are none',
    ['-1', '1.5', '1e300', '9007199254740991', '"1"', 'null'].map((place) => `"checkpoint":${place}`),
  ],
  ['parts that are none', ['"part":0', '"part":2', '"of":0', '"of":1.5', '"of":1000000000', '"part":1e9,"of":1e9']],
  [
    'data that is deep, in the place of which a text has no end',
    [
      `"entries":[{"type":"X","time":null,"data":{"a":${deep(50_000)}}}]`,
      `"entries":[{"type":"X","time":null,"data":${deep(200_000)}}]`,
    ],
  ],
  [
    'what the log adds itself',
    [{ position: 1 }, { position: { cursor: 'x' } }, { bytes: -1e12 }, { source: 'good' }, { offset: 1 }].map(
      (more) => `"entries":[${JSON.stringify({ ...ENTRY, ...more })}]`,
    ),
  ],
  ['more lines than a call may have arguments', [`"part":1,"of":1,"lines":[${'"",'.repeat(340_000)}""]`]],
])('%s', async (_what, heads) => {
  const { edge, stream, check, opened } = await openRig();
  const { lines } = checkpoint(linesOf('bad')) as { lines: string[] };
  for (const head of heads) {
    const body = `{"v":1,"owner":"rack1","checkpoint":0,"part":1,"of":1,"lines":${JSON.stringify(lines)},${head}}`;
    const after = (await stream.last('bad'))?.seq ?? 0;
    await stream.write({ source: 'bad', body, id: `aabbccdd.w.${stream.lastSeq}`, after });
    check(head.slice(0, 100));
    const late = await opened();
    expect(late.view.sources().filter(({ name }) => name === 'good')).toHaveLength(1);
    await late.close();
  }
  expect(edge.log.head).toBe((await opened()).log.head);
});

it('a run of another source, which that source then tells the end of', async () => {
  const { edge, write, client } = await openRig();
  const ended: unknown[] = [];
  edge.ended$.subscribe(({ settled: { source, settled } }) => ended.push([source, settled.outcome]));
  const job: JobRef = { id: 'live', run: 'r:good-live' };
  const settledAs = (outcome: string): object => ({
    ...{ type: 'GATEWAY_JOB_SETTLED', time: TIME, job },
    data: { ...settlement, outcome },
  });
  const forged = { source: 'bad', job: 'live', run: job.run, cursor: 'aabbccdd:2', time: null, settled: settlement };
  const last = recordRun({ ...runOf('bad', 'live'), run: job.run, ref: job });
  await write('bad', checkpoint([...linesOf('bad'), { kind: 'settled', settled: forged, last }]));
  await write('bad', { ...HEAD, entries: [settledAs('completed')] });
  expect(edge.view.jobs((source) => source === 'good')).toMatchObject([{ run: job.run, status: 'running' }]);
  await write('good', { ...HEAD, entries: [settledAs('failed')] });
  const outcomes = edge.view.settled().filter(({ run }) => run === job.run);
  expect(outcomes.map(({ source, settled: { outcome } }) => [source, outcome])).toEqual([
    ['good', 'failed'],
    ['bad', 'completed'],
  ]);
  expect(ended).toEqual([['good', 'failed']]);
  expect(client.settled.get(job.run)).toMatchObject({ source: 'good', settled: { outcome: 'failed' } });
});
