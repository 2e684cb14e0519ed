// Every verb on a job from call to answer, beside a QEMU without a socket: what is written, what is answered, and when.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/access/index.js';
import { JobCommands } from '../../src/jobs/commands/job-commands.js';
import { SettlementHistory } from '../../src/jobs/tracking/settlement-history.js';
import { SourceRegistry } from '../../src/jobs/tracking/source-registry.js';
import type { SourceTracker } from '../../src/jobs/tracking/source-tracker.js';
import type { TrackListener } from '../../src/jobs/tracking/track-listener.js';
import type { Answer } from '../../src/protocol/answer.js';
import { me } from '../support/access.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeQemu, settle } from '../support/fake-qemu.js';
import { TestJournal } from '../support/journal.js';
import { openTracked } from '../support/tracked.js';

const target = { source: 'vm1', job: 'j' };

class Bench {
  readonly clock = new FakeClock();
  readonly journal = new TestJournal();
  readonly drafts = this.journal.drafts;
  readonly registry = new SourceRegistry(this.clock);
  readonly histories = [this.registry.history];
  readonly waiting: boolean[] = [];
  readonly jobCommands = new JobCommands(this.registry, this.clock, (_source, is) => void this.waiting.push(is));
  readonly tracker: SourceTracker;
  readonly close: () => void;
  readonly qemu: FakeQemu;

  constructor(commands?: readonly string[]) {
    const listener: TrackListener = {
      signal: (source, signal) => {
        if (signal.kind === 'settled') for (const each of this.histories) each.add(signal.ended);
        this.jobCommands.take(source, signal);
      },
      measured: () => undefined,
    };
    const tracked = openTracked({
      clock: this.clock,
      journal: this.journal,
      listener,
      source: { socketBirth: () => 'birth' },
      track: { lostAfterMs: 1_000 },
    });
    this.tracker = tracked.tracker;
    this.close = tracked.close;
    this.registry.add(this.tracker);
    this.qemu = new FakeQemu(tracked, commands);
  }

  context(ms = 30_000): CallContext {
    const receivedAt = this.clock.now();
    return {
      principal: me,
      address: undefined,
      receivedAt,
      deadline: receivedAt + ms,
      signal: new AbortController().signal,
    };
  }

  /** What an answer says in short: the status and outcome, or the reason of an error and a member of its data. */
  async said(answer: Promise<Answer<unknown>>, ms?: number): Promise<unknown> {
    if (ms !== undefined) await this.clock.advance(ms);
    const value = await answer;
    if (!value.ok) return { reason: value.error.reason, ...value.error.data };
    return value.result;
  }

  /** Resolves when the log shows all that was decided. */
  shown(): Promise<void> {
    return new Promise((resolve) => this.journal.append([], resolve));
  }

  get types(): string[] {
    return this.drafts.map(({ type }) => type).filter((type) => type.startsWith('GATEWAY_COMMAND'));
  }
}

let bench: Bench;
beforeEach(async () => {
  bench = new Bench();
  await bench.qemu.connect();
  bench.qemu.start('j');
  await settle();
});
afterEach(() => {
  bench.close();
  bench.jobCommands.close();
});

describe('an abort', () => {
  it('that is asynchronous is answered by QEMU’s acceptance, with the cursor of its command', async () => {
    const answer = bench.jobCommands.abort(bench.context(), target);
    await settle();
    const at = bench.drafts.findIndex(({ type }) => type === 'GATEWAY_COMMAND') + 1;
    expect(bench.qemu.reply()).toBe('block-job-cancel');
    expect(await bench.said(answer)).toMatchObject({ status: 'requested', cursor: `e:${at}` });
    expect(bench.types).toEqual(['GATEWAY_COMMAND', 'GATEWAY_COMMAND_ANSWERED']);
  });

  it('that is synchronous is answered by the end, and counts as a wait until then', async () => {
    const answer = bench.jobCommands.abort(bench.context(), { ...target, sync: true });
    await settle();
    bench.qemu.reply();
    expect(bench.waiting.at(-1)).toBe(true);
    bench.qemu.end('j', 'cancelled');
    expect(await bench.said(answer)).toMatchObject({ status: 'settled', outcome: 'cancelled', pivotProof: 'event' });
    expect(bench.waiting.at(-1)).toBe(false);
  });

  it('that is forced uses job-cancel, and block-job-cancel where QEMU has no other', async () => {
    void bench.jobCommands.abort(bench.context(), { ...target, force: true });
    await settle();
    expect(bench.qemu.written[0]).toMatchObject({ name: 'job-cancel', args: { id: 'j' } });
    const old = new Bench(['block-job-cancel']);
    await old.qemu.connect();
    old.qemu.start('j');
    await settle();
    void old.jobCommands.abort(old.context(), { ...target, force: true });
    await settle();
    expect(old.qemu.written[0]).toMatchObject({ name: 'block-job-cancel', args: { device: 'j', force: true } });
  });

  it('says at its bound what is known of the acceptance', async () => {
    const early = bench.jobCommands.abort(bench.context(100), { ...target, sync: true });
    expect(await bench.said(early, 100)).toMatchObject({ reason: 'TIMEOUT', accepted: null });
    bench.qemu.reply();
    const late = bench.jobCommands.abort(bench.context(100), { ...target, sync: true });
    expect(await bench.said(late, 100)).toMatchObject({ reason: 'TIMEOUT', accepted: true, job: { job: 'j' } });
  });

  it('that waited for a place at its bound was not sent', async () => {
    bench.qemu.congested = true;
    const answer = bench.jobCommands.abort(bench.context(100), { ...target, sync: true });
    expect(await bench.said(answer, 100)).toMatchObject({ reason: 'TIMEOUT', accepted: false });
    expect(bench.types).toEqual([]);
  });

  it.each<[string, () => void, object]>([
    ['a paused job', () => bench.qemu.status('j', 'paused'), { reason: 'JOB_STATE', status: 'paused' }],
    ['a running job', () => undefined, { reason: 'QMP_ERROR', class: 'GenericError', desc: 'no' }],
  ])('that QEMU refuses of %s', async (_, happens, expected) => {
    const answer = bench.jobCommands.abort(bench.context(), target);
    await settle();
    happens();
    bench.qemu.refuse();
    await settle();
    expect(await bench.said(answer)).toMatchObject(expected);
    expect(bench.drafts.at(-1)?.type === 'GATEWAY_COMMAND').toBe(false);
  });

  it('names whoever asked once, however often that was', async () => {
    void bench.jobCommands.abort(bench.context(), target);
    void bench.jobCommands.abort(bench.context(), { ...target, force: true });
    await settle();
    bench.qemu.reply();
    bench.qemu.reply();
    bench.qemu.end('j', 'cancelled');
    const ended = bench.drafts.find(({ type }) => type === 'GATEWAY_JOB_SETTLED');
    expect(ended?.data).toMatchObject({ forced: true, requestedBy: [me.name] });
  });

  it('of a job known from events only is forced once QEMU says that it is no block job', async () => {
    bench.qemu.hangs = true;
    bench.qemu.start('c', 'create');
    const answer = bench.jobCommands.abort(bench.context(), { source: 'vm1', job: 'c', sync: true });
    await settle();
    const cancel = bench.qemu.written.find(({ name }) => name === 'block-job-cancel');
    bench.qemu.hangs = false;
    for (const each of bench.qemu.written.splice(0)) if (each !== cancel) each.answer({ kind: 'timeout', sent: true });
    cancel?.answer({ kind: 'error', class: 'DeviceNotActive', desc: '' });
    await bench.clock.advance(1);
    expect(bench.qemu.written.map(({ name }) => name)).toEqual(['job-cancel']);
    bench.qemu.reply();
    bench.qemu.status('c', 'aborting', 'concluded', 'null');
    expect(await bench.said(answer)).toMatchObject({ outcome: 'cancelled', forced: true });
  });

  it('escalates the given time after its acceptance, whether or not a caller still waits', async () => {
    bench.qemu.ready('j');
    const answer = bench.jobCommands.abort(bench.context(), { ...target, escalateAfterMs: 500 });
    await settle();
    bench.qemu.reply();
    expect(await bench.said(answer)).toMatchObject({ status: 'requested' });
    await bench.clock.advance(500);
    expect(bench.qemu.reply()).toBe('job-cancel');
    const wait = bench.jobCommands.wait(bench.context(), target);
    await settle();
    bench.qemu.end('j', 'cancelled');
    expect(await bench.said(wait)).toMatchObject({ outcome: 'cancelled', forced: true, escalated: true });
  });

  it('waits over a lost connection, and is sent again for a run that is still there', async () => {
    const sync = bench.jobCommands.abort(bench.context(), { ...target, sync: true });
    const async = bench.jobCommands.abort(bench.context(), target);
    await settle();
    bench.qemu.disconnect();
    expect(await bench.said(async)).toMatchObject({ reason: 'OUTCOME_UNKNOWN' });
    await bench.qemu.connect();
    expect(bench.qemu.reply()).toBe('block-job-cancel');
    bench.qemu.end('j', 'cancelled');
    expect(await bench.said(sync)).toMatchObject({ outcome: 'cancelled' });
  });

  it('is refused after a complete of the gateway, and where the status shows another client’s', async () => {
    bench.qemu.ready('j');
    bench.qemu.status('j', 'waiting', 'pending');
    expect(await bench.said(bench.jobCommands.abort(bench.context(), target))).toMatchObject({ reason: 'JOB_STATE' });
    bench.qemu.start('k');
    bench.qemu.ready('k');
    void bench.jobCommands.complete(bench.context(), { source: 'vm1', job: 'k' });
    await settle();
    const refused = bench.jobCommands.abort(bench.context(), { source: 'vm1', job: 'k' });
    expect(await bench.said(refused)).toMatchObject({ reason: 'JOB_STATE' });
  });

  it('is refused after a complete that had no answer, since the job may be completing: it says so, and how to go on', async () => {
    bench.qemu.status('j', 'ready');
    void bench.jobCommands.complete(bench.context(), target);
    await settle();
    bench.qemu.disconnect();
    await bench.qemu.connect();
    expect(bench.tracker.runs.get('j')).toMatchObject({ status: 'ready', complete: 'unknown' });
    const refused = { reason: 'JOB_STATE', hint: expect.stringContaining('job.complete asks again') };
    expect(await bench.said(bench.jobCommands.abort(bench.context(), target))).toMatchObject(refused);
    const again = bench.jobCommands.complete(bench.context(), target);
    await settle();
    expect(bench.qemu.reply()).toBe('job-complete');
    expect(await bench.said(again)).toMatchObject({ status: 'requested' });
    const accepted = { reason: 'JOB_STATE', hint: expect.stringContaining('job.wait') };
    expect(await bench.said(bench.jobCommands.abort(bench.context(), target))).toMatchObject(accepted);
  });

  it('of a settled run answers with its settlement again, of another run with STALE_RUN', async () => {
    const run = bench.tracker.runs.get('j')?.run ?? '';
    bench.qemu.end('j', 'failed');
    const again = bench.jobCommands.abort(bench.context(), { ...target, run });
    // A log that shows its entries late does not show the settlement at the call: only then is its cursor known.
    const cursor = expect.stringMatching(/^\w+:\d+$/);
    expect(await bench.said(again)).toMatchObject({ status: 'settled', outcome: 'failed', error: 'EIO', run, cursor });
    bench.qemu.start('j');
    const stale = bench.jobCommands.abort(bench.context(), { ...target, run: 'other' });
    expect(await bench.said(stale)).toMatchObject({ reason: 'STALE_RUN', run: bench.tracker.runs.get('j')?.run });
  });

  it('is refused where nothing can be sent', async () => {
    const of = (params: object) => bench.said(bench.jobCommands.abort(bench.context(), { ...target, ...params }));
    expect(await of({ source: 'nope' })).toMatchObject({ reason: 'SOURCE_NOT_FOUND' });
    expect(await of({ job: 'nope' })).toMatchObject({ reason: 'JOB_NOT_FOUND' });
    bench.qemu.disconnect();
    await bench.shown();
    expect(await of({})).toMatchObject({ reason: 'SOURCE_DOWN', why: 'closed' });
    bench.jobCommands.close();
    expect(await of({})).toMatchObject({ reason: 'SOURCE_DOWN' });
  });
});

describe('a complete', () => {
  it('pivots, and says that it did by its acceptance', async () => {
    bench.qemu.ready('j');
    const answer = bench.jobCommands.complete(bench.context(), { ...target, sync: true });
    await settle();
    expect(bench.qemu.reply()).toBe('job-complete');
    bench.qemu.end('j', 'completed');
    expect(await bench.said(answer)).toMatchObject({ outcome: 'completed', pivoted: true, pivotProof: 'command' });
  });

  it('is refused of a job that is not ready', async () => {
    const answer = bench.jobCommands.complete(bench.context(), target);
    await settle();
    bench.qemu.refuse();
    expect(await bench.said(answer)).toMatchObject({ reason: 'JOB_STATE', hint: expect.stringContaining('READY') });
  });
});

describe('a wait', () => {
  it('goes on while the source is away, and hears that the run is lost', async () => {
    bench.qemu.disconnect('absent');
    const answer = bench.jobCommands.wait(bench.context(), target);
    expect(await bench.said(answer, 1_000)).toMatchObject({ outcome: 'lost', provenance: 'unknown' });
  });

  it('of a run that ended has its outcome at once', async () => {
    const run = bench.tracker.runs.get('j')?.run ?? '';
    bench.qemu.end('j', 'completed');
    expect(await bench.said(bench.jobCommands.wait(bench.context(), { ...target, run }))).toMatchObject({
      outcome: 'completed',
    });
  });
});

describe('a simple verb', () => {
  const VERBS = [
    ['pause', 'job-pause'],
    ['resume', 'job-resume'],
    ['finalize', 'job-finalize'],
    ['dismiss', 'job-dismiss'],
  ] as const;

  it.each(VERBS)('%s is written as %s, and answered by its acceptance', async (verb, command) => {
    const answer = bench.jobCommands[verb](bench.context(), target);
    await settle();
    expect(bench.qemu.reply()).toBe(command);
    expect(await bench.said(answer)).toMatchObject({ status: 'requested', job: 'j' });
  });

  it('setSpeed keeps 64 bits', async () => {
    const answer = bench.jobCommands.setSpeed(bench.context(), { ...target, speed: '9223372036854775807' });
    await settle();
    expect(bench.qemu.written[0]).toMatchObject({ name: 'block-job-set-speed', args: { speed: 2n ** 63n - 1n } });
    bench.qemu.reply();
    expect(await bench.said(answer)).toMatchObject({ status: 'requested' });
  });

  it.each<[string, () => void, object]>([
    ['refused', () => void bench.qemu.refuse(), { reason: 'QMP_ERROR' }],
    [
      'not answered in time',
      () => void bench.qemu.reply({ kind: 'timeout', sent: true }),
      { reason: 'TIMEOUT', accepted: null },
    ],
    ['cut off', () => void bench.qemu.disconnect(), { reason: 'OUTCOME_UNKNOWN' }],
    ['one too many', () => void bench.qemu.reply({ kind: 'busy' }), { reason: 'SOURCE_BUSY' }],
    [
      'overtaken by another run',
      () => {
        bench.qemu.end('j', 'completed');
        bench.qemu.start('j');
        bench.qemu.reply();
      },
      { reason: 'OUTCOME_UNKNOWN', newRun: expect.any(String) },
    ],
  ])('that is %s', async (_, happens, expected) => {
    const answer = bench.jobCommands.setSpeed(bench.context(), { ...target, speed: 1 });
    await settle();
    happens();
    expect(await bench.said(answer)).toMatchObject(expected);
  });

  it.each(['pause', 'resume'] as const)('%s that QEMU refuses is JOB_STATE, whatever the status', async (verb) => {
    const answer = bench.jobCommands[verb](bench.context(), target);
    await settle();
    bench.qemu.refuse();
    const hint = expect.stringContaining('paused');
    expect(await bench.said(answer)).toMatchObject({ reason: 'JOB_STATE', status: 'running', hint });
  });

  it.each([['pause'], ['resume'], ['finalize'], ['dismiss']] as const)(
    '%s that waits for its place is withdrawn when its run has ended, and does not reach the next run of the id',
    async (verb) => {
      bench.qemu.congested = true;
      const answer = bench.jobCommands[verb](bench.context(), target);
      await settle();
      bench.qemu.end('j', 'completed');
      bench.qemu.start('j');
      bench.qemu.relieve();
      await settle();
      expect(bench.qemu.written).toEqual([]);
      expect(await bench.said(answer)).toMatchObject({ reason: 'JOB_STATE', status: 'concluded' });
      expect(bench.types).toEqual([]);
    },
  );

  it('dismiss that waits for its place stays when its run has concluded and has its id still', async () => {
    bench.qemu.jobs.set('k', { id: 'k', type: 'backup', status: 'running' });
    bench.qemu.raise('JOB_STATUS_CHANGE', { id: 'k', status: 'created' });
    await settle();
    bench.qemu.congested = true;
    const answers = [
      bench.jobCommands.dismiss(bench.context(), { ...target, job: 'k' }),
      bench.jobCommands.pause(bench.context(), { ...target, job: 'k' }),
    ] as const;
    await settle();
    bench.qemu.status('k', 'running', 'waiting', 'pending', 'concluded');
    await bench.clock.advance(1);
    expect(bench.tracker.runs.get('k')?.settled).toMatchObject({ dismissed: false });
    bench.qemu.relieve();
    expect(bench.qemu.written.map(({ name }) => name)).toEqual(['job-dismiss']);
    bench.qemu.reply();
    expect(await bench.said(answers[0])).toMatchObject({ status: 'requested' });
    expect(await bench.said(answers[1])).toMatchObject({ reason: 'JOB_STATE', status: 'concluded' });
  });

  it('that waits for its place goes with its caller', async () => {
    bench.qemu.congested = true;
    const caller = new AbortController();
    const { pending } = bench.clock;
    const answer = bench.jobCommands.pause({ ...bench.context(), signal: caller.signal }, target);
    await settle();
    caller.abort();
    await answer;
    bench.qemu.relieve();
    expect(bench.qemu.written).toEqual([]);
    expect(bench.clock.pending).toBe(pending);
  });

  it('of a job that has ended is refused', async () => {
    const run = bench.tracker.runs.get('j')?.run ?? '';
    bench.qemu.end('j', 'completed');
    expect(await bench.said(bench.jobCommands.pause(bench.context(), { ...target, run }))).toMatchObject({
      reason: 'JOB_STATE',
      status: 'concluded',
    });
  });
});

describe('get', () => {
  it('is from a fresh query, and from memory once the run has ended', async () => {
    expect(await bench.said(bench.jobCommands.get(bench.context(), target))).toMatchObject({
      status: 'running',
      type: 'mirror',
      len: 9,
    });
    bench.qemu.end('j', 'cancelled');
    expect(await bench.said(bench.jobCommands.get(bench.context(), target))).toMatchObject({
      settled: { outcome: 'cancelled' },
    });
    expect(await bench.said(bench.jobCommands.get(bench.context(), { ...target, job: 'k' }))).toMatchObject({
      reason: 'JOB_NOT_FOUND',
    });
  });

  it('is bounded where QEMU does not answer', async () => {
    bench.qemu.hangs = true;
    expect(await bench.said(bench.jobCommands.get(bench.context(200), target), 200)).toMatchObject({
      reason: 'TIMEOUT',
    });
  });
});

describe('the fleet', () => {
  it('lists jobs and sources, and renews what is old', async () => {
    await bench.shown();
    expect(bench.registry.jobs()).toMatchObject([{ job: 'j', status: 'running' }]);
    expect(bench.registry.sources).toMatchObject([{ name: 'vm1', state: 'up', qemu: '9.0.0' }]);
    expect(bench.registry.freshen(() => true, 1_000, 250)).toBeUndefined();
    await bench.clock.advance(1_001);
    await bench.registry.freshen(() => true, 1_000, 250);
    bench.qemu.hangs = true;
    await bench.clock.advance(1_001);
    const renewed = bench.registry.freshen(() => true, 1_000, 250);
    expect(renewed).toBeDefined();
    await bench.clock.advance(250);
    await renewed;
  });

  it('gives a run that has ended under its own source and job alone', async () => {
    const run = bench.tracker.runs.get('j')?.run ?? '';
    bench.qemu.end('j', 'cancelled');
    bench.qemu.start('k');
    await settle();
    const of = (job: string) => bench.said(bench.jobCommands.get(bench.context(), { source: 'vm1', job, run }));
    expect(await of('j')).toMatchObject({ run, settled: { outcome: 'cancelled' } });
    expect(await of('k')).toMatchObject({ reason: 'STALE_RUN' });
  });

  it('remembers the newest settlements within its bounds', async () => {
    const small = new SettlementHistory(bench.clock, { count: 2 });
    bench.histories.push(small);
    for (const id of ['a', 'b', 'c']) {
      bench.qemu.start(id);
      bench.qemu.end(id, 'cancelled');
    }
    await bench.shown();
    expect(small.list(() => true, 10).map(({ job }) => job)).toEqual(['b', 'c']);
    expect(small.ended({ source: 'vm1', job: 'a' })).toBeUndefined();
    bench.clock.spend(25 * 3_600_000);
    expect(small.list(() => true, 10)).toEqual([]);
  });
});
