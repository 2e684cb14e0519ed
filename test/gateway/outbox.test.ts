// When the outbox reports that it can be written to, with a socket that takes bytes when the test says so.
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CLOCK } from '../../src/clock.js';
import { Outbox } from '../../src/gateway/wire/outbox.js';

function open(): { outbox: Outbox; take: () => void; drains: () => number } {
  const waiting: (() => void)[] = [];
  let drains = 0;
  const socket = new Writable({
    highWaterMark: 64 * 1024,
    write: (_chunk, _encoding, done) => void waiting.push(done),
  }) as unknown as Socket;
  const outbox = new Outbox(socket, {
    highWaterBytes: 128 * 1024,
    stuckMs: 60_000,
    traffic: { sentBytes: 0 },
    clock: CLOCK,
    owner: {
      drained: () => {
        drains += 1;
      },
      stuck: () => undefined,
    },
  });
  return {
    outbox,
    take: () => {
      for (let done = waiting.shift(); done; done = waiting.shift()) done();
    },
    drains: () => drains,
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what is unsent', () => {
  it('is reported also when so little is pending that the socket never asked for a pause', async () => {
    const { outbox, take, drains } = open();
    outbox.write(Buffer.alloc(1_000));
    outbox.awaitDrain();
    outbox.awaitDrain();
    await turn();
    expect(drains()).toBe(0);
    take();
    await turn();
    take();
    await turn();
    expect(drains()).toBe(1);
    outbox.close();
  });

  it('is waited for once where the socket says so itself', async () => {
    const { outbox, take, drains } = open();
    outbox.write(Buffer.alloc(100_000));
    outbox.awaitDrain();
    take();
    await turn();
    expect(drains()).toBe(1);
    outbox.close();
  });

  it('calls no callback once it is closed', async () => {
    const { outbox, take, drains } = open();
    outbox.write(Buffer.alloc(1_000));
    outbox.awaitDrain();
    outbox.close();
    take();
    await turn();
    take();
    await turn();
    expect(drains()).toBe(0);
  });
});
