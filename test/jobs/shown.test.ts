// A log that shows its entries when the test says so: until then clients see and hear nothing of what was decided.
import type { Logger } from 'pino';
import { Subject } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { openJobs } from '../../src/jobs/index.js';
import type { EntryDraft } from '../../src/protocol/draft.js';
import { type ProvidedSource, QmpJobSource } from '../../src/sources/index.js';
import { me } from '../support/access.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeQemu, settle } from '../support/fake-qemu.js';
import { fedMonitor } from '../support/fed-monitor.js';

const SILENT = { info() {}, warn() {}, error() {}, debug() {}, child: () => SILENT } as unknown as Logger;
const target = { source: 'vm1', job: 'j' };

class HeldJournal {
  readonly #held: { drafts: readonly EntryDraft[]; shown: (() => void) | undefined }[] = [];
  #offset = 0;
  isHeld = false;

  get cursor(): string {
    return `e:${this.#offset}`;
  }

  append(drafts: readonly EntryDraft[], shown?: () => void): void {
    this.#held.push({ drafts, shown });
    if (!this.isHeld) this.release();
  }

  release(): void {
    this.isHeld = false;
    for (const { drafts, shown } of this.#held.splice(0)) {
      for (const { internal, position } of drafts) {
        if (internal) continue;
        this.#offset += 1;
        if (position) position.cursor = this.cursor;
      }
      shown?.();
    }
  }
}

async function open() {
  const [clock, journal] = [new FakeClock(), new HeldJournal()];
  const jobs = openJobs({ journalOf: () => journal, logger: SILENT, track: { clock } });
  const { monitor$, feed } = fedMonitor();
  const options = { clock, socketBirth: () => 'birth', monitor$: () => monitor$ };
  const source = new QmpJobSource({ name: 'vm1', address: { kind: 'unix', path: '/nowhere' } }, options);
  const sources$ = new Subject<ProvidedSource>();
  const following = jobs.follow({ sources$ });
  onTestFinished(() => {
    following.unsubscribe();
    jobs.close();
  });
  sources$.next({ kind: 'added', source });
  const qemu = new FakeQemu({ clock, feed });
  await qemu.connect();
  qemu.start('j');
  await settle();
  const seen = () => ({
    sources: jobs.view.sources().map(({ state }) => state),
    jobs: jobs.view.jobs(() => true).map(({ job, status }) => `${job} ${status}`),
    settled: jobs.view.settled().map(({ job }) => job),
  });
  const context = (ms = 30_000) => ({
    ...{ principal: me, address: undefined, receivedAt: clock.now(), deadline: clock.now() + ms },
    signal: new AbortController().signal,
  });
  return { clock, journal, jobs, qemu, seen, context };
}

it('a job that begins, moves on, ends, and a source that goes away are as before until then', async () => {
  const { journal, qemu, seen } = await open();
  const before = { sources: ['up'], jobs: ['j running'], settled: [] };
  expect(seen()).toEqual(before);
  journal.isHeld = true;
  qemu.start('k');
  qemu.status('j', 'paused');
  qemu.end('j', 'cancelled');
  qemu.disconnect();
  expect(seen()).toEqual(before);
  journal.release();
  expect(seen()).toEqual({ sources: ['down'], jobs: ['k running'], settled: ['j'] });
});

it('a call is answered then, with the cursors that the log has given', async () => {
  const { journal, jobs, qemu, context } = await open();
  journal.isHeld = true;
  const answers: unknown[] = [];
  const requested = jobs.commands['job.abort'](context(), target).then((answer) => answers.push(answer));
  const waited = jobs.commands['job.wait'](context(), target).then((answer) => answers.push(answer));
  await settle();
  // It was written, whatever the log does.
  expect(qemu.reply()).toBe('block-job-cancel');
  qemu.end('j', 'cancelled');
  await settle();
  expect(answers).toEqual([]);
  journal.release();
  await Promise.all([requested, waited]);
  expect(answers).toMatchObject([
    { result: { status: 'requested', cursor: expect.stringMatching(/^e:\d+$/) } },
    { result: { outcome: 'cancelled', cursor: expect.stringMatching(/^e:\d+$/) } },
  ]);
});

it('a call whose bound passes before says what is known of the command', async () => {
  const { clock, journal, jobs, qemu, context } = await open();
  journal.isHeld = true;
  const answer = jobs.commands['job.abort'](context(100), target);
  await settle();
  qemu.reply();
  await clock.advance(100);
  expect(await answer).toMatchObject({
    error: { reason: 'TIMEOUT', data: { accepted: true, job: { status: 'running' } } },
  });
});
