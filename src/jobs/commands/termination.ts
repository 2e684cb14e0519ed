// All that is asked about the end of one run, as a pure machine. In: callers, QEMU's replies, the run's fate, the clock's ticks. Out:
// commands to write and answers to give. No lock, no promise, no time in here, so that every interleaving can be tried.
import type { Refusal } from '../../protocol/answer.js';
import type { RunId, SettledRun } from '../../protocol/types.js';

/** `soft` lets a READY mirror finish its copy; `force` ends it at once. */
export type Ask = 'soft' | 'force' | 'complete';

export interface Caller {
  id: number;
  wants: Ask | 'wait';
  sync: boolean;
  by: string;
}

/** `queued`: waits for a place on the monitor, and has no effect yet. `written`: no reply yet. `unanswered`: the connection was lost before the reply; it may or may not have had its effect. */
interface Sent {
  phase: 'queued' | 'written' | 'accepted' | 'unanswered';
  by: string;
  escalation: boolean;
}

export interface Termination {
  readonly run: RunId;
  readonly connected: boolean;
  /** By id. Changed in place: thousands may wait for one run, and a step does not copy them. */
  readonly callers: Map<number, Caller>;
  readonly sent: Readonly<Partial<Record<Ask, Sent>>>;
  /** Milliseconds from QEMU's acceptance of the soft cancel; the smallest that a caller asked for. */
  readonly escalateAfterMs?: number;
  readonly escalateBy?: string;
  /** Its time came while the monitor was away. */
  readonly escalationDue: boolean;
  readonly settled?: SettledRun;
  /** The life that followed while a command was not yet answered. */
  readonly reborn?: RunId;
}

export type TerminationInput =
  | { kind: 'call'; caller: Caller; escalateAfterMs?: number }
  | { kind: 'written'; ask: Ask }
  | { kind: 'accepted'; ask: Ask }
  | { kind: 'refused'; ask: Ask; error: Refusal }
  /** QEMU knows no soft cancel of this job: it is no block job, and has one way to be cancelled. */
  | { kind: 'forced-only' }
  /** The connection closed, or the command's own deadline passed, before a reply. `sent:false`: it was not even written. */
  | { kind: 'unanswered'; ask: Ask; sent: boolean }
  | { kind: 'settled'; settled: SettledRun }
  | { kind: 'reborn'; run: RunId }
  | { kind: 'down' }
  /** Connected again, and the run lives on. */
  | { kind: 'survived' }
  | { kind: 'timeout'; caller: number }
  /** Nobody can hear the answer any more; what was sent stays in force. */
  | { kind: 'gone'; caller: number }
  | { kind: 'escalate' };

export type TerminationAnswer =
  | { kind: 'requested'; ask: Ask }
  | { kind: 'settled'; settled: SettledRun }
  | { kind: 'refused'; error: Refusal }
  | { kind: 'timeout'; accepted: boolean | null }
  | { kind: 'down' }
  | { kind: 'unknown'; reborn?: RunId };

export type TerminationEffect =
  | { kind: 'write'; ask: Ask; by: string; escalation: boolean }
  /** Not yet written, and nobody wants it any more. */
  | { kind: 'withdraw'; ask: Ask }
  | { kind: 'answer'; caller: Caller; answer: TerminationAnswer }
  /** (Re)arm the escalation, counted from the acceptance of the soft cancel. */
  | { kind: 'arm'; afterMs: number }
  /** An accepted command may have reached the life that followed. */
  | { kind: 'misdelivered'; by: string };

export function openTermination(run: RunId): Termination {
  return { run, connected: true, callers: new Map(), sent: {}, escalationDue: false };
}

/** Nothing is left to answer, to hear or to do. One with an accepted command lives as long as its run: later callers share it. */
export function isClosed(state: Termination): boolean {
  if (state.callers.size > 0) return false;
  const sent = Object.values(state.sent);
  if (state.settled) return !sent.some(({ phase }) => phase === 'written');
  return sent.length === 0 && state.escalateAfterMs === undefined && !state.escalationDue;
}

export function reduceTermination(
  state: Termination,
  input: TerminationInput,
): { state: Termination; effects: TerminationEffect[] } {
  const turn = new Turn(state);
  turn.take(input);
  return { state: turn.state, effects: turn.effects };
}

class Turn {
  state: Termination;
  readonly effects: TerminationEffect[] = [];

  constructor(state: Termination) {
    this.state = state;
  }

  take(input: TerminationInput): void {
    switch (input.kind) {
      case 'call':
        return this.#call(input.caller, input.escalateAfterMs);
      case 'written':
        return this.#mark(input.ask, 'written');
      case 'accepted':
        return this.#accepted(input.ask);
      case 'refused':
        return this.#refused(input.ask, input.error);
      case 'forced-only':
        return this.#forcedOnly();
      case 'unanswered':
        return this.#unanswered(input.ask, input.sent);
      case 'settled':
        return this.#settled(input.settled);
      case 'reborn':
        return this.#reborn(input.run);
      case 'down':
        this.#change({ connected: false });
        return;
      case 'survived':
        return this.#survived();
      case 'timeout':
        return this.#timeout(input.caller);
      case 'gone':
        return this.#gone(input.caller);
      case 'escalate':
        return this.#escalate();
    }
  }

  /** What was written stays in force. */
  #gone(id: number): void {
    const caller = this.state.callers.get(id);
    this.state.callers.delete(id);
    if (caller) this.#unwanted(caller.wants);
  }

  #call(caller: Caller, escalateAfterMs: number | undefined): void {
    this.state.callers.set(caller.id, caller);
    if (caller.wants === 'wait') return;
    if (escalateAfterMs !== undefined && escalateAfterMs < (this.state.escalateAfterMs ?? Number.POSITIVE_INFINITY)) {
      this.#change({ escalateAfterMs, escalateBy: caller.by });
      if (this.state.sent.soft?.phase === 'accepted') this.effects.push({ kind: 'arm', afterMs: escalateAfterMs });
    }
    // A soft cancel has nothing to add to a forced one: it shares its fate.
    const ask = caller.wants === 'soft' && this.state.sent.force ? 'force' : caller.wants;
    if (ask !== caller.wants) this.state.callers.set(caller.id, { ...caller, wants: ask });
    const sent = this.state.sent[ask];
    if (!sent) this.#write(ask, caller.by, false);
    else if (caller.sync) return;
    else if (sent.phase === 'accepted') this.#answerOne(caller.id, { kind: 'requested', ask });
    // What became of the first is open; an asynchronous caller gets no more.
    else if (sent.phase === 'unanswered') this.#answerOne(caller.id, { kind: 'unknown' });
  }

  #accepted(ask: Ask): void {
    const sent = this.state.sent[ask];
    if (!sent) return;
    this.#mark(ask, 'accepted');
    if (this.state.reborn !== undefined) this.effects.push({ kind: 'misdelivered', by: sent.by });
    const { settled, escalateAfterMs } = this.state;
    if (settled) return this.#answer((caller) => caller.wants === ask, { kind: 'settled', settled });
    this.#answer((caller) => caller.wants === ask && !caller.sync, { kind: 'requested', ask });
    if (ask === 'soft' && escalateAfterMs !== undefined) this.effects.push({ kind: 'arm', afterMs: escalateAfterMs });
  }

  #refused(ask: Ask, error: Refusal): void {
    const { [ask]: _refused, ...sent } = this.state.sent;
    this.#change({ sent });
    const { settled } = this.state;
    this.#answer((caller) => caller.wants === ask, settled ? { kind: 'settled', settled } : { kind: 'refused', error });
    if (ask === 'soft') this.#disarm();
  }

  #forcedOnly(): void {
    const { soft, ...sent } = this.state.sent;
    if (!soft) return;
    this.#change({ sent });
    for (const [id, each] of this.state.callers)
      if (each.wants === 'soft') this.state.callers.set(id, { ...each, wants: 'force' });
    this.#disarm();
    if (!sent.force && !this.state.settled) this.#write('force', soft.by, false);
  }

  #unanswered(ask: Ask, sent: boolean): void {
    if (!this.state.sent[ask]) return;
    this.#mark(ask, 'unanswered');
    const { settled } = this.state;
    if (settled) return this.#answer((caller) => caller.wants === ask, { kind: 'settled', settled });
    this.#answer((caller) => caller.wants === ask && !caller.sync, sent ? { kind: 'unknown' } : { kind: 'down' });
  }

  /** Whose command has no reply yet hears of the end after it: only the reply excludes that it reached a new life of the id. */
  #settled(settled: SettledRun): void {
    this.#change({ settled });
    this.#disarm();
    for (const ask of Object.keys(this.state.sent) as Ask[]) this.#withdraw(ask);
    this.#answer((caller) => caller.wants === 'wait' || this.state.sent[caller.wants]?.phase !== 'written', {
      kind: 'settled',
      settled,
    });
  }

  #reborn(run: RunId): void {
    this.#change({ reborn: run });
    this.#answer((caller) => caller.wants !== 'wait' && this.state.sent[caller.wants]?.phase === 'written', {
      kind: 'unknown',
      reborn: run,
    });
  }

  #survived(): void {
    this.#change({ connected: true });
    for (const [ask, sent] of Object.entries(this.state.sent) as [Ask, Sent][]) {
      if (sent.phase !== 'unanswered') continue;
      const wanted = [...this.state.callers.values()].some((caller) => caller.wants === ask);
      if (wanted || sent.escalation) this.#write(ask, sent.by, sent.escalation);
      else {
        const { [ask]: _forgotten, ...rest } = this.state.sent;
        this.#change({ sent: rest });
      }
    }
    if (this.state.escalationDue) this.#escalate();
  }

  #timeout(id: number): void {
    const { settled } = this.state;
    const caller = this.state.callers.get(id);
    if (!caller) return;
    if (settled) return this.#answerOne(id, { kind: 'settled', settled });
    const sent = caller.wants === 'wait' ? undefined : this.state.sent[caller.wants];
    const accepted =
      sent?.phase === 'accepted' ? true : sent?.phase === 'written' || sent?.phase === 'unanswered' ? null : false;
    this.#answerOne(id, { kind: 'timeout', accepted });
    this.#unwanted(caller.wants);
  }

  /** A command that waits for its place is taken back when the last that wanted it has gone. */
  #unwanted(wants: Caller['wants']): void {
    if (wants === 'wait' || this.state.sent[wants]?.escalation) return;
    for (const caller of this.state.callers.values()) if (caller.wants === wants) return;
    this.#withdraw(wants);
  }

  /** Forgets a command that is not yet written: nothing was sent, and nothing will be. */
  #withdraw(ask: Ask): void {
    if (this.state.sent[ask]?.phase !== 'queued') return;
    const { [ask]: _queued, ...sent } = this.state.sent;
    this.#change({ sent });
    this.effects.push({ kind: 'withdraw', ask });
    if (ask === 'soft') this.#disarm();
  }

  #escalate(): void {
    const by = this.state.escalateBy ?? '';
    this.#disarm();
    if (this.state.settled || this.state.sent.force) return;
    if (this.state.connected) this.#write('force', by, true);
    else this.#change({ escalationDue: true, escalateBy: by });
  }

  #write(ask: Ask, by: string, escalation: boolean): void {
    this.#change({ sent: { ...this.state.sent, [ask]: { phase: 'queued', by, escalation } } });
    this.effects.push({ kind: 'write', ask, by, escalation });
  }

  #mark(ask: Ask, phase: Sent['phase']): void {
    const sent = this.state.sent[ask];
    if (sent) this.#change({ sent: { ...this.state.sent, [ask]: { ...sent, phase } } });
  }

  #answer(which: (caller: Caller) => boolean, answer: TerminationAnswer): void {
    for (const caller of this.state.callers.values()) if (which(caller)) this.#answerOne(caller.id, answer);
  }

  #answerOne(id: number, answer: TerminationAnswer): void {
    const caller = this.state.callers.get(id);
    if (!caller) return;
    this.state.callers.delete(id);
    this.effects.push({ kind: 'answer', caller, answer });
  }

  #disarm(): void {
    const { escalateAfterMs: _after, escalateBy: _by, ...rest } = this.state;
    this.state = { ...rest, escalationDue: false };
  }

  #change(fields: Partial<Termination>): void {
    this.state = { ...this.state, ...fields };
  }
}
