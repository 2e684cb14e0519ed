import { describe, expect, it } from 'vitest';
import { ConnectionLost } from '../../src/client/errors.js';
import { type Pending, RequestTable } from '../../src/client/requests.js';

function add(table: RequestTable, changes: Partial<Pending> = {}) {
  const fate: unknown[] = [];
  const id = table.add({
    method: 'job.get',
    params: () => ({}),
    repeat: 'safe',
    lane: 'queue',
    deadline: 1_000,
    resolve: (result) => void fate.push(['resolved', result]),
    reject: (error) => void fate.push([error.reason, error.data]),
    ...changes,
  });
  return { id, fate };
}

describe('request table', () => {
  it('settles by id, in any order, once', () => {
    const table = new RequestTable(9);
    const [one, two] = [add(table), add(table)];
    expect(table.take().map(({ id }) => id)).toEqual([one.id, two.id]);
    table.settle({ jsonrpc: '2.0', id: two.id, result: 2 });
    table.settle({ jsonrpc: '2.0', id: two.id, result: 3 });
    table.settle({
      jsonrpc: '2.0',
      id: one.id,
      error: { code: -32009, message: '', data: { reason: 'JOB_STATE', hint: 'x' } },
    });
    expect(two.fate).toEqual([['resolved', 2]]);
    expect(one.fate).toEqual([['JOB_STATE', { hint: 'x' }]]);
    expect(table.nextDeadline).toBe(Infinity);
  });

  it('rejects what was sent and may not be repeated; keeps the rest in its old order', () => {
    const table = new RequestTable(9);
    const safe = add(table);
    const once = add(table, { repeat: 'never', method: 'job.pause' });
    table.take();
    const unsent = add(table, { repeat: 'never' });
    table.drop();
    expect(once.fate).toEqual([['CONNECTION_LOST', { method: 'job.pause' }]]);
    expect(table.take().map(({ id }) => id)).toEqual([safe.id, unsent.id]);
    expect(new ConnectionLost('x').name).toBe('ConnectionLost');
  });

  it('forgets the subscriptions of a connection when it is lost, sent or not', () => {
    const table = new RequestTable(9);
    const waiting = add(table, { lane: 'first', repeat: 'never', method: 'unsubscribe' });
    table.drop();
    expect(table.take()).toEqual([]);
    expect(waiting.fate).toEqual([['CONNECTION_LOST', { method: 'unsubscribe' }]]);
  });

  it('sends subscriptions first, and keeps places of the 64 for them and for the token', () => {
    const table = new RequestTable(100);
    for (let n = 0; n < 70; n += 1) add(table);
    const first = add(table, { lane: 'first' });
    const taken = table.take();
    expect(taken).toHaveLength(60);
    expect(taken[0]?.id).toBe(first.id);
    expect(table.take()).toEqual([]);
    table.settle({ jsonrpc: '2.0', id: first.id, result: {} });
    expect(table.take()).toHaveLength(1);
    const more = Array.from({ length: 4 }, () => add(table, { lane: 'first' }).id);
    expect(table.take().map(({ id }) => id)).toEqual(more.slice(0, 3));
  });

  it('counts what was given up until it is answered, and says when that leaves no place', () => {
    const table = new RequestTable(100);
    const ids = Array.from({ length: 60 }, () => add(table, { lane: 'queue' }).id);
    table.take();
    for (const id of ids.slice(0, 31)) table.cancel(id);
    add(table);
    expect([table.take(), table.isClogged]).toEqual([[], false]);
    table.cancel(ids[31] as number);
    expect(table.isClogged).toBe(true);
    table.settle({ jsonrpc: '2.0', id: ids[0] as number, result: {} });
    expect([table.take().length, table.isClogged]).toEqual([1, false]);
    table.drop();
    expect(table.isClogged).toBe(false);
  });

  it('lets a clock that is set back postpone no deadline', () => {
    const table = new RequestTable(9);
    const { fate } = add(table, { deadline: 1_010_000 });
    table.expire(1_000_000);
    table.expire(400_000);
    expect(table.nextDeadline).toBe(410_000);
    table.expire(410_000);
    expect(fate).toEqual([['NO_ANSWER', { method: 'job.get', sent: false }]]);
  });

  it('refuses what is over its bound; subscriptions do not count', () => {
    const table = new RequestTable(2);
    add(table, { lane: 'first' });
    const fates = [add(table), add(table), add(table)].map(({ fate }) => fate);
    expect(fates).toEqual([[], [], [['QUEUE_FULL', { method: 'job.get' }]]]);
  });

  it('expires by deadline and says whether it was sent', () => {
    const table = new RequestTable(9);
    const sent = add(table, { deadline: 10 });
    table.take();
    const unsent = add(table, { deadline: 20 });
    const later = add(table, { deadline: 30 });
    expect(table.nextDeadline).toBe(10);
    table.expire(20);
    expect(sent.fate).toEqual([['NO_ANSWER', { method: 'job.get', sent: true }]]);
    expect(unsent.fate).toEqual([['NO_ANSWER', { method: 'job.get', sent: false }]]);
    expect(later.fate).toEqual([]);
    expect(table.nextDeadline).toBe(30);
  });

  it('that was sent on a line that is lost was sent', () => {
    const table = new RequestTable(9);
    const { fate } = add(table, { deadline: 10 });
    table.take();
    table.drop();
    table.expire(10);
    expect(fate).toEqual([['NO_ANSWER', { method: 'job.get', sent: true }]]);
  });

  it('ignores a reply to a cancelled request, and fails the rest on close', () => {
    const table = new RequestTable(9);
    const [gone, rest] = [add(table), add(table)];
    table.take();
    table.cancel(gone.id);
    table.settle({ jsonrpc: '2.0', id: gone.id, result: 1 });
    table.fail(new ConnectionLost('all'));
    expect([gone.fate, rest.fate[0]]).toEqual([[], ['CONNECTION_LOST', { method: 'all' }]]);
  });
});
