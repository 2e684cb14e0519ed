// Clients that sleep, read slowly or have gone: closed are only those that neither sent nor took a byte within the limit.
import { describe, expect, it } from 'vitest';
import { openBare } from '../../support/bare.js';
import { rawSocket } from '../stream/support.js';

describe('a client that answers no ping', () => {
  it('is closed with 4510 once nothing came and nothing drained for the limit; any byte of its own counts', async () => {
    const bare = await openBare({ bookmarkMs: 50, deadMs: 300 });
    const opened = performance.now();
    const [silent, talking] = [await rawSocket(bare.url), await rawSocket(bare.url)];
    // Half a frame, a byte at a time: it is no message, but a sign of life.
    const bytes = Buffer.alloc(2_000, 0x20);
    bytes.set([0x81, 0xfe, 0x07, 0xc0, 0, 0, 0, 0]);
    let sent = 0;
    const timer = setInterval(() => talking.socket.write(bytes.subarray(sent, ++sent)), 20);
    expect(await silent.code()).toBe(4510);
    expect(performance.now() - opened).toBeGreaterThan(300);
    await expect.poll(() => bare.counts().connections).toBe(1);
    // Twice as many pings as the silent one was given.
    let beats = '';
    talking.socket.on('data', (chunk: Buffer) => {
      beats += chunk.toString('latin1');
    });
    talking.socket.resume();
    await expect.poll(() => beats.split('\x89\x00').length).toBeGreaterThan(20);
    expect(bare.counts().connections).toBe(1);
    clearInterval(timer);
    await expect.poll(() => bare.counts().connections).toBe(0);
  });

  it.runIf(process.platform === 'linux')(
    'but reads what the kernel holds, slowly, stays until it has it',
    { timeout: 60_000 },
    async () => {
      // A receiver tells of its progress in steps of some reads, and the kernel's queues are read once a second.
      const bare = await openBare({ bookmarkMs: 100, deadMs: 5_000 });
      const raw = await rawSocket(bare.url);
      raw.request(1, 'subscribe', {});
      await expect.poll(() => bare.counts().subscribers).toBe(1);
      const total = 30 * 40_000;
      for (let n = 0; n < 30; n += 1)
        bare.log.append([{ source: 'vm1', type: 'X', time: 0, data: { pad: 'x'.repeat(40_000) } }]);
      let read = 0;
      raw.socket.on('data', (chunk: Buffer) => {
        read += chunk.length;
        raw.socket.pause();
      });
      const began = performance.now();
      const timer = setInterval(() => raw.socket.resume(), 400);
      await expect.poll(() => read > total * 0.9, { timeout: 40_000 }).toBe(true);
      expect(performance.now() - began, 'for longer than the limit').toBeGreaterThan(5_500);
      expect(bare.counts()).toMatchObject({ parked: 0, subscribers: 1 });
      clearInterval(timer);
    },
  );

  it('but takes events, slowly, stays; parked, only drain progress counts', { timeout: 60_000 }, async () => {
    const bare = await openBare({ bookmarkMs: 50, deadMs: 300, stuckMs: 2_000 });
    const [sipping, stuck] = [await rawSocket(bare.url), await rawSocket(bare.url)];
    for (const each of [sipping, stuck]) each.request(1, 'subscribe', {});
    await expect.poll(() => bare.counts().subscribers).toBe(2);
    let closedAt = 0;
    // A steady stream: the kernel takes it, and no pong comes through it.
    let wholeAt = 0;
    while (closedAt === 0) {
      bare.log.append([{ source: 'vm1', type: 'X', time: 0, data: { pad: 'x'.repeat(30_000) } }]);
      sipping.socket.resume();
      await new Promise((resolve) => setImmediate(resolve));
      sipping.socket.pause();
      // The last moment at which nobody was parked.
      if (bare.counts().parked === 0) wholeAt = performance.now();
      if (bare.counts().connections === 1) closedAt = performance.now();
      expect(bare.counts().connections).toBeGreaterThan(0);
    }
    expect(sipping.closed).toBe(false);
    expect(wholeAt).toBeGreaterThan(0);
    expect(closedAt - wholeAt, 'not before the limit').toBeGreaterThan(1_990);
  });
});
