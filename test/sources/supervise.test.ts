// A monitor that is kept connected: what is signalled, and when the next try comes.
import { type Observable, Subject } from 'rxjs';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { MonitorLost, type QmpSession } from '../../src/qmp/index.js';
import { type MonitorSignal, type SuperviseOptions, supervise } from '../../src/sources/qmp/supervise.js';
import { FakeClock } from '../support/fake-clock.js';

type State = { kind: 'waiting'; reason: 'silent'; detail: string } | { kind: 'open'; session: QmpSession };

let clock: FakeClock;
/** Every conversation that was begun. */
let conversations: Subject<State>[];
let signals: MonitorSignal[];

beforeEach(() => {
  clock = new FakeClock();
  conversations = [];
  signals = [];
});

function start(options: Partial<SuperviseOptions> = {}): () => void {
  const open$ = (): Observable<State> => {
    const conversation$ = new Subject<State>();
    conversations.push(conversation$);
    return conversation$;
  };
  const address = { kind: 'unix', path: '/nowhere' } as const;
  const subscription = supervise(address, { clock, open$, ...options }).subscribe((signal) => signals.push(signal));
  const stop = (): void => subscription.unsubscribe();
  onTestFinished(stop);
  return stop;
}

const lose = (error: unknown = new MonitorLost('closed', 'the peer closed')): void =>
  conversations.at(-1)?.error(error);

const greet = (): void => conversations.at(-1)?.next({ kind: 'open', session: {} as QmpSession });

const delays = (): number[] => signals.flatMap((each) => (each.kind === 'down' ? [each.retryInMs] : []));
const kinds = (): string[] => signals.map(({ kind }) => kind);

it('signals a conversation in its order, and its end with the reason', () => {
  start();
  conversations[0]?.next({ kind: 'waiting', reason: 'silent', detail: 'no greeting' });
  greet();
  lose();
  expect(kinds()).toEqual(['connecting', 'waiting', 'up', 'down']);
  expect(signals[0]).toMatchObject({ attempt: 1 });
  expect(signals.at(-1)).toMatchObject({ reason: 'closed', detail: 'closed: the peer closed', attempt: 1 });
});

it('connects again when the delay has passed, not before', async () => {
  start({ baseMs: 200 });
  lose();
  expect(delays()).toEqual([100]);
  await clock.advance(99);
  expect(conversations).toHaveLength(1);
  await clock.advance(1);
  expect(conversations).toHaveLength(2);
  expect(signals.at(-1)).toEqual({ kind: 'connecting', attempt: 2 });
});

it('doubles the delay with each failure up to its limit, and begins anew after a healthy conversation', async () => {
  start({ baseMs: 200, maxMs: 1_000, healthyMs: 10_000 });
  for (let n = 0; n < 5; n += 1) {
    greet();
    await clock.advance(9_000);
    lose();
    await clock.advance(1_000);
  }
  expect(delays()).toEqual([100, 200, 400, 500, 500]);
  greet();
  await clock.advance(10_000);
  lose();
  expect(delays().at(-1)).toBe(100);
  expect(signals.at(-1)).toMatchObject({ kind: 'down', attempt: 1 });
});

it('a conversation that never opened is not healthy, however long it took', async () => {
  start({ baseMs: 200, maxMs: 60_000, healthyMs: 10_000 });
  for (let n = 0; n < 3; n += 1) {
    await clock.advance(60_000);
    lose();
  }
  expect(delays()).toEqual([100, 200, 400]);
});

it('takes an exception for a protocol error, and goes on', async () => {
  start();
  lose(new Error('a bug'));
  expect(signals.at(-1)).toMatchObject({ kind: 'down', reason: 'protocol', detail: 'protocol: Error: a bug' });
  await clock.advance(5_000);
  expect(kinds()).toEqual(['connecting', 'down', 'connecting']);
});

it('hangs up when nobody follows any more, and leaves no timer', () => {
  const stop = start();
  expect(conversations[0]?.observed).toBe(true);
  stop();
  expect(conversations[0]?.observed).toBe(false);
  const again = start();
  lose();
  expect(clock.pending).toBe(1);
  again();
  expect(clock.pending).toBe(0);
});
