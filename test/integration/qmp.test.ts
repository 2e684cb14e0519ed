// A connection to a scripted monitor: messages that come first, late, without an id, for another client, or not at all.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMPTY, firstValueFrom, switchMap, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLOCK } from '../../src/clock.js';
import { toMonitorLost } from '../../src/qmp/connection-error.js';
import {
  type MonitorLost,
  ofType,
  openMonitor,
  type QmpEvent,
  type QmpLimits,
  type QmpSession,
} from '../../src/qmp/index.js';
import { type MonitorSignal, supervise } from '../../src/sources/qmp/supervise.js';

const VERSION = { qemu: { major: 9, minor: 1, micro: 2 }, package: '' };
const GREETING = '{"QMP":{"version":{"qemu":{"major":9,"minor":1,"micro":2},"package":""},"capabilities":["oob"]}}\r\n';

interface Script {
  path: string;
  server: Server;
  /** The nth connection, counted from 0. */
  peer(nth?: number): Promise<Peer>;
}
interface Peer {
  socket: Socket;
  /** The next command that the gateway wrote. */
  command(): Promise<{ execute: string; arguments: Record<string, unknown>; id: string; text: string }>;
  say(...texts: string[]): void;
}

async function script(onPeer: (peer: Peer, nth: number) => void = () => undefined): Promise<Script> {
  const folder = await mkdtemp(join(tmpdir(), 'qmp-'));
  const path = join(folder, 'm.sock');
  const peers: Peer[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((socket) => {
    const lines: string[] = [];
    const readers: ((line: string) => void)[] = [];
    let rest = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      rest += chunk.toString();
      for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
        const line = rest.slice(0, at);
        rest = rest.slice(at + 1);
        const reader = readers.shift();
        if (reader) reader(line);
        else lines.push(line);
      }
    });
    const peer: Peer = {
      socket,
      command: async () => {
        const line = lines.shift() ?? (await new Promise<string>((resolve) => readers.push(resolve)));
        return { ...JSON.parse(line), text: line };
      },
      say: (...texts) => void socket.write(texts.map((text) => `${text.trim()}\r\n`).join('')),
    };
    peers.push(peer);
    onPeer(peer, peers.length - 1);
    for (const wake of waiting.splice(0)) wake();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(async () => {
    server.close();
    for (const { socket } of peers) socket.destroy();
    await rm(folder, { recursive: true, force: true });
  });
  const peer = async (nth = 0): Promise<Peer> => {
    for (;;) {
      const found = peers[nth];
      if (found) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { path, server, peer };
}

/** A session, and its end. */
function open(
  path: string,
  limits: Partial<QmpLimits> = {},
): { session: Promise<QmpSession>; lost: Promise<MonitorLost>; events: QmpEvent[]; waiting: string[] } {
  const events: QmpEvent[] = [];
  const waiting: string[] = [];
  let lose: (lost: MonitorLost) => void = () => undefined;
  const lost = new Promise<MonitorLost>((resolve) => {
    lose = resolve;
  });
  const session = new Promise<QmpSession>((resolve) => {
    const subscription = openMonitor({ kind: 'unix', path }, limits)
      .pipe(
        switchMap((state) => {
          if (state.kind === 'waiting') {
            waiting.push(state.reason);
            return EMPTY;
          }
          resolve(state.session);
          return state.session.events$;
        }),
      )
      .subscribe({ next: (event) => events.push(event), error: lose });
    onTestFinished(() => subscription.unsubscribe());
  });
  return { session, lost, events, waiting };
}

const ok = (id: unknown, value: unknown = {}): string => JSON.stringify({ return: value, id });

describe('negotiation', () => {
  it('is matched by id: events and a reply to an earlier client may come first, and no event is lost', async () => {
    const { path, peer } = await script();
    const { session, events } = open(path);
    const qemu = await peer();
    qemu.say(
      '{"event":"EARLY","timestamp":{"seconds":1,"microseconds":2}}',
      '{"return":{"stale":1},"id":"other-1"}',
      GREETING,
    );
    const { id, execute } = await qemu.command();
    expect(execute).toBe('qmp_capabilities');
    qemu.say(
      '{"error":{"class":"GenericError","desc":"old"},"id":"other-2"}',
      '{"event":"BETWEEN"}',
      ok(id),
      '{"event":"AFTER"}',
    );
    const greeting = (await session).greeting;
    expect(greeting.version.qemu).toEqual({ major: 9, minor: 1, micro: 2 });
    const answer = (await session).execute('query-version', {});
    qemu.say(ok((await qemu.command()).id, VERSION));
    expect(await answer).toEqual({ kind: 'return', value: VERSION });
    expect(events.map(({ type, time }) => [type, time])).toEqual([
      ['EARLY', 1_000_002],
      ['BETWEEN', null],
      ['AFTER', null],
    ]);
  });

  it.each<[string, (peer: Peer) => void, string]>([
    ['a human monitor', (peer) => peer.say('QEMU 7.2.22 monitor - type help'), 'protocol'],
    ['JSON of something else', (peer) => peer.say('{"hello":1}'), 'protocol'],
    ['an end', (peer) => peer.socket.end(), 'closed'],
    ['a message over the limit', (peer) => peer.say(`{"a":"${'x'.repeat(2_000)}"}`), 'protocol'],
  ])('%s is %s', async (_, act, reason) => {
    const { path } = await script(act);
    const { lost } = open(path, { maxMessageBytes: 1_000 });
    expect((await lost).reason).toBe(reason);
  });

  it.each<[string, string, Partial<QmpLimits>]>([
    ['messages', '{"event":"X"}', { maxEarly: 100 }],
    ['bytes', `{"event":"X","data":{"pad":"${'x'.repeat(1_000)}"}}`, { maxEarlyBytes: 100_000 }],
    ['bytes of foreign replies', `{"return":"${'x'.repeat(1_000)}","id":"other"}`, { maxEarlyBytes: 100_000 }],
  ])('is not waited for beyond so many %s', async (_, message, limits) => {
    const { path } = await script((peer) => peer.say(...Array<string>(101).fill(message)));
    const { lost } = open(path, limits);
    expect((await lost).reason).toBe('protocol');
    expect((await lost).message).toMatch(/before the negotiation reply/);
  });

  it('waits on a peer that is silent or stalled, and says so: giving up would cost a place in the backlog', async () => {
    const { path, peer } = await script();
    const { session, waiting } = open(path, { greetingMs: 20, negotiationMs: 20 });
    const qemu = await peer();
    await expect.poll(() => waiting).toEqual(['silent']);
    qemu.say(GREETING);
    await expect.poll(() => waiting).toEqual(['silent', 'stalled']);
    qemu.say(ok((await qemu.command()).id));
    expect((await session).greeting.version.qemu.major).toBe(9);
  });

  it.each([
    ['/nonexistent/path.sock', 'absent'],
    ['/etc/hostname', 'refused'],
  ])('%s', async (path, reason) => {
    expect(['absent', reason]).toContain((await open(path).lost).reason);
  });

  it('a host that does not answer is unreachable, since nothing proves that there is no QEMU', () => {
    for (const code of ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])
      expect(toMonitorLost(Object.assign(new Error(code), { code })).reason).toBe('unreachable');
  });
});

/** A negotiated pair. */
async function pair(
  limits: Partial<QmpLimits> = {},
): Promise<{ session: QmpSession; qemu: Peer; lost: Promise<MonitorLost>; events: QmpEvent[] }> {
  const { path, peer } = await script((each) => each.say(GREETING));
  const { session, lost, events } = open(path, limits);
  const qemu = await peer();
  qemu.say(ok((await qemu.command()).id));
  return { session: await session, qemu, lost, events };
}

describe('commands', () => {
  it('have ids of their own process, and replies at their place between the events', async () => {
    const { session, qemu } = await pair();
    const order: string[] = [];
    session.events$.pipe(ofType('JOB_STATUS_CHANGE')).subscribe(({ data }) => order.push(data.status));
    session.request('query-jobs', {}, () => order.push('reply'));
    const { id } = await qemu.command();
    expect(id).toMatch(/^qmpgw-[0-9a-f]{12}-\d+$/);
    const status = (value: string): string => `{"event":"JOB_STATUS_CHANGE","data":{"id":"j","status":"${value}"}}`;
    qemu.say(status('running'), ok(id, []), status('ready'));
    await expect.poll(() => order).toEqual(['running', 'reply', 'ready']);
  });

  it('write bigints exactly, and keep at most eight in flight: places are left for verbs, and more for aborts', async () => {
    const { session, qemu } = await pair();
    const queries = Array.from({ length: 7 }, () => session.execute('query-jobs', {}));
    const speed = { device: 'j', speed: 9223372036854775807n };
    const verbs = Array.from({ length: 2 }, () => session.execute('block-job-set-speed', speed, { lane: 'verb' }));
    const aborts = Array.from({ length: 2 }, () => session.execute('job-cancel', { id: 'j' }, { lane: 'abort' }));
    const written = [];
    for (let i = 0; i < 8; i++) written.push(await qemu.command());
    expect(written.map(({ execute }) => execute)).toEqual([
      ...Array(6).fill('query-jobs'),
      'block-job-set-speed',
      'job-cancel',
    ]);
    expect(written[6]?.text).toContain('"speed":9223372036854775807');
    // One place is free: the abort that waits is first, whatever has waited longer.
    qemu.say(ok(written[0]?.id, []));
    expect((await qemu.command()).execute).toBe('job-cancel');
    qemu.socket.destroy();
    const answers = await Promise.all([...queries.slice(1), ...verbs, ...aborts]);
    const closed = (sent: boolean): unknown => ({ kind: 'closed', sent });
    expect(answers).toEqual([
      ...Array(5).fill(closed(true)),
      closed(false),
      closed(true),
      closed(false),
      closed(true),
      closed(true),
    ]);
  });

  it('report a full lane, and withdraw what is not yet written', async () => {
    const { session, qemu } = await pair({ maxInFlight: 1, maxQueued: 2 });
    const wrote: string[] = [];
    const ask = (name: string): [Promise<unknown>, () => boolean] => {
      let withdraw = (): boolean => false;
      const reply = new Promise((resolve) => {
        const onWrite = (): void => void wrote.push(name);
        withdraw = session.request('job-cancel', { id: name }, resolve, { lane: 'abort', onWrite });
      });
      return [reply, withdraw];
    };
    const [first, withdrawFirst] = ask('a');
    const [, withdrawSecond] = ask('b');
    const [third] = ask('c');
    const [fourth] = ask('d');
    expect(await fourth).toEqual({ kind: 'busy' });
    expect([withdrawFirst(), withdrawSecond(), withdrawSecond()]).toEqual([false, true, false]);
    qemu.say(ok((await qemu.command()).id));
    expect(await first).toMatchObject({ kind: 'return' });
    qemu.say(ok((await qemu.command()).id));
    expect(await third).toMatchObject({ kind: 'return' });
    expect(wrote).toEqual(['a', 'c']);
  });

  it('have a deadline; a late reply is swallowed', async () => {
    const { session, qemu, events } = await pair();
    expect(await session.execute('query-jobs', {}, { timeoutMs: 20 })).toEqual({ kind: 'timeout', sent: true });
    const late = await qemu.command();
    const next = session.execute('query-version', {});
    qemu.say(ok(late.id, []), ok((await qemu.command()).id, VERSION), '{"event":"MARKER"}');
    expect(await next).toEqual({ kind: 'return', value: VERSION });
    await expect.poll(() => events.map(({ type }) => type)).toEqual(['MARKER']);
  });

  it('take an error without an id for the only one in flight; with several it is ambiguous, and the connection ends', async () => {
    const { session, qemu, lost } = await pair();
    const error = '{"error":{"class":"GenericError","desc":"JSON parse error"}}';
    const one = session.execute('query-jobs', {});
    await qemu.command();
    qemu.say(error);
    expect(await one).toEqual({ kind: 'error', class: 'GenericError', desc: 'JSON parse error' });
    const two = [session.execute('query-jobs', {}), session.execute('query-jobs', {})];
    await qemu.command();
    qemu.say(error);
    expect((await lost).reason).toBe('protocol');
    expect(await Promise.all(two)).toEqual(Array(2).fill({ kind: 'closed', sent: true }));
  });
});

describe('supervision', () => {
  it('reconnects after a clean end too, ends each session with exactly one down, and starts its back-off anew after health', async () => {
    let nth = 0;
    const { path } = await script((peer) => {
      peer.say(GREETING);
      void peer.command().then(({ id }) => {
        peer.say(ok(id));
        if (++nth < 4) peer.socket.end();
      });
    });
    const signals = new Promise<MonitorSignal[]>((resolve) => {
      const seen: MonitorSignal[] = [];
      const subscription = supervise(
        { kind: 'unix', path },
        { baseMs: 1, maxMs: 2, clock: { ...CLOCK, random: () => 1 } },
      ).subscribe((signal) => {
        seen.push(signal);
        if (seen.filter(({ kind }) => kind === 'up').length === 4) resolve(seen);
      });
      onTestFinished(() => subscription.unsubscribe());
    });
    const kinds = (await signals).map((signal) =>
      signal.kind === 'down' ? `down ${signal.reason} ${signal.attempt}` : signal.kind,
    );
    expect(kinds).toEqual([
      'connecting',
      'up',
      'down closed 1',
      'connecting',
      'up',
      'down closed 2',
      'connecting',
      'up',
      'down closed 3',
      'connecting',
      'up',
    ]);
  });

  it('a command written in the turn in which the connection is closed is still sent', async () => {
    const { path, peer } = await script((each) => each.say(GREETING));
    const opened = new Promise<{ session: QmpSession; hangUp: () => void }>((resolve) => {
      const subscription = openMonitor({ kind: 'unix', path }).subscribe((state) => {
        if (state.kind === 'open') resolve({ session: state.session, hangUp: () => subscription.unsubscribe() });
      });
    });
    const each = await peer();
    each.say(ok((await each.command()).id));
    const { session, hangUp } = await opened;
    const reply = session.execute('block-job-cancel', { device: 'j' });
    hangUp();
    expect(await each.command()).toMatchObject({ execute: 'block-job-cancel', arguments: { device: 'j' } });
    expect(await reply).toEqual({ kind: 'closed', sent: true });
  });

  it('completes nothing and leaves no socket when unsubscribed', async () => {
    const { path, peer } = await script((each) => each.say(GREETING));
    const subscription = supervise({ kind: 'unix', path }).subscribe();
    const { socket } = await peer();
    const ended = new Promise((resolve) => socket.on('close', resolve));
    subscription.unsubscribe();
    await ended;
    await expect(firstValueFrom(openMonitor({ kind: 'unix', path: '/none' }).pipe(toArray()))).rejects.toMatchObject({
      reason: 'absent',
    });
  });
});
