// Messages between members that have not the form of one: of another version, or of a member that was taken.
import { EMPTY } from 'rxjs';
import { expect, it } from 'vitest';
import { CommandServer } from '../../src/cluster/command-server.js';
import { MeasureClient, MeasureServer } from '../../src/cluster/measures.js';
import { Owners } from '../../src/cluster/owners.js';
import { Requests } from '../../src/cluster/requests.js';
import type { CommandPort } from '../../src/gateway/index.js';
import type { Bus } from '../../src/nats/index.js';
import { subjectsOf } from '../../src/nats/subjects.js';
import { FakeClock } from '../support/fake-clock.js';

type Take = Parameters<Bus['subscribe']>[1];

const subjects = subjectsOf('qmp');

/** Whatever is said is heard at once, so that an exception of who hears it is that of `hear`. */
class DirectBus implements Bus {
  readonly #taking: { subject: string; take: Take }[] = [];

  request = async () => ({ kind: 'nobody' }) as const;

  publish(): void {}

  subscribe(subject: string, take: Take): () => void {
    this.#taking.push({ subject, take });
    return () => undefined;
  }

  /** @param to the subject of the message, where who takes it has subscribed to several. */
  hear(subject: string, body: unknown, reply?: (body: unknown) => void, to = subject): void {
    for (const each of this.#taking) if (each.subject === subject) each.take(body, to, reply);
  }
}

const clock = new FakeClock();

/** No text, and none can be made of it. */
const NO_TEXT = { toString: 1, valueOf: 1 };

it.each([
  ['of another version', { v: 2, id: 'a', method: 'job.get', params: {}, by: 'ann', leftMs: 100 }],
  ['without a method', { v: 1, id: 'a', params: {}, by: 'ann', leftMs: 100 }],
  ['whose method is no text', { v: 1, id: 'a', method: NO_TEXT, params: {}, by: 'ann', leftMs: 100 }],
  ['whose token is no text', { v: 1, id: 'a', method: 'job.get', params: {}, by: 'ann', leftMs: 100, token: NO_TEXT }],
  ['whose caller is no text', { v: 1, id: 'a', method: 'job.get', params: {}, by: NO_TEXT, leftMs: 100 }],
  ['for measures, without a bound', { v: 1, method: 'measure' }],
  ['that is none', null],
])('a command %s is ignored', async (_what, body) => {
  const bus = new DirectBus();
  const server = new CommandServer({
    ...{ bus, subjects, clock, commands: {} as CommandPort },
    view: { freshen: () => undefined },
    cursorOf: () => 'e:1',
    requestsOf: () => new Requests(),
    callers: { verify: () => undefined, requiresJwt: false },
  });
  server.serve('vm1');
  const replies: unknown[] = [];
  bus.hear(subjects.commands('vm1'), body, (reply) => replies.push(reply));
  bus.hear(
    subjects.commands('vm1'),
    { v: 1, id: 'b', method: 'no.such', params: {}, by: 'ann', leftMs: 100 },
    (reply) => replies.push(reply),
  );
  await expect.poll(() => replies.length).toBe(1);
  expect(replies).toMatchObject([{ answer: { error: { reason: 'UNSUPPORTED' } } }]);
});

it.each([[{ v: 1 }], [{ v: 1, member: 'e', everyMs: null }], [{ v: 1, member: 'e', everyMs: { vm1: 'often' } }], [7]])(
  'what is no demand demands nothing: %j',
  (body) => {
    const bus = new DirectBus();
    const demanded: unknown[] = [];
    new MeasureServer(bus, subjects, clock, { progress$: EMPTY, demand: (...demand) => demanded.push(demand) });
    bus.hear(subjects.demand, body);
    expect(demanded).toEqual([]);
  },
);

const ROW = { source: 'vm1', job: 'j', run: 'r:1', status: 'running', len: 8, offset: 4, speed: 0 };

function progressOf(body: unknown): unknown[] {
  const bus = new DirectBus();
  const shown: unknown[] = [];
  const measured = (rows: unknown): unknown => shown.push(rows);
  new MeasureClient({ bus, subjects, clock, member: 'e', sources: () => ['vm1'], measured });
  bus.hear(subjects.progress('*'), body, undefined, subjects.progress('vm1'));
  return shown;
}

it.each([
  [{ v: 1 }],
  [{ v: 1, rows: [null] }],
  [{ v: 1, rows: [{ source: 'vm1' }] }],
  [{ v: 1, rows: [ROW, { ...ROW, source: 'vm2' }] }],
  [{ v: 1, rows: [{ ...ROW, len: {} }] }],
  [{ v: 1, rows: [{ ...ROW, status: 'gone' }] }],
  [[]],
])('what is no progress of its source is shown to nobody: %j', (body) => {
  expect(progressOf(body)).toEqual([]);
});

it('progress is shown as its owner has measured it', () => {
  const rows = [ROW, { ...ROW, job: 'k', len: '9007199254740993' }];
  expect(progressOf({ v: 1, rows })).toEqual([rows]);
});

it.each([
  [{ v: 1 }],
  [{ v: 1, member: 'm', instance: 'i', owned: 7 }],
  [{ v: 1, member: 'm', instance: 'i', owned: [null] }],
])('who says that it has sources, and not which, has none: %j', (body) => {
  const bus = new DirectBus();
  const owners = new Owners(bus, subjects, clock, 5_000);
  bus.hear(subjects.hold, body);
  expect(owners.of('vm1')).toBeUndefined();
});
