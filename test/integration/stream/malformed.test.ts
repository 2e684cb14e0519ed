// A monitor that writes anything: its own source is down with the reason `protocol` or goes on, and another source never notices.
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { allUp, startApp } from '../../support/app.js';
import type { Wire } from '../../support/wire.js';
import { metric, openSims } from './support.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const job: Json = { id: 'j', type: 'mirror', status: 'running', 'current-progress': 1, 'total-progress': 2 };
const blockJob: Json = {
  ...{ type: 'mirror', device: 'j', len: 2, offset: 1, speed: 0 },
  ...{ busy: true, paused: false, ready: false, 'io-status': 'ok', status: 'running' },
};
const measures: Json = { type: 'mirror', device: 'j', len: 2, offset: 1, speed: 0 };

/** What a monitor says, as it should be. */
const SAID = {
  greeting: { QMP: { version: { qemu: { major: 9, minor: 0, micro: 0 }, package: '' }, capabilities: ['oob'] } },
  qmp_capabilities: { return: {} },
  'query-cpus-fast': { return: [{ 'thread-id': 7 }] },
  'query-commands': { return: [{ name: 'query-jobs' }, { name: 'x-debug-query-block-graph' }] },
  'query-block-jobs': { return: [blockJob] },
  'query-jobs': { return: [job] },
  'x-debug-query-block-graph': {
    return: {
      nodes: [
        { id: 1, type: 'block-job', name: 'j' },
        { id: 2, type: 'block-driver', name: 'a' },
      ],
      edges: [{ parent: 1, child: 2, name: 'source' }],
    },
  },
  'job-cancel': { error: { class: 'GenericError', desc: 'no' } },
  created: {
    event: 'JOB_STATUS_CHANGE',
    data: { id: 'j', status: 'created' },
    timestamp: { seconds: 1, microseconds: 2 },
  },
  ready: { event: 'BLOCK_JOB_READY', data: measures },
  error: { event: 'BLOCK_JOB_ERROR', data: { device: 'j', operation: 'write', action: 'stop' } },
  pending: { event: 'BLOCK_JOB_PENDING', data: { type: 'mirror', id: 'j' } },
  completed: { event: 'BLOCK_JOB_COMPLETED', data: { ...measures, error: 'EIO' } },
  cancelled: { event: 'BLOCK_JOB_CANCELLED', data: measures },
  other: { event: 'STOP', data: { any: ['thing'] } },
} as const satisfies Record<string, Json>;
type Place = keyof typeof SAID;
const EVENTS: readonly Place[] = ['created', 'ready', 'error', 'pending', 'completed', 'cancelled', 'other'];

/** Stands for text that is no value of JavaScript's. */
const DEEP = '@deep@';
const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
const write = (value: Json): string => `${JSON.stringify(value).replaceAll(`"${DEEP}"`, deep)}\r\n`;

const odd = fc.constantFrom<Json>(
  ...([null, true, 0, -1, 1.5, 1e308, 2 ** 60, '', 'x', '99999999999999999999999', DEEP, 'x'.repeat(300_000)] as const),
  ...([{}, [], [null], [{}], [[[]]], { toString: 1 }, { id: {} }, { event: DEEP }] as Json[]),
);

/** One place in a message, and what is there instead; nothing deletes it. */
interface Mutation {
  path: readonly number[];
  instead: Json | undefined;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  path: fc.array(fc.nat(5), { maxLength: 5 }),
  instead: fc.option(odd, { nil: undefined, freq: 6 }),
});

function mutate(value: Json, [next, ...rest]: readonly number[], instead: Json | undefined): Json | undefined {
  if (next === undefined || value === null || typeof value !== 'object') return instead;
  if (Array.isArray(value)) {
    const at = next % Math.max(1, value.length);
    return value.flatMap((each, index) => (index === at ? (mutate(each, rest, instead) ?? []) : [each]));
  }
  const names = Object.keys(value);
  const name = names[next % Math.max(1, names.length)];
  if (name === undefined) return instead;
  const { [name]: before = null, ...others } = value;
  const after = mutate(before, rest, instead);
  return after === undefined ? others : { ...others, [name]: after };
}

/** Serves one script a connection; every command has its answer, and after them come the events, each time the same. */
class HostileMonitor {
  readonly path: string;
  readonly #server: Server;
  #socket: Socket | undefined;
  #place: Place = 'other';
  #mutation: Mutation = { path: [], instead: {} };
  connections = 0;

  constructor(folder: string) {
    this.path = join(folder, 'hostile');
    this.#server = createServer((socket) => this.#serve(socket)).listen(this.path);
    onTestFinished(() => {
      this.#server.close();
      this.#socket?.destroy();
    });
  }

  /** From the next connection on; it is hung up on first. */
  play(place: Place, change: Mutation): void {
    this.#place = place;
    this.#mutation = change;
    this.#socket?.destroy();
  }

  say(place: Place, id?: Json): void {
    const said =
      place === this.#place ? (mutate(SAID[place], this.#mutation.path, this.#mutation.instead) ?? null) : SAID[place];
    const object = said !== null && typeof said === 'object' && !Array.isArray(said);
    this.#socket?.write(write(object && id !== undefined ? { ...said, id } : said));
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.#socket = socket;
    socket.on('error', () => undefined);
    this.say('greeting');
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const { execute, id } = JSON.parse(line) as { execute: Place; id: Json };
        this.say(execute in SAID ? execute : 'qmp_capabilities', id);
      }
    });
  }
}

describe('a monitor that writes anything', () => {
  it('ends no other source, and is connected to again', async () => {
    const { sims, paths } = await openSims('good');
    const hostile = new HostileMonitor((paths.good ?? '').replace(/^unix:|\/good$/g, ''));
    hostile.play('other', { path: [], instead: { event: 'STOP' } });
    const app = await startApp({ ...paths, bad: `unix:${hostile.path}` });
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', {});
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...(Object.keys(SAID) as Place[])), mutation, async (place, change) => {
        const { connections } = hostile;
        hostile.play(place, change);
        await expect.poll(() => hostile.connections).toBeGreaterThan(connections);
        // It may be hung up on at any of these.
        for (const each of EVENTS) hostile.say(each);
        hostile.say('job-cancel', 'unknown');
        sims.good?.faults.emit('MARKER', { n: ++n });
        await seen(wire, n);
      }),
      { numRuns: 150, endOnFailure: true, seed: 20_261_125 },
    );
    hostile.play('other', { path: [], instead: { event: 'STOP' } });
    await allUp(wire);
    expect((await wire.call('job.list', { sources: ['bad'] })).jobs).toMatchObject([{ job: 'j', type: 'mirror' }]);
  });

  it.each<[string, Place, Mutation]>([
    ['commands that are an object', 'query-commands', { path: [0], instead: {} }],
    ['commands that are null', 'query-commands', { path: [0], instead: null }],
    ['a list of null', 'query-jobs', { path: [0], instead: [null] }],
    ['a fractional progress', 'query-jobs', { path: [0, 0, 3], instead: 0.5 }],
    ['a job without its progress', 'query-jobs', { path: [0, 0, 3], instead: undefined }],
    ['block jobs that are null', 'query-block-jobs', { path: [0], instead: null }],
    ['vCPUs of null', 'query-cpus-fast', { path: [0], instead: [null] }],
    ['a version of objects', 'greeting', { path: [0, 0, 0, 0], instead: {} }],
    ['a deep package', 'greeting', { path: [0, 0, 1], instead: DEEP }],
  ])('%s: down, with the reason `protocol`', async (_, place, change) => {
    const { paths } = await openSims('good');
    const hostile = new HostileMonitor((paths.good ?? '').replace(/^unix:|\/good$/g, ''));
    hostile.play(place, change);
    const app = await startApp({ ...paths, bad: `unix:${hostile.path}` });
    const wire = await app.wire();
    const stateOf = async (): Promise<unknown> =>
      Object.fromEntries(
        (await wire.call('source.list', {})).sources.map(({ name, reason, state }) => [name, reason ?? state]),
      );
    await expect.poll(stateOf).toEqual({ good: 'up', bad: 'protocol' });
  });

  it.each<[string, Json]>([
    ['an event that nests 200,000 deep', { event: 'X', data: { deep: DEEP } }],
    [
      'an operation that is an object',
      { event: 'BLOCK_JOB_ERROR', data: { device: 'j', operation: { toString: 1 }, action: 'stop' } },
    ],
    ['an error whose text is a deep array', { error: { class: 'GenericError', desc: DEEP } }],
    ['a message that is no object', [null]],
  ])('%s: down, with the reason `protocol`', async (_, message) => {
    const { sims, paths } = await openSims('good', 'bad');
    const app = await startApp(paths);
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', { types: ['GATEWAY_SOURCE_DOWN'] });
    sims.bad?.faults.garbage(write(message));
    expect(await wire.typed('GATEWAY_SOURCE_DOWN')).toMatchObject({ source: 'bad', data: { reason: 'protocol' } });
    await allUp(wire);
  });
});

describe('an event that is too large to keep', () => {
  it('is one entry, with its size and what the state of its job needs; what is kept is counted as it is', async () => {
    const { sims, paths } = await openSims('vm1');
    const app = await startApp(paths);
    const wire = await app.wire();
    await allUp(wire);
    await wire.call('subscribe', {});
    for (let n = 0; n < 40; n++) sims.vm1?.faults.emit('HUGE', { n, pad: 'x'.repeat(1024 * 1024) });
    sims.vm1?.faults.emit('BLOCK_JOB_COMPLETED', {
      ...{ device: 'j', type: 'backup', len: 1, offset: 1, speed: 0 },
      error: 'e'.repeat(300_000),
    });
    sims.vm1?.faults.emit('JOB_STATUS_CHANGE', { id: 'j', status: 'null' });
    const { data } = await wire.typed('GATEWAY_JOB_SETTLED', 'j');
    expect(data).toMatchObject({ outcome: 'failed', error: `${'e'.repeat(4_095)}…` });
    const huge = wire.events.filter(({ type }) => type === 'HUGE');
    expect(huge).toHaveLength(40);
    expect(huge[0]?.data).toEqual({ truncated: expect.any(Number) });
    expect((huge[0]?.data as { truncated: number } | undefined)?.truncated).toBeGreaterThan(1024 * 1024);
    const completed = wire.events.find(({ type }) => type === 'BLOCK_JOB_COMPLETED')?.data;
    expect(completed).toMatchObject({ device: 'j', len: 1, offset: 1, truncated: expect.any(Number) });
    const kept = await metric(app.url, 'qmp_gateway_log_bytes');
    expect(kept).toBeLessThan(64 * 1024);
    sims.vm1?.faults.emit('LARGE', { pad: 'x'.repeat(200 * 1024) });
    await wire.typed('LARGE');
    expect((await metric(app.url, 'qmp_gateway_log_bytes')) - kept).toBeGreaterThanOrEqual(200 * 1024);
  });
});

async function seen(wire: Wire, n: number): Promise<void> {
  await wire.until(() => wire.events.some(({ type, data }) => type === 'MARKER' && (data as { n: number }).n === n));
}
