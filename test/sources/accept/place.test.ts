// One name under which a QEMU connects: what is signalled of it, with a clock that the test moves.
import { Subscription } from 'rxjs';
import { beforeEach, expect, it } from 'vitest';
import { MonitorLost, type QmpSession } from '../../../src/qmp/index.js';
import { Place } from '../../../src/sources/accept/place.js';
import type { MonitorSignal } from '../../../src/sources/qmp/supervise.js';
import { FakeClock } from '../../support/fake-clock.js';

const SESSION = {} as QmpSession;

let clock: FakeClock;
let place: Place;
let signals: MonitorSignal[];
let isAwaited: boolean;

beforeEach(() => {
  clock = new FakeClock();
  isAwaited = false;
  signals = [];
  place = new Place({ clock, absentMs: 5_000, absence: 'absent', isAwaited: () => isAwaited });
});

const follow = (): Subscription => place.monitor$.subscribe((signal) => signals.push(signal));
const said = (): string[] => signals.map((each) => (each.kind === 'down' ? `down ${each.reason}` : each.kind));
const lose = (): void => place.lose(new MonitorLost('closed', 'the end'));

it('is connecting at first, then absent once nobody has come for so long', async () => {
  follow();
  await clock.advance(4_999);
  expect(said()).toEqual(['connecting']);
  await clock.advance(1);
  expect(said()).toEqual(['connecting', 'down absent']);
  await clock.advance(60_000);
  expect(said()).toHaveLength(2);
});

it('is up with a connection, down with its end, absent a while later, and up with the next one', async () => {
  follow();
  expect(place.take(SESSION, new Subscription())).toBe(true);
  await clock.advance(60_000);
  lose();
  await clock.advance(5_000);
  expect(place.take(SESSION, new Subscription())).toBe(true);
  expect(said()).toEqual(['connecting', 'up', 'down closed', 'down absent', 'connecting', 'up']);
});

it('takes one connection at a time, and none that nobody follows', () => {
  expect(place.take(SESSION, new Subscription())).toBe(false);
  const subscription = follow();
  expect(place.take(SESSION, new Subscription())).toBe(true);
  expect(place.take(SESSION, new Subscription())).toBe(false);
  subscription.unsubscribe();
  expect(place.take(SESSION, new Subscription())).toBe(false);
});

it('is stalled, not absent, while a connected QEMU has not answered: it may be the one of this name', async () => {
  follow();
  isAwaited = true;
  await clock.advance(5_000);
  expect(signals.at(-1)).toMatchObject({ kind: 'waiting', reason: 'stalled' });
  isAwaited = false;
  await clock.advance(5_000);
  expect(said()).toEqual(['connecting', 'waiting', 'down absent']);
});

it('says for how long nobody has been connected', async () => {
  follow();
  await clock.advance(1_000);
  expect(place.vacantMs).toBe(1_000);
  place.take(SESSION, new Subscription());
  await clock.advance(1_000);
  expect(place.vacantMs).toBe(0);
  lose();
  await clock.advance(500);
  expect(place.vacantMs).toBe(500);
});

it('that is not followed any more closes its connection, and leaves no timer', () => {
  const waiting = follow();
  expect(clock.pending).toBe(1);
  waiting.unsubscribe();
  expect(clock.pending).toBe(0);
  const subscription = follow();
  const connection = new Subscription();
  place.take(SESSION, connection);
  subscription.unsubscribe();
  expect(connection.closed).toBe(true);
  expect(clock.pending).toBe(0);
});
