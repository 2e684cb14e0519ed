// The end of one run as a pure state machine: calls, QEMU's replies, events of the run and timers in; commands to write and answers to give out. It
// has no timer and no promise, so that tests can try every interleaving.
import type { Refusal } from '../../protocol/answer.js';
import type { RunId, SettledRun } from '../../protocol/types.js';

/** `soft` lets a READY mirror finish its copy; `force` ends it at once. */
export type EndCommand = 'soft' | 'force' | 'complete';

export interface Caller {
  id: number;
  wants: EndCommand | 'wait';
  sync: boolean;
  by: string;
}

/** `queued`: not yet written. `written`: no reply yet. `unanswered`: there will be none. */
interface Sent {
  phase: 'queued' | 'written' | 'accepted' | 'unanswered';
  /** It was written, now or over a connection before, and got no answer: it may have had its effect. */
  isOpen: boolean;
  by: string;
  escalation: boolean;
}

export interface Termination {
  readonly run: RunId;
  readonly connected: boolean;
  /** By id. Changed in place, not copied in each step, since thousands of callers may wait for one run. */
  readonly callers: Map<number, Caller>;
  readonly sent: Readonly<Partial<Record<EndCommand, Sent>>>;
  /** Milliseconds from QEMU's acceptance of the soft cancel; the smallest of the callers' values. */
  readonly escalateAfterMs?: number;
  readonly escalateBy?: string;
  /** The escalation came due while the monitor was not connected. */
  readonly escalationDue: boolean;
  readonly settled?: SettledRun;
  /** The run that got the id while a command was not yet answered. */
  readonly newRun?: RunId;
}

export type TerminationInput =
  | { kind: 'call'; caller: Caller; escalateAfterMs?: number }
  | { kind: 'written'; command: EndCommand }
  | { kind: 'accepted'; command: EndCommand }
  | { kind: 'refused'; command: EndCommand; error: Refusal }
  /** The job is no block job: QEMU has no soft cancel for it. */
  | { kind: 'forced-only' }
  /** The connection closed, or the command's own deadline passed, before a reply. `sent:false`: it did not even reach QEMU. */
  | { kind: 'unanswered'; command: EndCommand; sent: boolean }
  | { kind: 'settled'; settled: SettledRun }
  | { kind: 'new-run'; run: RunId }
  | { kind: 'down' }
  /** Connected again, and the run is still there. */
  | { kind: 'survived' }
  | { kind: 'timeout'; caller: number }
  /** The caller has gone. What was sent stays in force. */
  | { kind: 'gone'; caller: number }
  | { kind: 'escalate' };

export type TerminationAnswer =
  | { kind: 'requested'; command: EndCommand }
  | { kind: 'settled'; settled: SettledRun }
  | { kind: 'refused'; error: Refusal }
  | { kind: 'timeout'; accepted: boolean | null }
  | { kind: 'down' }
  | { kind: 'unknown'; newRun?: RunId };

export type TerminationEffect =
  | { kind: 'write'; command: EndCommand; by: string; escalation: boolean }
  /** Takes back a command that is not yet written and that no caller wants any more. */
  | { kind: 'withdraw'; command: EndCommand }
  | { kind: 'answer'; caller: Caller; answer: TerminationAnswer }
  /** Sets the escalation's timer, counted from the acceptance of the soft cancel. */
  | { kind: 'arm'; afterMs: number }
  /** The accepted command may have reached the run that has the id now. */
  | { kind: 'misdelivered'; by: string };

export function openTermination(run: RunId): Termination {
  return { run, connected: true, callers: new Map(), sent: {}, escalationDue: false };
}

/** Whether nothing is left to do. With an accepted command it stays open as long as its run, since later callers share that command. */
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
        return this.#mark(input.command, { phase: 'written' });
      case 'accepted':
        return this.#accepted(input.command);
      case 'refused':
        return this.#refused(input.command, input.error);
      case 'forced-only':
        return this.#forcedOnly();
      case 'unanswered':
        return this.#unanswered(input.command, input.sent);
      case 'settled':
        return this.#settled(input.settled);
      case 'new-run':
        return this.#newRun(input.run);
      case 'down':
        return this.#change({ connected: false });
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
    // A soft cancel after a forced one changes nothing, so its caller shares the forced one.
    const command = caller.wants === 'soft' && this.state.sent.force ? 'force' : caller.wants;
    if (command !== caller.wants) this.state.callers.set(caller.id, { ...caller, wants: command });
    const sent = this.state.sent[command];
    if (!sent) this.#write(command, caller.by, false);
    else if (caller.sync) return;
    else if (sent.phase === 'accepted') this.#answerOne(caller.id, { kind: 'requested', command });
    else if (sent.phase === 'unanswered') this.#answerOne(caller.id, { kind: sent.isOpen ? 'unknown' : 'down' });
  }

  #accepted(command: EndCommand): void {
    const sent = this.state.sent[command];
    if (!sent) return;
    this.#mark(command, { phase: 'accepted' });
    if (this.state.newRun !== undefined) this.effects.push({ kind: 'misdelivered', by: sent.by });
    const { settled, escalateAfterMs } = this.state;
    if (settled) return this.#answer((caller) => caller.wants === command, { kind: 'settled', settled });
    this.#answer((caller) => caller.wants === command && !caller.sync, { kind: 'requested', command });
    if (command === 'soft' && escalateAfterMs !== undefined)
      this.effects.push({ kind: 'arm', afterMs: escalateAfterMs });
  }

  #refused(command: EndCommand, error: Refusal): void {
    const { [command]: _refused, ...sent } = this.state.sent;
    this.#change({ sent });
    const { settled } = this.state;
    this.#answer(
      (caller) => caller.wants === command,
      settled ? { kind: 'settled', settled } : { kind: 'refused', error },
    );
    if (command === 'soft') this.#disarm();
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

  #unanswered(command: EndCommand, sent: boolean): void {
    const before = this.state.sent[command];
    if (!before) return;
    const isOpen = before.isOpen || sent;
    this.#mark(command, { phase: 'unanswered', isOpen });
    const { settled } = this.state;
    if (settled) return this.#answer((caller) => caller.wants === command, { kind: 'settled', settled });
    this.#answer((caller) => caller.wants === command && !caller.sync, { kind: isOpen ? 'unknown' : 'down' });
  }

  /** A caller whose command has no reply yet is answered after that reply: until then the command may have reached a new run of the id. */
  #settled(settled: SettledRun): void {
    this.#change({ settled });
    this.#disarm();
    for (const command of Object.keys(this.state.sent) as EndCommand[]) this.#withdraw(command);
    const mayAnswer = ({ wants }: Caller): boolean => wants === 'wait' || this.state.sent[wants]?.phase !== 'written';
    this.#answer(mayAnswer, { kind: 'settled', settled });
  }

  #newRun(run: RunId): void {
    this.#change({ newRun: run });
    this.#answer((caller) => caller.wants !== 'wait' && this.state.sent[caller.wants]?.phase === 'written', {
      kind: 'unknown',
      newRun: run,
    });
  }

  #survived(): void {
    this.#change({ connected: true });
    for (const [command, sent] of Object.entries(this.state.sent) as [EndCommand, Sent][]) {
      if (sent.phase !== 'unanswered') continue;
      const wanted = [...this.state.callers.values()].some((caller) => caller.wants === command);
      if (wanted || sent.escalation) this.#write(command, sent.by, sent.escalation);
      else {
        const { [command]: _forgotten, ...rest } = this.state.sent;
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
    const accepted = sent?.phase === 'accepted' ? true : sent?.phase === 'written' || sent?.isOpen ? null : false;
    this.#answerOne(id, { kind: 'timeout', accepted });
    this.#unwanted(caller.wants);
  }

  /** Withdraws a command that waits for its place when no caller wants it any more. */
  #unwanted(wants: Caller['wants']): void {
    if (wants === 'wait' || this.state.sent[wants]?.escalation) return;
    for (const caller of this.state.callers.values()) if (caller.wants === wants) return;
    this.#withdraw(wants);
  }

  /** Takes back a command that is not yet written: nothing was sent, and nothing will be. */
  #withdraw(command: EndCommand): void {
    if (this.state.sent[command]?.phase !== 'queued') return;
    const { [command]: _queued, ...sent } = this.state.sent;
    this.#change({ sent });
    this.effects.push({ kind: 'withdraw', command });
    if (command === 'soft') this.#disarm();
  }

  #escalate(): void {
    const by = this.state.escalateBy ?? '';
    this.#disarm();
    if (this.state.settled || this.state.sent.force) return;
    if (this.state.connected) this.#write('force', by, true);
    else this.#change({ escalationDue: true, escalateBy: by });
  }

  #write(command: EndCommand, by: string, escalation: boolean): void {
    const isOpen = this.state.sent[command]?.isOpen ?? false;
    this.#change({ sent: { ...this.state.sent, [command]: { phase: 'queued', isOpen, by, escalation } } });
    this.effects.push({ kind: 'write', command, by, escalation });
  }

  #mark(command: EndCommand, changes: Partial<Sent>): void {
    const sent = this.state.sent[command];
    if (sent) this.#change({ sent: { ...this.state.sent, [command]: { ...sent, ...changes } } });
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
