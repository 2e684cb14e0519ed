// One connection of the kit: its bounds, and what it says of messages that are not of the wire.
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { Connection } from '../../src/conformance/connection.js';

/** A connection without a network: the test sends what the server would, and fires the timers. */
function open() {
  const ws = Object.assign(new EventEmitter(), { protocol: '', send: () => undefined });
  const timers = new Set<{ ms: number; done: () => void }>();
  const lines: string[] = [];
  const connection = new Connection(ws as unknown as WebSocket, {
    timeoutMs: 5_000,
    quietMs: 250,
    has: () => true,
    record: (line) => void lines.push(line),
    timer: (ms, done) => {
      const timer = { ms, done };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  const fire = (): void => {
    const [timer] = timers;
    if (!timer) throw new Error('no timer');
    timers.delete(timer);
    timer.done();
  };
  const receive = (message: unknown): boolean => ws.emit('message', Buffer.from(JSON.stringify(message)), false);
  return { ws, connection, timers, lines, fire, receive };
}
const bookmark = { jsonrpc: '2.0', method: 'bookmark', params: { cursor: 'e:1', time: '2026-11-29T08:00:00Z' } };

describe('a connection of the kit', () => {
  it('waits for a reply no longer than its bound, and leaves no timer', async () => {
    const { connection, timers, fire, receive } = open();
    const late = connection.call('source.list', {});
    expect([...timers].map(({ ms }) => ms)).toEqual([5_000]);
    fire();
    await expect(late).rejects.toThrow('within 5000 ms there was no reply to 1');
    const answered = connection.call('source.list', {});
    receive({ jsonrpc: '2.0', id: 2, result: { sources: [] } });
    expect(await answered).toEqual({ sources: [] });
    expect(timers.size).toBe(0);
  });

  it('fails a wait at once when a message is not of the wire, or the server closes', async () => {
    const { connection, receive } = open();
    const waiting = connection.call('source.list', {});
    receive({ jsonrpc: '2.0', id: 1, result: { sources: 1 } });
    receive({ ...bookmark, params: {} });
    expect(connection.problems).toEqual([
      expect.stringContaining('the result of source.list: sources'),
      expect.stringContaining('bookmark: cursor'),
      expect.stringContaining('bookmark: time'),
    ]);
    await waiting;
    await expect(connection.call('source.list', {})).rejects.toThrow('the result of source.list: sources');
    const other = open();
    const cut = other.connection.call('source.list', {});
    other.ws.emit('close', 1006, Buffer.alloc(0));
    await expect(cut).rejects.toThrow('closed with 1006');
  });

  it('finds a reply that nobody asked for, a second reply, and text that is not JSON', () => {
    const { connection, ws, receive } = open();
    connection.request('unsubscribe', { subscription: 'x' }, 'a');
    receive({ jsonrpc: '2.0', id: 'a', result: {} });
    expect(connection.problems).toEqual([]);
    receive({ jsonrpc: '2.0', id: 'a', result: {} });
    receive({ jsonrpc: '2.0', id: 'b', result: {} });
    ws.emit('message', Buffer.from('{'), false);
    expect(connection.problems).toEqual([
      expect.stringContaining('a reply to "a"'),
      expect.stringContaining('a reply to "b"'),
      'a message is not JSON',
    ]);
  });

  it('is quiet after five parts of the time without a message, and no later than four times that time', async () => {
    const { connection, fire, receive, timers } = open();
    let isQuiet = false;
    const quiet = connection.quiet().then(() => {
      isQuiet = true;
    });
    const next = async (): Promise<void> => {
      fire();
      await new Promise(setImmediate);
    };
    for (let part = 0; part < 4; part += 1) await next();
    receive(bookmark);
    for (let part = 0; part < 5; part += 1) await next();
    expect(isQuiet).toBe(false);
    await next();
    await quiet;
    expect([isQuiet, timers.size]).toEqual([true, 0]);
    const busy = connection.quiet();
    for (let part = 0; part < 20; part += 1) {
      receive(bookmark);
      await next();
    }
    await busy;
  });

  it('says that a clause is not tried where an occasion did not come, but not where the server failed', async () => {
    const { connection, fire, receive } = open();
    const none = connection.occasion('event', () => false);
    fire();
    await expect(none).rejects.toMatchObject({ name: 'NotTried' });
    const broken = connection.occasion('event', () => false);
    receive([]);
    await expect(broken).rejects.toMatchObject({ name: 'ClauseFailed', message: 'a message is a JSON object' });
  });
});
