// What a dry run says, and that nothing is written and nothing is logged by it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dryRun, type VerbParams } from '../../src/jobs/commands/dry-run.js';
import { SourceRegistry } from '../../src/jobs/tracking/source-registry.js';
import type { JobVerb } from '../../src/protocol/types.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeQemu, settle } from '../support/fake-qemu.js';
import { TestJournal } from '../support/journal.js';
import { openTracked } from '../support/tracked.js';

let journal: TestJournal;
let registry: SourceRegistry;
let qemu: FakeQemu;
let close: () => void;

beforeEach(async () => {
  const clock = new FakeClock();
  journal = new TestJournal();
  registry = new SourceRegistry(clock);
  const { history } = registry;
  const signal = (_source: string, each: { kind: string; ended?: unknown }): void => {
    if (each.kind === 'settled') history.add(each.ended as Parameters<typeof history.add>[0]);
  };
  const tracked = openTracked({ clock, journal, listener: { signal, measured: () => undefined } });
  ({ close } = tracked);
  registry.add(tracked.tracker);
  qemu = new FakeQemu(tracked);
  await qemu.connect();
  qemu.start('j');
  await settle();
});
afterEach(() => close());

/** The result or the reason, with the entries and commands that it has caused. */
function tried(verb: JobVerb, params: Partial<VerbParams> = {}): unknown {
  const [entries, commands] = [journal.drafts.length, qemu.written.length];
  const answer = dryRun(registry, verb, { source: 'vm1', job: 'j', ...params });
  expect([journal.drafts.length, qemu.written.length]).toEqual([entries, commands]);
  return answer.ok ? answer.result : { reason: answer.error.reason, ...answer.error.data };
}

const runOf = (): string => registry.get('vm1')?.runs.get('j')?.run ?? '';

describe('a dry run', () => {
  it.each<[JobVerb, Partial<VerbParams>, string, object]>([
    ['abort', {}, 'cancels', { command: 'block-job-cancel', arguments: { device: 'j' } }],
    ['abort', { force: true }, 'forces', { command: 'job-cancel', arguments: { id: 'j' } }],
    ['pause', {}, 'pauses', { command: 'job-pause', arguments: { id: 'j' } }],
    ['setSpeed', { speed: 7 }, 'limits', { command: 'block-job-set-speed', arguments: { device: 'j', speed: 7 } }],
    [
      'setSpeed',
      { speed: '9223372036854775807' },
      'limits',
      { command: 'block-job-set-speed', arguments: { device: 'j', speed: '9223372036854775807' } },
    ],
  ])('of %s %j of a running mirror says what it does and what would be written', (verb, params, effect, sends) => {
    const named = { status: 'dryRun', source: 'vm1', job: 'j', run: runOf(), jobStatus: 'running' };
    expect(tried(verb, params)).toEqual({ ...named, effect, sends });
  });

  it.each<[JobVerb, string]>([
    ['complete', 'READY'],
    ['resume', 'not paused'],
    ['finalize', 'PENDING'],
    ['dismiss', 'concluded'],
  ])('of %s of a running mirror is refused with the hint of the rule', (verb, hint) => {
    expect(tried(verb)).toMatchObject({ reason: 'JOB_STATE', status: 'running', hint: expect.stringContaining(hint) });
  });

  it('follows the status: a READY mirror finishes or completes, and one that is paused refuses a soft cancel', () => {
    qemu.ready('j');
    expect(tried('abort')).toMatchObject({ effect: 'finishes' });
    expect(tried('complete')).toMatchObject({ effect: 'completes', sends: { command: 'job-complete' } });
    qemu.status('j', 'standby');
    expect(tried('abort')).toMatchObject({ reason: 'JOB_STATE' });
    expect(tried('resume')).toMatchObject({ effect: 'resumes' });
  });

  it('of an abort of a job that is no block job shows the only cancel that QEMU has for it', async () => {
    qemu.start('c', 'create');
    await settle();
    expect(tried('abort', { job: 'c' })).toMatchObject({ effect: 'cancels', sends: { command: 'job-cancel' } });
  });

  it('is refused for another run, an unknown job or source, and a source that is down', () => {
    expect(tried('abort', { run: 'r:9' })).toMatchObject({ reason: 'STALE_RUN', run: runOf() });
    expect(tried('abort', { job: 'k' })).toMatchObject({ reason: 'JOB_NOT_FOUND' });
    expect(tried('abort', { source: 'vm2' })).toMatchObject({ reason: 'SOURCE_NOT_FOUND' });
    qemu.disconnect();
    expect(tried('abort')).toMatchObject({ reason: 'SOURCE_DOWN' });
  });

  it('of a job that has concluded and still has its id is refused as the call is while the source is down', async () => {
    qemu.status('j', 'aborting');
    qemu.raise('BLOCK_JOB_CANCELLED', { device: 'j', type: 'mirror', len: 9, offset: 9, speed: 0 });
    qemu.status('j', 'concluded');
    // Only a query shows that the job was not dismissed at once.
    await registry.get('vm1')?.refresh();
    expect(tried('abort')).toMatchObject({ effect: 'ended', sends: null });
    qemu.disconnect();
    for (const verb of ['abort', 'complete', 'dismiss'] as const)
      expect(tried(verb), verb).toMatchObject({ reason: 'SOURCE_DOWN' });
  });

  it('of a run that has ended sends nothing', () => {
    const run = runOf();
    qemu.end('j', 'cancelled');
    expect(tried('abort', { run })).toMatchObject({ effect: 'ended', sends: null, run });
    expect(tried('pause', { run })).toMatchObject({ reason: 'JOB_STATE' });
    expect(tried('abort')).toMatchObject({ reason: 'JOB_NOT_FOUND' });
  });
});
