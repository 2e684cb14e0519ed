// Events of megabytes: resuming and live clients get every one, the event loop goes on, and little waits in memory.
import { describe, expect, it } from 'vitest';
import { type Bare, longestTurn, openBare } from '../../support/bare.js';
import { rawSocket } from '../stream/support.js';

const MIB = 1024 * 1024;

function append(bare: Bare, n: number, bytes: number): void {
  bare.log.append([{ source: 'vm1', type: 'LARGE', time: 0, data: { n, pad: 'x'.repeat(bytes) } }]);
}

/** Milliseconds of CPU time. Made in one turn of the loop, each of these takes seconds; the client that reads runs in this process too. */
const MOST = 1_000;

const memory = (): number => {
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
};

describe('events of megabytes', () => {
  it('a resume over 300 of them: the loop goes on, and one at a time waits', { timeout: 60_000 }, async () => {
    const bare = await openBare({}, { log: { totalBytes: 1024 * MIB } });
    for (let n = 0; n < 300; n += 1) append(bare, n, MIB);
    // Their text is made once, and kept by the log.
    for (const { json } of bare.log.readAfter(0, 300).entries) expect(json.length).toBeGreaterThan(MIB);
    const raw = await rawSocket(bare.url);
    const before = memory();
    const unread = await longestTurn(async () => {
      raw.request(1, 'subscribe', { after: 'e:0' });
      await expect.poll(() => bare.counts().connections).toBe(1);
      const probe = await bare.wire();
      for (let n = 0; n < 100; n += 1) await probe.call('source.list', {});
    });
    expect(unread).toBeLessThan(MOST);
    // The kernel's few megabytes, those that wait, and the newest replays.
    expect(memory() - before).toBeLessThan(64 * MIB);
    let bytes = 0;
    raw.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    raw.socket.resume();
    const stall = await longestTurn(async () => {
      await expect.poll(() => bytes, { timeout: 30_000 }).toBeGreaterThan(300 * MIB);
    });
    expect(stall).toBeLessThan(MOST);
  });

  it('of a burst in one turn live clients with other filters get everything, and a message has one event or 64 KiB', async () => {
    const bare = await openBare();
    const wires = await Promise.all(Array.from({ length: 8 }, () => bare.wire()));
    for (const [n, wire] of wires.entries()) await wire.call('subscribe', { sources: ['vm1', `other${n}`] });
    const quiet = await bare.wire();
    await quiet.call('subscribe', { types: ['SMALL'] });
    const stall = await longestTurn(async () => {
      for (let n = 0; n < 40; n += 1) append(bare, n, 200_000);
      for (let n = 40; n < 1_000; n += 1) append(bare, n, 200);
      bare.log.append([{ source: 'vm1', type: 'SMALL', time: 0, data: {} }]);
      await quiet.typed('SMALL');
      await Promise.all(wires.map((wire) => wire.typed('SMALL')));
    });
    for (const wire of wires) {
      expect(wire.events.map(({ offset }) => offset)).toEqual(Array.from({ length: 1_001 }, (_, n) => n + 1));
      for (const { events } of wire.notifications('events'))
        expect(events.length === 1 || JSON.stringify(events).length < 66 * 1024).toBe(true);
    }
    expect(stall).toBeLessThan(MOST);
  });
});
