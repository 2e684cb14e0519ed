// The job layer as one, beside QEMUs without sockets: sources come and go, runs settle, callers are answered.
import type { Logger } from 'pino';
import { Subject } from 'rxjs';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { type Jobs, openJobs, Restoration } from '../../src/jobs/index.js';
import type { Progress, SettledRun } from '../../src/protocol/types.js';
import { type ProvidedSource, QmpJobSource } from '../../src/sources/index.js';
import { me } from '../support/access.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeQemu, settle } from '../support/fake-qemu.js';
import { type FedMonitor, fedMonitor } from '../support/fed-monitor.js';
import { TestJournal } from '../support/journal.js';

const target = { source: 'vm1', job: 'j' };
const SILENT = { info() {}, warn() {}, error() {}, debug() {}, child: () => SILENT } as unknown as Logger;

let clock: FakeClock;
let journal: TestJournal;
let jobs: Jobs;
let provided$: Subject<ProvidedSource>;
let ended: SettledRun[];
let progress: Progress[][];

beforeEach(() => {
  clock = new FakeClock();
  journal = new TestJournal();
  open();
});

function open(restored?: Restoration): void {
  jobs = openJobs({ journalOf: () => journal, logger: SILENT, track: { clock }, restored });
  provided$ = new Subject();
  ended = [];
  progress = [];
  const subscriptions = [
    jobs.follow({ sources$: provided$ }),
    jobs.ended$.subscribe(({ settled }) => ended.push(settled)),
    jobs.view.progress$.subscribe((rows) => progress.push(rows)),
  ];
  const opened = jobs;
  onTestFinished(() => {
    for (const each of subscriptions) each.unsubscribe();
    opened.close();
  });
}

interface Added {
  qemu: FakeQemu;
  monitor$: FedMonitor['monitor$'];
}

/** A source that is up. @param present its jobs. */
async function add(name = 'vm1', present: FakeQemu['jobs'] = new Map()): Promise<Added> {
  const { monitor$, feed } = fedMonitor();
  const options = { clock, socketBirth: () => 'birth', monitor$: () => monitor$ };
  const source = new QmpJobSource({ name, address: { kind: 'unix', path: '/nowhere' } }, options);
  provided$.next({ kind: 'added', source });
  const qemu = new FakeQemu({ clock, feed });
  for (const [id, job] of present) qemu.jobs.set(id, job);
  await qemu.connect();
  return { qemu, monitor$ };
}

/** Resolves when the log shows all that was decided. */
const shown = (): Promise<void> => new Promise((resolve) => journal.append([], resolve));

const callOf = (ms = 30_000) => ({
  ...{ principal: me, address: undefined, receivedAt: clock.now(), deadline: clock.now() + ms },
  signal: new AbortController().signal,
});

it('shows the sources, their jobs, and each settlement once', async () => {
  const { qemu } = await add();
  qemu.start('j');
  await shown();
  expect(jobs.view.sources()).toMatchObject([{ name: 'vm1', state: 'up' }]);
  const [job] = jobs.view.jobs(() => true);
  expect(job).toMatchObject({ job: 'j', status: 'running' });
  expect(jobs.view.isLive('vm1', 'j', job?.run ?? '')).toBe(true);
  expect(jobs.view.jobs((source) => source !== 'vm1')).toEqual([]);
  qemu.end('j', 'cancelled');
  await shown();
  expect(ended).toMatchObject([{ job: 'j', run: job?.run, settled: { outcome: 'cancelled' } }]);
  expect(jobs.view.settled()).toEqual(ended);
  expect(jobs.view.isLive('vm1', 'j', job?.run ?? '')).toBe(false);
});

it('asks for the jobs at once and every two seconds while somebody waits for an end, and gives what it finds as progress', async () => {
  const { qemu } = await add();
  qemu.start('j');
  await shown();
  await clock.advance(10_000);
  const before = progress.length;
  const answer = jobs.commands['job.wait'](callOf(), target);
  await settle();
  await clock.advance(10_000);
  expect(progress.length - before).toBe(6);
  expect(progress.at(-1)).toMatchObject([{ job: 'j', offset: 1, len: 9 }]);
  qemu.end('j', 'completed');
  await clock.advance(1_000);
  expect(await answer).toMatchObject({ ok: true, result: { outcome: 'completed' } });
  const after = progress.length;
  await clock.advance(10_000);
  expect(progress).toHaveLength(after);
});

it('a caller is answered at its bound by the clock, and its run goes on', async () => {
  const { qemu } = await add();
  qemu.start('j');
  const answer = jobs.commands['job.abort'](callOf(500), { ...target, sync: true });
  await settle();
  await clock.advance(500);
  expect(await answer).toMatchObject({ ok: false, error: { reason: 'TIMEOUT' } });
  expect(ended).toEqual([]);
});

it('a source that is removed leaves with its runs, which are lost; nothing follows it any more', async () => {
  const { qemu, monitor$ } = await add();
  qemu.start('j');
  provided$.next({ kind: 'removed', name: 'vm1' });
  await shown();
  expect(monitor$.observed).toBe(false);
  expect(ended).toMatchObject([{ job: 'j', settled: { outcome: 'lost' } }]);
  expect(jobs.view.sources()).toEqual([]);
  expect(journal.drafts.slice(-2).map(({ type }) => type)).toEqual(['GATEWAY_JOB_SETTLED', 'GATEWAY_SOURCE_REMOVED']);
  expect(clock.pending).toBe(0);
});

it('a source takes the place of another of its name', async () => {
  const first = await add();
  first.qemu.start('j');
  const second = await add();
  second.qemu.start('k');
  await shown();
  expect([first.monitor$.observed, second.monitor$.observed]).toEqual([false, true]);
  expect(jobs.view.sources()).toHaveLength(1);
  expect(jobs.view.jobs(() => true)).toMatchObject([{ job: 'k' }]);
});

it('a wait that began before its source was there again is of the run as its source goes on with it', async () => {
  const before = await add();
  before.qemu.start('j');
  await shown();
  const restored = new Restoration();
  for (const line of jobs.save()) restored.line(line);
  jobs.close();
  open(restored);
  const wait = jobs.commands['job.wait'](callOf(), target);
  await settle();
  const { qemu } = await add(undefined, before.qemu.jobs);
  await shown();
  const forced = jobs.commands['job.abort'](callOf(), { ...target, force: true, sync: true });
  await settle();
  expect(qemu.reply()).toBe('job-cancel');
  qemu.end('j', 'cancelled');
  await shown();
  expect(await wait).toMatchObject({ ok: true, result: { outcome: 'cancelled', forced: true } });
  expect(await forced).toEqual(await wait);
});

it('that ends answers every caller, and hangs up on every source; no timer is left', async () => {
  const { qemu, monitor$ } = await add();
  const other = await add('vm2');
  qemu.start('j');
  const answer = jobs.commands['job.wait'](callOf(3_600_000), target);
  await settle();
  jobs.conclude();
  expect(await answer).toMatchObject({ ok: false, error: { reason: 'OUTCOME_UNKNOWN' } });
  expect(await jobs.commands['job.get'](callOf(), target)).toMatchObject({ error: { reason: 'SOURCE_DOWN' } });
  jobs.close();
  expect([monitor$.observed, other.monitor$.observed]).toEqual([false, false]);
  await clock.turn(2);
  expect(clock.pending).toBe(0);
});
