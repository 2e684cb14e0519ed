// One WebSocket without a network: how each frame is taken, when it is closed and with which code, and what shows that it lives.
import { EventEmitter } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import { ALL_GRANTS } from '../../src/access/index.js';
import type { GatewayLimits } from '../../src/gateway/limits.js';
import { Scheduler } from '../../src/gateway/scheduler.js';
import { Connection } from '../../src/gateway/session/connection.js';
import { Heartbeat } from '../../src/gateway/session/heartbeat.js';
import { SendQueues } from '../../src/gateway/session/send-queues.js';
import { Unauthenticated } from '../../src/gateway/session/unauthenticated.js';
import { Deflater } from '../../src/gateway/wire/deflate.js';
import { FakeClock } from '../support/fake-clock.js';
import { FarEnd } from '../support/far-end.js';
import { jobOf, Sessions } from '../support/sessions.js';

/** As `ws` is, as far as a connection uses it. */
class FakeWs extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  extensions = '';
  isPaused = false;
  readonly closes: [code: number, reason: string][] = [];
  terminated = false;

  close(code: number, reason: string): void {
    if (this.readyState !== 1) return;
    this.readyState = 2;
    this.closes.push([code, reason]);
  }

  terminate(): void {
    this.terminated = true;
    this.readyState = 3;
    this.emit('close');
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

interface Opened {
  bench: Sessions;
  ws: FakeWs;
  end: FarEnd;
  connection: Connection;
  closed: () => number;
  say: (method: string, params?: object, id?: number) => void;
  /** What the kernel still holds, as SendQueues reads it. */
  kernel: { bytes: number | undefined };
}

function open(limits: Partial<GatewayLimits> = {}): Opened {
  const bench = new Sessions({ limits });
  const ws = new FakeWs();
  const end = new FarEnd();
  Object.assign(end.socket, { bytesRead: 0, bytesWritten: 0, remoteAddress: '127.0.0.1' });
  const kernel: Opened['kernel'] = { bytes: undefined };
  let closed = 0;
  const connection = new Connection(
    ws as unknown as WebSocket,
    {
      socket: end.socket,
      principal: { name: 'anonymous', grants: ALL_GRANTS, expiresAt: null },
      transport: { kind: 'websocket', listener: 'tcp', proxied: false, address: '127.0.0.1' },
      connectionNumber: 1,
    },
    {
      ...bench.deps,
      deflater: new Deflater(),
      traffic: { sentBytes: 0 },
      unauthenticated: new Unauthenticated(bench.limits, bench.clock, bench.recorder),
      requests: new Scheduler(bench.clock).queue(),
      sendQueues: { of: () => Promise.resolve(kernel.bytes) } as unknown as SendQueues,
    },
    () => {
      closed += 1;
    },
  );
  onTestFinished(() => void ws.emit('close'));
  const say = (method: string, params: object = {}, id = 1): void => {
    ws.emit('message', Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })), false);
  };
  return { bench, ws, end, connection, closed: () => closed, say, kernel };
}

const PING = 0x89;
const PONG = 0x8a;

describe('a connection', () => {
  it('answers text, and closes with 1003 at a binary message', async () => {
    const { bench, ws, end, say } = open();
    say('server.info');
    await bench.turn();
    expect(end.messages).toMatchObject([{ id: 1, result: { epoch: 'e' } }]);
    ws.emit('message', Buffer.from('{}'), true);
    expect(ws.closes).toEqual([[1003, 'text messages only']]);
    say('server.info', {}, 2);
    await bench.turn();
    expect(end.messages, 'nothing after the close is executed').toHaveLength(1);
  });

  it('that closes ends its session, its subscriptions and its calls', async () => {
    const { bench, ws, say, closed } = open();
    say('subscribe');
    say('job.wait', { source: 'vm1', job: 'j' }, 2);
    await bench.turn();
    expect(bench.hub.subscribers).toBe(1);
    ws.emit('error', new Error('of the peer'));
    ws.emit('close');
    expect([closed(), bench.hub.subscribers, bench.calls[0]?.context.signal.aborted]).toEqual([1, 0, true]);
  });

  it('says bye after everything that was produced, once', async () => {
    const { bench, ws, end, connection, say } = open();
    say('subscribe');
    bench.append('vm1', 'RESUME');
    connection.bye(1012, 'drain', 250);
    connection.bye(1012, 'drain', 250);
    await bench.turn();
    expect(end.messages.map(({ method, params }) => [method, params?.retryAfterMs])).toEqual([
      [undefined, undefined],
      ['events', undefined],
      ['bye', 250],
    ]);
    expect(ws.closes).toEqual([[1012, 'drain']]);
  });

  it('that is killed does not wait for the peer', () => {
    const { ws, connection, closed } = open();
    connection.kill(4508, 'no drain progress');
    expect([ws.closes, ws.terminated, closed()]).toEqual([[[4508, 'no drain progress']], true, 1]);
  });

  it('closes with 4508 a peer that reads no byte in time, and never one that reads some', async () => {
    const { bench, ws, end, say } = open({ highWaterBytes: 1_000, stuckMs: 1_000 });
    say('subscribe');
    end.stop();
    for (let n = 0; n < 3; n += 1) {
      bench.append('vm1', 'RESUME', undefined, { pad: 'x'.repeat(2_000) });
      await bench.turn();
    }
    Object.assign(end.socket, { bytesWritten: 1 });
    await bench.clock.advance(1_000);
    expect(ws.closes).toEqual([]);
    await bench.clock.advance(1_000);
    expect(ws.closes).toEqual([[4508, 'no drain progress']]);
    expect(ws.terminated).toBe(true);
    expect(bench.recorder.limits).toEqual(['drain_progress']);
  });

  it('closes with 1011 after an exception in a message, which the log has', async () => {
    const { bench, ws, say } = open();
    Object.defineProperty(bench.log, 'cursor', {
      get: () => {
        throw new Error('a bug');
      },
    });
    say('subscribe');
    await bench.turn();
    expect(ws.closes).toEqual([[1011, 'internal error']]);
    expect(bench.lines).toMatchObject([{ err: { message: 'a bug' } }]);
  });

  it('does not execute for a client that does not read, stops reading it, and goes on when it drains', async () => {
    const { bench, ws, end, say } = open({ hardStopBytes: 1_200, highWaterBytes: 1_200 });
    end.stop();
    for (let id = 1; id <= 5; id += 1) say('server.info', {}, id);
    await bench.turn(3);
    expect(ws.isPaused).toBe(true);
    end.take();
    await bench.turn(10);
    expect(end.messages.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
    expect(ws.isPaused).toBe(false);
    expect(new Set(bench.recorder.limits)).toEqual(new Set(['answers_bytes']));
  });

  it('says bye with 4429 where more requests wait than it keeps', async () => {
    const { bench, ws, end, say } = open({ hardStopBytes: 0, inboxBytes: 200 });
    for (let id = 1; id <= 4; id += 1) say('server.info', {}, id);
    await bench.turn();
    expect(end.of('bye')).toMatchObject([{ code: 4429, retryAfterMs: 1_000 }]);
    expect(ws.closes).toEqual([[4429, 'too many requests wait']]);
    expect(bench.recorder.limits).toEqual(['answers_bytes', 'inbox_bytes']);
  });

  it('counts what waits, and not what was executed', async () => {
    const { bench, ws, say } = open({ inboxBytes: 200 });
    for (let id = 1; id <= 20; id += 1) {
      say('server.info', {}, id);
      await bench.turn();
    }
    expect(ws.closes).toEqual([]);
  });

  it('defers a large answer that had to wait until the client has read', async () => {
    const { bench, end, say } = open({ hardStopBytes: 1_000 });
    bench.freshen = () => Promise.resolve();
    end.stop();
    say('server.info', {}, 1);
    say('job.list', {}, 2);
    await bench.turn(3);
    end.take();
    await bench.turn(5);
    expect(end.messages.map(({ id }) => id)).toEqual([1, 2]);
  });
});

describe('pings of the peer', () => {
  it('that come at once are answered once, with the newest', async () => {
    const { bench, ws, end } = open();
    for (const text of ['a', 'b']) ws.emit('ping', Buffer.from(text));
    expect(end.kinds).toEqual([]);
    await bench.turn();
    expect(end.kinds).toEqual([PONG]);
  });

  it('are answered behind what is unsent', async () => {
    const { bench, ws, end, say } = open({ highWaterBytes: 1_000 });
    end.stop();
    say('server.info');
    ws.emit('ping', Buffer.from('a'));
    await bench.turn();
    end.take();
    await bench.turn();
    expect(end.kinds).toEqual([0x81, PONG]);
  });
});

describe('pings and pongs of the peer', () => {
  it('are counted from one bookmark to the next', () => {
    const { bench, ws, end, connection } = open({ controlFrames: 2 });
    for (let round = 0; round < 2; round += 1) {
      for (const kind of ['ping', 'pong']) ws.emit(kind, Buffer.alloc(0));
      if (round === 0) connection.beat(bench.clock.now());
    }
    expect(bench.recorder.limits).toEqual([]);
    ws.emit('pong', Buffer.alloc(0));
    expect(bench.recorder.limits).toEqual(['control_frames']);
    expect(end.messages.at(-1)).toMatchObject({ method: 'bye', params: { code: 4429 } });
  });
});

describe('a heartbeat', () => {
  const limits = { bookmarkMs: 15_000, deadMs: 45_000 };

  it('is a bookmark with a ping where everything was sent, a ping alone where it was not', async () => {
    const { bench, end, connection, say } = open({ ...limits, highWaterBytes: 1 << 30 });
    say('subscribe');
    bench.append('vm1', 'RESUME');
    connection.beat(bench.clock.now());
    expect(end.messages.map(({ method }) => method)).toEqual([undefined, 'events', 'bookmark']);
    expect(end.of('bookmark')[0]).toEqual({ cursor: 'e:1', time: new Date(bench.clock.date()).toISOString() });
    expect(end.kinds.at(-1)).toBe(PING);
    // The first of several pages is out.
    for (let n = 0; n < 3_000; n += 1) bench.jobs.push(jobOf('vm1', `j${n}`));
    say('subscribe', { tag: 1 }, 2);
    connection.beat(bench.clock.now());
    expect(end.of('snapshot')).toHaveLength(1);
    expect(end.of('bookmark')).toHaveLength(1);
    expect(end.kinds.at(-1)).toBe(PING);
  });

  it('asks a peer that answers with every second bookmark, and one that does not with each until it closes it', () => {
    const { bench, ws, end, connection } = open(limits);
    const asked: boolean[] = [];
    while (ws.closes.length === 0) {
      bench.clock.spend(15_000);
      connection.beat(bench.clock.now());
      asked.push(end.kinds.at(-1) === PING);
      if (asked.at(-1) && asked.length < 4) Object.assign(end.socket, { bytesRead: asked.length });
    }
    // The last one is the close.
    expect(asked.slice(0, -1)).toEqual([true, false, true, false, true, true, true]);
    expect(end.of('bookmark')).toHaveLength(7);
  });

  it('closes with 4510 a silent peer, and keeps one that sends, reads, or slept together with this process', async () => {
    for (const sign of ['none', 'sends', 'takes', 'kernel'] as const) {
      const { bench, ws, end, connection, kernel } = open(limits);
      for (let n = 0; n < 5; n += 1) {
        bench.clock.spend(15_000);
        if (sign === 'sends') Object.assign(end.socket, { bytesRead: n + 1 });
        if (sign === 'takes') Object.assign(end.socket, { bytesWritten: (n + 1) * 10_000 });
        if (sign === 'kernel') kernel.bytes = 1_000 - n;
        connection.beat(bench.clock.now());
        await bench.turn();
      }
      expect(ws.closes, sign).toEqual(sign === 'none' ? [[4510, 'heartbeat lost']] : []);
      expect(bench.recorder.limits, sign).toEqual(sign === 'none' ? ['sign_of_life'] : []);
    }
    const { bench, ws, end, connection } = open(limits);
    for (let n = 0; n < 5; n += 1) {
      bench.clock.spend(15_000);
      connection.beat(bench.clock.now());
      Object.assign(end.socket, { bytesRead: n + 1 });
    }
    connection.beat(bench.clock.now());
    bench.clock.spend(3_600_000);
    connection.beat(bench.clock.now());
    expect(ws.closes, 'after a sleep of this process').toEqual([]);
  });

  it('does not judge a peer behind a full socket', async () => {
    const { bench, ws, end, connection, say } = open({ ...limits, highWaterBytes: 500 });
    end.stop();
    say('server.info');
    const written = end.kinds.length;
    for (let n = 0; n < 5; n += 1) {
      bench.clock.spend(15_000);
      connection.beat(bench.clock.now());
    }
    expect([ws.closes, end.kinds.length]).toEqual([[], written]);
  });

  it('comes to each once a period, and to those that are removed no more', async () => {
    const clock = new FakeClock();
    const heartbeat = new Heartbeat(3_000, clock);
    const beats: [name: string, at: number][] = [];
    const peers = ['a', 'b', 'c', 'd'].map((name) => ({ beat: (now: number) => void beats.push([name, now]) }));
    for (const peer of peers) heartbeat.add(peer);
    await clock.advance(3_000);
    expect(beats).toEqual([
      ['a', 2_000],
      ['d', 2_000],
      ['b', 3_000],
      ['c', 4_000],
    ]);
    for (const peer of peers) heartbeat.remove(peer);
    await clock.advance(3_000);
    heartbeat.close();
    expect([beats.length, clock.pending]).toEqual([4, 0]);
  });
});

describe('what the kernel holds of a socket', () => {
  const line = (local: string, remote: string, queue: string): string =>
    `   0: 0100007F:${local} 0100007F:${remote} 01 ${queue}:00000000 00:00000000 00000000     0        0 1 1\n`;

  it('is found in the list by its ports, and the list is read once a second for all callers', async () => {
    const clock = new FakeClock();
    let reads = 0;
    const queues = new SendQueues(clock, (file) => {
      reads += 1;
      return Promise.resolve(
        file.endsWith('6') ? '' : line('1B9E', 'D431', '0003A2F0') + line('0001', '0002', '00000001'),
      );
    });
    const socket = (localPort: number, remotePort: number): never => ({ localPort, remotePort }) as never;
    expect(await queues.of(socket(0x1b9e, 0xd431))).toBe(0x3a2f0);
    expect(await queues.of(socket(1, 2))).toBe(1);
    expect(await queues.of(socket(7, 7))).toBeUndefined();
    expect(reads).toBe(2);
    clock.spend(1_001);
    await queues.of(socket(1, 2));
    expect(reads).toBe(4);
  });

  it('is unknown where two peers have the same ports, and where there is no list', async () => {
    const twice = new SendQueues(new FakeClock(), () => Promise.resolve(line('0001', '0002', '00000001')));
    expect(await twice.of({ localPort: 1, remotePort: 2 } as never)).toBeUndefined();
    expect(await new SendQueues(new FakeClock()).of({ localPort: 0, remotePort: 0 } as never)).toBeUndefined();
  });
});

it('of too many connections that have not authenticated the oldest goes, which is counted', () => {
  const { bench } = open();
  const gone: number[] = [];
  const peers = new Unauthenticated({ authenticateMs: 1_000, unauthenticated: 2 }, bench.clock, bench.recorder);
  for (const n of [1, 2]) peers.add({ late: () => void gone.push(n) });
  expect([gone, bench.recorder.limits]).toEqual([[], []]);
  peers.add({ late: () => void gone.push(3) });
  expect(gone).toEqual([1]);
  expect(bench.recorder.limits).toEqual(['unauthenticated']);
});
