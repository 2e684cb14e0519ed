// An abort against every interleaving of timeout, reconnect, duplicate callers, a job that ends first, and an id used again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EndCommand,
  isClosed,
  openTermination,
  reduceTermination,
  type Termination,
  type TerminationAnswer,
  type TerminationEffect,
  type TerminationInput,
} from '../../src/jobs/commands/termination.js';
import type { SettledRun } from '../../src/protocol/index.js';

const settled = { run: 'e:1', settled: { outcome: 'cancelled' } } as SettledRun;

class Model {
  state: Termination = openTermination('e:1');
  readonly effects: TerminationEffect[] = [];
  answers = new Map<number, TerminationAnswer[]>();
  /** Whether the monitor has places free: a command is written as it is asked for. */
  readonly #free: boolean;

  constructor(free = true) {
    this.#free = free;
  }

  feed(...inputs: TerminationInput[]): this {
    for (const input of inputs) {
      const next = reduceTermination(this.state, input);
      this.state = next.state;
      this.effects.push(...next.effects);
      for (const effect of next.effects)
        if (effect.kind === 'answer')
          this.answers.set(effect.caller.id, [...(this.answers.get(effect.caller.id) ?? []), effect.answer]);
        else if (effect.kind === 'write' && this.#free) this.feed({ kind: 'written', command: effect.command });
    }
    return this;
  }

  writes(): EndCommand[] {
    return this.effects.flatMap((effect) => (effect.kind === 'write' ? [effect.command] : []));
  }
}

const call = (
  id: number,
  wants: EndCommand | 'wait' = 'soft',
  sync = false,
  escalateAfterMs?: number,
): TerminationInput => ({
  kind: 'call',
  caller: { id, wants, sync, by: 'me' },
  ...(escalateAfterMs !== undefined && { escalateAfterMs }),
});
const accepted: TerminationInput = { kind: 'accepted', command: 'soft' };
const ends: TerminationInput = { kind: 'settled', settled };

describe('a case', () => {
  it('shares one command among callers, each answered in its own mode', () => {
    const model = new Model().feed(call(1), call(2, 'soft', true), call(3, 'wait', true), accepted, ends);
    expect(model.writes()).toEqual(['soft']);
    expect(model.answers.get(1)).toMatchObject([{ kind: 'requested' }]);
    expect(model.answers.get(2)).toMatchObject([{ kind: 'settled' }]);
    expect(model.answers.get(3)).toMatchObject([{ kind: 'settled' }]);
    expect(isClosed(model.state)).toBe(true);
  });

  it('answers settled in both modes if the run ends before QEMU’s reply, but only after the reply has excluded a new run of the id', () => {
    const model = new Model().feed(call(1), call(2, 'soft', true), ends);
    expect(model.answers.size).toBe(0);
    model.feed(accepted);
    expect(model.answers.get(1)).toMatchObject([{ kind: 'settled' }]);
    expect(model.answers.get(2)).toMatchObject([{ kind: 'settled' }]);
  });

  it('answers unknown, with the new run, if the id is used again before the reply; an accepted command may have reached the new run', () => {
    const model = new Model().feed(call(1), ends, { kind: 'new-run', run: 'e:9' });
    expect(model.answers.get(1)).toEqual([{ kind: 'unknown', newRun: 'e:9' }]);
    model.feed(accepted);
    expect(model.effects.at(-1)).toEqual({ kind: 'misdelivered', by: 'me' });
  });

  it('keeps a synchronous caller across a reconnect and sends an unanswered cancel again, but only for a run that is still there', () => {
    const lost: TerminationInput[] = [
      call(1),
      call(2, 'soft', true),
      { kind: 'unanswered', command: 'soft', sent: true },
      { kind: 'down' },
    ];
    const survived = new Model().feed(...lost, { kind: 'survived' });
    expect(survived.answers.get(1)).toEqual([{ kind: 'unknown' }]);
    expect(survived.writes()).toEqual(['soft', 'soft']);
    const gone = new Model().feed(...lost, ends);
    expect(gone.writes()).toEqual(['soft']);
    expect(gone.answers.get(2)).toMatchObject([{ kind: 'settled' }]);
    const nobody = new Model().feed(...lost, { kind: 'timeout', caller: 2 }, { kind: 'survived' });
    expect(nobody.answers.get(2)).toEqual([{ kind: 'timeout', accepted: null }]);
    expect(nobody.writes()).toEqual(['soft']);
  });

  it('does not send an accepted cancel again', () => {
    const model = new Model().feed(call(1, 'soft', true), accepted, { kind: 'down' }, { kind: 'survived' }, ends);
    expect(model.writes()).toEqual(['soft']);
  });

  it('escalates once, at the earliest wish, and survives its callers', () => {
    const model = new Model().feed(call(1, 'soft', false, 500), call(2, 'soft', false, 200), accepted);
    expect(model.effects.filter(({ kind }) => kind === 'arm')).toEqual([{ kind: 'arm', afterMs: 200 }]);
    expect(isClosed(model.state)).toBe(false);
    model.feed({ kind: 'escalate' }, { kind: 'escalate' });
    expect(model.writes()).toEqual(['soft', 'force']);
  });

  it('escalates when the monitor is back', () => {
    const model = new Model().feed(call(1, 'soft', true, 200), accepted, { kind: 'down' }, { kind: 'escalate' });
    expect(model.writes()).toEqual(['soft']);
    expect(model.feed({ kind: 'survived' }).writes()).toEqual(['soft', 'force']);
  });

  it('lets a forced caller send its own, and a soft one after it share that', () => {
    const model = new Model().feed(call(1), accepted, call(2, 'force'), call(3));
    expect(model.writes()).toEqual(['soft', 'force']);
    model.feed({ kind: 'accepted', command: 'force' });
    expect(model.answers.get(2)).toMatchObject([{ kind: 'requested', command: 'force' }]);
    expect(model.answers.get(3)).toMatchObject([{ kind: 'requested', command: 'force' }]);
  });

  it('answers at the bound with what is known of the acceptance', () => {
    const at = (model: Model): unknown => model.feed({ kind: 'timeout', caller: 1 }).answers.get(1);
    expect(at(new Model().feed(call(1, 'soft', true)))).toEqual([{ kind: 'timeout', accepted: null }]);
    expect(at(new Model().feed(call(1, 'soft', true), accepted))).toEqual([{ kind: 'timeout', accepted: true }]);
    expect(at(new Model().feed(call(1, 'wait', true)))).toEqual([{ kind: 'timeout', accepted: false }]);
    expect(at(new Model().feed(call(1, 'soft', true), ends))).toMatchObject([{ kind: 'settled' }]);
  });

  it('says of a command that the loss of the connection found unwritten that nothing was sent', () => {
    const lose = (sent: boolean): TerminationInput[] => [
      { kind: 'unanswered', command: 'soft', sent },
      { kind: 'down' },
    ];
    const model = new Model(false).feed(call(1, 'soft', true), call(2), ...lose(false), { kind: 'timeout', caller: 1 });
    expect(model.answers.get(1)).toEqual([{ kind: 'timeout', accepted: false }]);
    expect(model.answers.get(2)).toEqual([{ kind: 'down' }]);
    // One that was written over a connection before may have had its effect.
    const again = new Model(false).feed(call(1, 'soft', true), { kind: 'written', command: 'soft' }, ...lose(true));
    again.feed({ kind: 'survived' }, call(2), ...lose(false), { kind: 'timeout', caller: 1 });
    expect(again.writes()).toEqual(['soft', 'soft']);
    expect(again.answers.get(1)).toEqual([{ kind: 'timeout', accepted: null }]);
    expect(again.answers.get(2)).toEqual([{ kind: 'unknown' }]);
  });

  it('withdraws an unwritten command when the last caller that wants it has gone, and sends a new one for the next caller', () => {
    const model = new Model(false).feed(call(1, 'soft', true, 500), call(2, 'soft', true));
    model.feed({ kind: 'timeout', caller: 1 });
    expect(model.answers.get(1)).toEqual([{ kind: 'timeout', accepted: false }]);
    expect(model.effects.filter(({ kind }) => kind === 'withdraw')).toEqual([]);
    model.feed({ kind: 'timeout', caller: 2 });
    expect(model.effects.at(-1)).toEqual({ kind: 'withdraw', command: 'soft' });
    expect(isClosed(model.state)).toBe(true);
    expect(model.feed(call(3)).writes()).toEqual(['soft', 'soft']);
  });

  it('withdraws an unwritten command when the run has ended', () => {
    const model = new Model(false).feed(call(1, 'force', true), ends);
    expect(model.effects.map(({ kind }) => kind)).toEqual(['write', 'withdraw', 'answer']);
    expect(model.answers.get(1)).toMatchObject([{ kind: 'settled' }]);
  });

  it('forces where QEMU knows no soft cancel of the job', () => {
    const model = new Model().feed(call(1), call(2, 'soft', true, 500), { kind: 'forced-only' });
    expect(model.writes()).toEqual(['soft', 'force']);
    model.feed({ kind: 'accepted', command: 'force' });
    expect(model.answers.get(1)).toEqual([{ kind: 'requested', command: 'force' }]);
    expect(model.feed(ends).answers.get(2)).toMatchObject([{ kind: 'settled' }]);
  });
});

describe('any interleaving', () => {
  const commands = fc.constantFrom<EndCommand>('soft', 'force', 'complete');
  const move = fc.oneof(
    fc.record({
      kind: fc.constant('call' as const),
      wants: fc.oneof(commands, fc.constant('wait' as const)),
      sync: fc.boolean(),
      escalate: fc.boolean(),
    }),
    fc.record({ kind: fc.constantFrom('accepted' as const, 'refused' as const), command: commands }),
    fc.constantFrom(
      { kind: 'settled' as const },
      { kind: 'new-run' as const },
      { kind: 'drop' as const },
      { kind: 'back' as const },
      { kind: 'escalate' as const },
      { kind: 'place' as const },
      { kind: 'forced-only' as const },
    ),
    fc.record({ kind: fc.constantFrom('timeout' as const, 'gone' as const), nth: fc.nat(20) }),
  );

  it('answers every caller exactly once, writes only for a live connected run, and repeats no command that is unanswered', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), fc.boolean(), (moves, congested) => {
        const model = new Model(false);
        const queued = new Set<EndCommand>();
        let callers = 0;
        let connected = true;
        let over = false;
        const open = new Set<EndCommand>();
        const gone = new Set<number>();
        const feed = (input: TerminationInput): void => {
          const before = model.effects.length;
          model.feed(input);
          for (const effect of model.effects.slice(before)) {
            if (effect.kind === 'withdraw') expect(queued.delete(effect.command)).toBe(true);
            if (effect.kind !== 'write') continue;
            expect(connected).toBe(true);
            expect(over).toBe(false);
            expect(open.has(effect.command) || queued.has(effect.command)).toBe(false);
            queued.add(effect.command);
          }
          if (!congested) place();
        };
        /** The monitor has places for all that wait. */
        const place = (): void => {
          for (const command of queued) {
            queued.delete(command);
            open.add(command);
            model.feed({ kind: 'written', command });
          }
        };
        for (const each of moves) {
          switch (each.kind) {
            case 'call':
              // JobCommands lets nobody in while the source is away, or after the end.
              if (connected && !over)
                feed(
                  call(
                    ++callers,
                    each.wants,
                    each.sync || each.wants === 'wait',
                    each.escalate && each.wants === 'soft' ? 100 : undefined,
                  ),
                );
              break;
            case 'accepted':
            case 'refused':
              if (!open.delete(each.command)) break;
              feed(
                each.kind === 'accepted'
                  ? { kind: 'accepted', command: each.command }
                  : { kind: 'refused', command: each.command, error: { reason: 'QMP_ERROR', message: '' } },
              );
              break;
            case 'settled':
              if (over) break;
              over = true;
              feed(ends);
              break;
            case 'new-run':
              if (over) feed({ kind: 'new-run', run: 'e:9' });
              break;
            case 'drop':
              if (!connected) break;
              for (const [commands, sent] of [[open, true] as const, [queued, false] as const])
                for (const command of commands) {
                  commands.delete(command);
                  feed({ kind: 'unanswered', command, sent });
                }
              connected = false;
              feed({ kind: 'down' });
              break;
            case 'back':
              if (connected) break;
              connected = true;
              if (!over) feed({ kind: 'survived' });
              break;
            case 'place':
              place();
              break;
            case 'forced-only':
              if (!over && connected && open.delete('soft')) feed({ kind: 'forced-only' });
              break;
            case 'escalate':
              if (model.state.escalateAfterMs !== undefined && model.state.sent.soft?.phase === 'accepted')
                feed({ kind: 'escalate' });
              break;
            case 'gone':
              // One that was answered is not there any more; one that is to come has not come yet.
              if (each.nth > callers || model.answers.has(each.nth)) break;
              gone.add(each.nth);
              feed({ kind: 'gone', caller: each.nth });
              break;
            case 'timeout':
              feed({ kind: 'timeout', caller: each.nth });
              break;
          }
        }
        // The bound comes for everybody.
        for (let id = 1; id <= callers; id++) feed({ kind: 'timeout', caller: id });
        for (let id = 1; id <= callers; id++) expect(model.answers.get(id) ?? []).toHaveLength(gone.has(id) ? 0 : 1);
        expect(model.state.callers.size).toBe(0);
      }),
      { numRuns: 5_000 },
    );
  });
});
