// One client of server-sent events without a network: what is written before it has begun, how it ends, and what shows that it lives.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ALL_GRANTS, type Principal } from '../../src/access/index.js';
import type { GatewayLimits } from '../../src/gateway/limits.js';
import { Scheduler } from '../../src/gateway/scheduler.js';
import { EventStream } from '../../src/gateway/session/event-stream.js';
import type { SendQueues } from '../../src/gateway/session/send-queues.js';
import { Unauthenticated } from '../../src/gateway/session/unauthenticated.js';
import { Deflater } from '../../src/gateway/wire/deflate.js';
import type { Refusal } from '../../src/protocol/answer.js';
import { jobOf, Sessions } from '../support/sessions.js';

interface Opened {
  bench: Sessions;
  socket: Duplex & { bytesWritten: number };
  stream: EventStream;
  text: () => string;
  refused: Refusal[];
  /** What the kernel still holds, as SendQueues reads it. */
  kernel: { bytes: number };
  begun: () => boolean;
}

/** @param expiresInMs of the credentials */
function open(options: { limits?: Partial<GatewayLimits>; expiresInMs?: number; sources?: string[] } = {}): Opened {
  const { limits = {}, expiresInMs, sources = ['*'] } = options;
  const bench = new Sessions({ limits });
  bench.jobs.push(jobOf('vm1', 'j'));
  let text = '';
  let begun = false;
  const refused: Refusal[] = [];
  // The far end neither sends nor closes.
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      Object.assign(socket, { bytesWritten: text.length });
      done();
    },
  }) as Opened['socket'];
  socket.bytesWritten = 0;
  const expiresAt = expiresInMs === undefined ? null : bench.clock.date() + expiresInMs;
  const principal: Principal = { name: 'ann', grants: ALL_GRANTS, expiresAt };
  const kernel = { bytes: 0 };
  const stream = new EventStream(
    {
      socket: socket as unknown as Socket,
      principal,
      transport: { kind: 'http', listener: 'tcp', proxied: false, address: '127.0.0.1' },
      subscribe: { sources },
      after: undefined,
      begin: () => {
        begun = true;
        socket.write('HEAD\n\n');
      },
      refuse: (error) => void refused.push(error),
    },
    {
      ...bench.deps,
      deflater: new Deflater(),
      traffic: { sentBytes: 0 },
      unauthenticated: new Unauthenticated(bench.limits, bench.clock, bench.recorder),
      requests: new Scheduler(bench.clock).queue(),
      sendQueues: { of: () => Promise.resolve(kernel.bytes) } as unknown as SendQueues,
    },
  );
  onTestFinished(() => stream.kill());
  return { bench, socket, stream, text: () => text, refused, kernel, begun: () => begun };
}

/** Compared with the runs in steps of several turns, so that the stream does not begin at once. */
const SLOW = [`${'*a'.repeat(40)}`, 'vm*'];

describe('an event stream that has not begun', () => {
  it('is told after its beginning that its credentials end', async () => {
    const { bench, stream, text } = open({ expiresInMs: 1_000, sources: SLOW });
    // Its turn comes late: others' requests wait before it.
    await bench.clock.advance(10);
    expect(text()).toBe('');
    stream.start();
    await bench.turn(5);
    expect(text()).toMatch(/^HEAD\n\nevent: snapshot\n/);
    expect(text().match(/event: expiring/g)).toHaveLength(1);
  });

  it('is refused where its credentials have ended, by an answer and not by bytes before the head of one', async () => {
    const { bench, stream, socket, text, refused, begun } = open({ expiresInMs: 1_000, sources: SLOW });
    await bench.clock.advance(1_000);
    expect([text(), refused]).toEqual(['', [{ reason: 'UNAUTHENTICATED', message: 'the credentials have expired' }]]);
    stream.start();
    await bench.turn(5);
    expect([text(), begun(), socket.destroyed, bench.hub.subscribers]).toEqual(['', false, false, 0]);
  });

  it('is refused where the gateway closes', () => {
    const { stream, text, refused } = open();
    stream.bye(1012, 'drain', 250);
    expect([text(), refused]).toMatchObject(['', [{ reason: 'SOURCE_DOWN' }]]);
  });

  it('has no life sign', async () => {
    const { bench, stream, text } = open();
    stream.beat(bench.clock.now());
    expect(text()).toBe('');
  });
});

describe('an event stream that is said goodbye', () => {
  it('is closed 5 s later where the client neither reads nor closes', async () => {
    const { bench, stream, socket, text } = open();
    stream.start();
    stream.bye(4403, 'forbidden', 0);
    stream.bye(4403, 'forbidden', 0);
    expect(text().match(/event: bye/g)).toHaveLength(1);
    await bench.clock.advance(4_900);
    expect(socket.destroyed).toBe(false);
    await bench.clock.advance(100);
    expect(socket.destroyed).toBe(true);
  });

  it('leaves no timer where the client closes', async () => {
    const { bench, stream, socket } = open();
    stream.start();
    stream.bye(4403, 'forbidden', 0);
    const waiting = bench.clock.pending;
    socket.destroy();
    await bench.turn();
    expect(bench.clock.pending).toBe(waiting - 1);
  });
});

describe('the life of an event stream', () => {
  const limits = { bookmarkMs: 15_000, deadMs: 45_000 };

  it.each([
    ['a host that acknowledges nothing', (n: number) => ({ queued: 1_000 + n * 100, sent: 0 }), true],
    [
      'a host that acknowledges nothing of what happens',
      (_n: number, written: number) => ({ queued: written, sent: 5_000 }),
      true,
    ],
    ['a slow reader, of whom as much waits again each time', () => ({ queued: 60_000, sent: 20_000 }), false],
    ['a slow reader, of whom more waits each time', (n: number) => ({ queued: 60_000 + n * 99, sent: 20_000 }), false],
    ['a reader of what was sent before', (n: number) => ({ queued: 60_000 - n, sent: 0 }), false],
    ['a reader to whom nothing happens', () => ({ queued: 0, sent: 0 }), false],
  ] as const)('of %s', async (_who, at, dies) => {
    const { bench, stream, socket, kernel } = open({ limits });
    stream.start();
    await bench.turn();
    for (let n = 1; n <= 6; n += 1) {
      const { sent } = at(n, 0);
      if (sent > 0) bench.append('vm1', 'STOP', undefined, { pad: 'x'.repeat(sent) });
      await bench.turn(3);
      kernel.bytes = at(n, socket.bytesWritten).queued;
      bench.clock.spend(15_000);
      stream.beat(bench.clock.now());
      await bench.turn();
    }
    expect(socket.destroyed).toBe(dies);
    expect(bench.recorder.limits).toEqual(dies ? ['sign_of_life'] : []);
  });
});
