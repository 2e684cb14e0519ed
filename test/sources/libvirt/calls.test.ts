// The calls to one domain: one at a time, aborts first, none repeated.
import { describe, expect, it } from 'vitest';
import { CallBudget, type CallLane } from '../../../src/sources/libvirt/budget.js';
import { DomainCalls } from '../../../src/sources/libvirt/calls.js';
import type { LibvirtReply } from '../../../src/sources/libvirt/connection.js';
import { PROCEDURES } from '../../../src/sources/libvirt/procedures.js';
import { FakeClock } from '../../support/fake-clock.js';

function open() {
  const clock = new FakeClock();
  const written: string[] = [];
  const answers: ((reply: LibvirtReply<never>) => void)[] = [];
  const owes: boolean[] = [];
  const seen: [string, string][] = [];
  const connection = {
    isSilent: false,
    call: (_procedure: unknown, args: unknown, answer: (reply: LibvirtReply<never>) => void) => {
      written.push((args as { name: string }).name);
      answers.push(answer);
    },
  };
  const budget = new CallBudget(clock);
  const calls = new DomainCalls(connection, budget, clock, {
    owes: (is) => owes.push(is),
    inOrder: (action) => action(),
  });
  const send = (name: string, lane: CallLane, timeoutMs = 1_000): (() => boolean) =>
    calls.send(
      PROCEDURES.lookupByName,
      { name },
      {
        lane,
        timeoutMs,
        answer: (reply) => seen.push([name, reply.kind === 'timeout' ? `timeout, sent ${reply.sent}` : reply.kind]),
      },
    );
  const answer = (): void => answers.shift()?.({ kind: 'return', value: undefined as never });
  return { clock, written, owes, seen, connection, calls, send, answer, budget };
}

describe('calls to a domain', () => {
  it('are written one at a time, an abort before a verb before a query', () => {
    const { written, send, answer, seen } = open();
    send('first', 'query');
    send('query', 'query');
    send('verb', 'verb');
    send('abort', 'abort');
    expect(written).toEqual(['first']);
    for (let at = 0; at < 4; at += 1) answer();
    expect(written).toEqual(['first', 'abort', 'verb', 'query']);
    expect(seen.every(([, kind]) => kind === 'return')).toBe(true);
  });

  it('that come too late for their callers keep the domain until they are answered', async () => {
    const { clock, written, send, answer, seen, owes } = open();
    send('slow', 'query');
    send('abort', 'abort', 500);
    await clock.advance(1_000);
    expect(seen).toEqual([
      ['abort', 'timeout, sent false'],
      ['slow', 'timeout, sent true'],
    ]);
    send('next', 'abort', 60_000);
    await clock.advance(4_000);
    expect([written, owes]).toEqual([['slow'], [true]]);
    answer();
    expect([written, owes]).toEqual([
      ['slow', 'next'],
      [true, false],
    ]);
    expect(seen).toHaveLength(2);
  });

  it('are withdrawn as long as they wait', () => {
    const { written, send, answer, seen } = open();
    const first = send('first', 'query');
    const second = send('second', 'query');
    expect([first(), second(), second()]).toEqual([false, true, false]);
    answer();
    expect([written, seen]).toEqual([['first'], [['first', 'return']]]);
  });

  it('wait while libvirtd answers no ping', () => {
    const { written, connection, send, calls, budget } = open();
    connection.isSilent = true;
    send('a', 'query');
    expect([written, budget.counts]).toEqual([[], { fresh: 0, held: 0, maxHeld: 8 }]);
    connection.isSilent = false;
    calls.resume();
    expect(written).toEqual(['a']);
  });

  it('at the end are answered as unsent; the one in flight is counted until its answer', () => {
    const { send, calls, seen, budget, answer } = open();
    send('flight', 'query');
    send('waits', 'query');
    calls.close();
    send('late', 'query');
    expect(seen).toEqual([
      ['waits', 'unsent'],
      ['late', 'unsent'],
    ]);
    expect(budget.counts.fresh).toBe(1);
    answer();
    expect(budget.counts.fresh).toBe(0);
  });

  it('beyond 256 of a lane are refused', () => {
    const { send, seen } = open();
    for (let at = 0; at < 258; at += 1) send('x', 'query');
    expect(seen).toEqual([['x', 'busy']]);
  });
});
