// A caller that has gone is not waited for: no caller, timer or poll is left, and what was sent stays in force.
import { beforeEach, describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/access/index.js';
import { TerminationCoordinator } from '../../src/jobs/commands/termination-coordinator.js';
import { within } from '../../src/jobs/commands/waits.js';
import { beginRun, type Run } from '../../src/jobs/model/run.js';
import type { SourceTracker } from '../../src/jobs/tracking/source-tracker.js';
import type { JobCommand, SendOptions } from '../../src/sources/index.js';
import { me } from '../support/access.js';
import { FakeClock } from '../support/fake-clock.js';

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

const run = (id = 'j', name = 'e:1'): Run => ({
  ...beginRun({ source: 'vm1', id: id, run: name, began: { cursor: 'e:1' } }, 'running', 0, false),
  type: 'mirror',
});

/** A source that is up, whose QEMU has not answered yet. */
function openTracker(live: Run): { tracker: SourceTracker; written: string[]; replies: SendOptions['replied'][] } {
  const written: string[] = [];
  const replies: SendOptions['replied'][] = [];
  const tracker = {
    name: 'vm1',
    runs: new Map([[live.id, live]]),
    cursor: 'e:1',
    isUp: true,
    written: () => ({ position: { cursor: 'e:2' } }),
    answered: () => undefined,
    shownRun: (id: string) => (id === live.id ? live : undefined),
    whenShown: (callback: () => void) => callback(),
    send: (command: JobCommand, options: SendOptions) => {
      written.push(command.force ? 'forced abort' : command.verb);
      replies.push(options.replied);
      options.written();
      return () => false;
    },
  };
  return { tracker: tracker as unknown as SourceTracker, written, replies };
}

function contextOf(signal: AbortSignal, ms = 60_000): CallContext {
  const receivedAt = clock.now();
  return { principal: me, address: undefined, receivedAt, deadline: receivedAt + ms, signal };
}

describe('a caller that goes', () => {
  it('ends its waits, one end for all of a connection; the source is asked for nobody', async () => {
    const waiting: boolean[] = [];
    const terminations = new TerminationCoordinator(clock, (_source, is) => waiting.push(is));
    const live = run();
    const { tracker } = openTracker(live);
    const connection = new AbortController();
    const answers = Array.from({ length: 64 }, () =>
      terminations.call(tracker, live, contextOf(connection.signal, 3_600_000), { wants: 'wait', sync: true }),
    );
    expect(waiting).toEqual([true]);
    expect(clock.pending).toBe(64);
    connection.abort();
    await Promise.all(answers);
    expect(waiting).toEqual([true, false]);
    expect(clock.pending).toBe(0);
  });

  it('leaves the command that was sent, and its escalation, in force', async () => {
    const terminations = new TerminationCoordinator(clock, () => undefined);
    const live = run();
    const { tracker, written, replies } = openTracker(live);
    const connection = new AbortController();
    const answer = terminations.call(tracker, live, contextOf(connection.signal), {
      wants: 'soft',
      sync: true,
      escalateAfterMs: 500,
    });
    connection.abort();
    expect((await answer).ok).toBe(false);
    replies[0]?.({ kind: 'accepted' });
    await clock.advance(600);
    expect(written).toEqual(['abort', 'forced abort']);
  });

  it('takes the command with it that was not yet written', async () => {
    const terminations = new TerminationCoordinator(clock, () => undefined);
    const live = run();
    const { tracker } = openTracker(live);
    let withdrawn = 0;
    Object.assign(tracker, { send: () => () => ++withdrawn > 0 });
    const connection = new AbortController();
    const answer = terminations.call(tracker, live, contextOf(connection.signal), { wants: 'force', sync: false });
    connection.abort();
    expect((await answer).ok).toBe(false);
    expect(withdrawn).toBe(1);
  });

  it('is not kept by a query that never ends', async () => {
    const never = new Promise<boolean>(() => undefined);
    const [gone, stays] = [new AbortController(), new AbortController()];
    const [first, second] = [
      within(clock, contextOf(gone.signal), never),
      within(clock, contextOf(stays.signal, 500), never),
    ];
    gone.abort();
    expect(await first).toBe(false);
    expect(clock.pending).toBe(1);
    await clock.advance(500);
    expect(await second).toBe(false);
    expect(await within(clock, contextOf(gone.signal), never)).toBe(false);
  });
});

describe('waits', () => {
  it('are limited for a run and in all; an abort finds room', async () => {
    const terminations = new TerminationCoordinator(clock, () => undefined, { waitsPerRun: 3, waits: 5 });
    const [a, b] = [run('a', 'e:1'), run('b', 'e:2')];
    const { tracker, written } = openTracker(a);
    const { signal } = new AbortController();
    const wait = (live: Run): Promise<unknown> =>
      terminations.call(tracker, live, contextOf(signal), { wants: 'wait', sync: true });
    const limited = { ok: false, error: { reason: 'RATE_LIMITED', data: { retryAfterMs: 1_000 } } };
    for (let n = 0; n < 3; n += 1) void wait(a);
    expect(await wait(a)).toMatchObject(limited);
    for (let n = 0; n < 2; n += 1) void wait(b);
    expect(await wait(b)).toMatchObject(limited);
    void terminations.call(tracker, a, contextOf(signal), { wants: 'soft', sync: false });
    expect(written).toEqual(['abort']);
    terminations.close();
  });

  it('closed, it answers everybody, and takes nobody', async () => {
    const terminations = new TerminationCoordinator(clock, () => undefined);
    const live = run();
    const { tracker } = openTracker(live);
    const { signal } = new AbortController();
    const answer = terminations.call(tracker, live, contextOf(signal), { wants: 'wait', sync: true });
    terminations.close();
    expect(await answer).toMatchObject({ ok: false, error: { reason: 'OUTCOME_UNKNOWN' } });
    expect(terminations.isClosed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('on thousands of runs are not looked at where other runs begin', () => {
    const terminations = new TerminationCoordinator(clock, () => undefined);
    const { tracker } = openTracker(run());
    let looks = 0;
    const watched = (each: Run): Run =>
      new Proxy(each, {
        get: (of, name: keyof Run) => {
          looks += 1;
          return of[name];
        },
      });
    for (let n = 0; n < 2_000; n += 1)
      void terminations.call(tracker, watched(run(`j${n}`, `e:${n}`)), contextOf(new AbortController().signal), {
        wants: 'wait',
        sync: true,
      });
    looks = 0;
    for (let n = 0; n < 100; n += 1) terminations.take('vm1', { kind: 'began', run: run(`k${n}`, `e:${9_000 + n}`) });
    expect(looks).toBe(0);
    terminations.take('vm1', { kind: 'began', run: run('j7', 'e:10000') });
    expect(looks).toBeGreaterThan(0);
    terminations.close();
  });
});
