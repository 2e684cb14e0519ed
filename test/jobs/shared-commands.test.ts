// What the runs of jobs learn of commands that other tools send, beside a QEMU without a socket.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CallContext } from '../../src/access/index.js';
import { JobCommands } from '../../src/jobs/commands/job-commands.js';
import { SharedCommands } from '../../src/jobs/commands/shared-commands.js';
import { SourceRegistry } from '../../src/jobs/tracking/source-registry.js';
import type { TrackListener } from '../../src/jobs/tracking/track-listener.js';
import type { JobCommand } from '../../src/sources/index.js';
import { me } from '../support/access.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeQemu, settle } from '../support/fake-qemu.js';
import { TestJournal } from '../support/journal.js';
import { openTracked } from '../support/tracked.js';

const GRAPH = 'x-debug-query-block-graph';

function openBench() {
  const clock = new FakeClock();
  const journal = new TestJournal();
  const registry = new SourceRegistry(clock);
  const jobCommands = new JobCommands(registry, clock, () => undefined);
  const listener: TrackListener = {
    signal: (source, signal) => jobCommands.take(source, signal),
    measured: () => undefined,
  };
  const tracked = openTracked({ clock, journal, listener, source: { socketBirth: () => 'birth' } });
  registry.add(tracked.tracker);
  const qemu = new FakeQemu(tracked, ['query-jobs', 'job-cancel', 'job-complete', GRAPH]);
  const shared = new SharedCommands(registry, () => journal, clock);
  const context = (): CallContext => ({
    principal: me,
    address: undefined,
    receivedAt: clock.now(),
    deadline: clock.now() + 1_000,
    signal: new AbortController().signal,
  });
  const begin = (name: string, job: JobCommand | undefined) =>
    shared.begin({ source: 'vm1', tool: 'share:x#1', name, job });
  const close = (): void => {
    tracked.close();
    jobCommands.close();
  };
  return { journal, jobCommands, tracker: tracked.tracker, qemu, context, begin, close };
}

/** Every graph that is asked for is that of a QEMU without nodes. */
function answerGraphs({ written }: FakeQemu): number {
  let count = 0;
  for (const { name, answer } of written.splice(0)) {
    expect(name).toBe(GRAPH);
    answer({ kind: 'return', value: { nodes: [], edges: [] } });
    count += 1;
  }
  return count;
}

let bench: ReturnType<typeof openBench>;
beforeEach(async () => {
  bench = openBench();
  await bench.qemu.connect();
  bench.qemu.start('j');
  await settle();
  bench.qemu.ready('j');
  while (answerGraphs(bench.qemu) > 0);
});
afterEach(() => bench.close());

it('a command that may lead to a pivot has the users of the disk queried before it, and no other has', () => {
  bench.begin('job-complete', { verb: 'complete', id: 'j' });
  expect(answerGraphs(bench.qemu)).toBe(1);
  bench.begin('block-job-cancel', { verb: 'abort', id: 'j', force: false });
  expect(answerGraphs(bench.qemu)).toBe(1);
  bench.begin('job-cancel', { verb: 'abort', id: 'j', force: true });
  bench.begin('job-pause', { verb: 'pause', id: 'j' });
  bench.begin('job-complete', { verb: 'complete', id: 'other' });
  bench.begin('stop', undefined);
  expect(answerGraphs(bench.qemu)).toBe(0);
});

it('a complete that a tool has written keeps a soft abort away; one that QEMU refused does not', async () => {
  const trace = bench.begin('job-complete', { verb: 'complete', id: 'j' });
  answerGraphs(bench.qemu);
  trace.written();
  const abort = () => bench.jobCommands.abort(bench.context(), { source: 'vm1', job: 'j' });
  expect(await abort()).toMatchObject({ ok: false, error: { reason: 'JOB_STATE', data: { status: 'ready' } } });
  trace.replied({ kind: 'refused', class: 'GenericError', desc: 'no' });
  const second = abort();
  await expect.poll(() => bench.qemu.written.map(({ name }) => name)).toContain('block-job-cancel');
  for (const { answer } of bench.qemu.written.splice(0)) answer({ kind: 'return', value: { nodes: [], edges: [] } });
  expect(await second).toMatchObject({ ok: true });
});

it('a command is an entry of its own, and of a known run also one of the audit trail; its arguments only of a job', () => {
  const from = bench.journal.drafts.length;
  bench.begin('blockdev-add', undefined).written();
  bench.begin('block-job-set-speed', { verb: 'setSpeed', id: 'j', speed: '9007199254740993' }).written();
  bench.begin('job-pause', { verb: 'pause', id: 'unknown' }).written();
  expect(bench.journal.drafts.slice(from).map(({ type, data }) => ({ type, data }))).toMatchObject([
    { type: 'GATEWAY_SHARED_COMMAND', data: { command: 'blockdev-add', tool: 'share:x#1' } },
    { type: 'GATEWAY_SHARED_COMMAND', data: { args: { job: 'j', speed: '9007199254740993' } } },
    { type: 'GATEWAY_COMMAND', data: { verb: 'setSpeed', by: 'share:x#1', args: { job: 'j' } } },
    { type: 'GATEWAY_SHARED_COMMAND', data: { command: 'job-pause', args: { job: 'unknown' } } },
  ]);
  expect(bench.journal.drafts[from]?.data).not.toHaveProperty('args');
});

it('a cancel that was meant for an earlier run of the id is known to the run that it may have reached', () => {
  const trace = bench.begin('job-cancel', { verb: 'abort', id: 'j', force: true });
  trace.written();
  bench.qemu.end('j', 'failed');
  bench.qemu.start('j');
  trace.replied({ kind: 'accepted' });
  expect(bench.tracker.runs.get('j')).toMatchObject({ misdelivered: true, requestedBy: ['share:x#1'], force: 'none' });
});
