// One negotiated conversation. In: messages in the order of the byte stream. Out: `events$`, and the reply of each command,
// both delivered synchronously at their place in that stream, so that a query's reply is a cut between events.
import { randomBytes } from 'node:crypto';
import { filter, type Observable, type OperatorFunction, Subject } from 'rxjs';
import type { QemuEventData } from '../protocol/types.js';
import { stringifyJson } from './json.js';
import type { QmpLimits } from './limits.js';
import type { QmpMessage } from './message.js';
import type { QmpCommandName, QmpCommands, QmpEvent, QmpEventOf, QmpGreeting } from './vocabulary.js';

/** What became of a command. `sent:false`: it was never written, so it has no effect; else it may have or may yet have one. */
export type QmpReply<Value = unknown> =
  | { kind: 'return'; value: Value }
  | { kind: 'error'; class: string; desc: string }
  | { kind: 'timeout'; sent: boolean }
  | { kind: 'closed'; sent: boolean };

export interface ExecuteOptions {
  /** Milliseconds from the call to the answer, waiting for a place included. Default: the session's `commandMs`. */
  timeoutMs?: number;
  /** Goes before commands that wait without it: an abort is never behind a poll. Default false. */
  urgent?: boolean;
}

interface Pending {
  id: string;
  line: string;
  answer: (reply: QmpReply) => void;
  timer: NodeJS.Timeout;
  written: boolean;
}

const noAnswer = (): void => {};

export class QmpSession {
  readonly greeting: QmpGreeting;
  readonly events$: Observable<QmpEvent>;
  readonly #events$ = new Subject<QmpEvent>();
  readonly #limits: QmpLimits;
  readonly #write: (line: string) => void;
  /** Unique over connections and processes: a new client receives the reply that an earlier one did not wait for. */
  readonly #prefix = `qmpgw-${randomBytes(6).toString('hex')}-`;
  readonly #inFlight = new Map<string, Pending>();
  readonly #urgent: Pending[] = [];
  readonly #queued: Pending[] = [];
  #next = 1;
  #closed = false;

  constructor(greeting: QmpGreeting, limits: QmpLimits, write: (line: string) => void) {
    this.greeting = greeting;
    this.events$ = this.#events$.asObservable();
    this.#limits = limits;
    this.#write = write;
  }

  /** Resolves at the reply, at the deadline, or when the socket closes; never rejects. */
  execute<Name extends QmpCommandName>(
    name: Name,
    args: QmpCommands[Name]['args'],
    options: ExecuteOptions = {},
  ): Promise<QmpReply<QmpCommands[Name]['value']>> {
    return new Promise((resolve) => this.request(name, args, resolve, options));
  }

  /** As {@link execute}, with the answer called at the reply's place in the byte stream, before any later event. */
  request<Name extends QmpCommandName>(
    name: Name,
    args: QmpCommands[Name]['args'],
    answer: (reply: QmpReply<QmpCommands[Name]['value']>) => void,
    options: ExecuteOptions = {},
  ): void {
    const queue = options.urgent ? this.#urgent : this.#queued;
    if (this.#closed || queue.length >= this.#limits.maxQueued) {
      answer({ kind: 'closed', sent: false });
      return;
    }
    const id = `${this.#prefix}${this.#next++}`;
    const pending: Pending = {
      id,
      line: `${stringifyJson({ execute: name, arguments: args, id })}\r\n`,
      // What QEMU returns to this name is what the vocabulary says; nothing else can be checked here.
      answer: answer as Pending['answer'],
      timer: setTimeout(() => this.#expire(pending), options.timeoutMs ?? this.#limits.commandMs),
      written: false,
    };
    queue.push(pending);
    this.#pump();
  }

  /** For the connection alone: whether a reply with this id answers a command in flight; an id-less error does. */
  owns(id: unknown): boolean {
    return id === undefined ? this.#inFlight.size > 0 : typeof id === 'string' && this.#inFlight.has(id);
  }

  /** For the connection alone: the next message. `false`: this peer does not speak QMP, hang up. */
  receive(message: QmpMessage): boolean {
    switch (message.kind) {
      case 'event':
        this.#events$.next(message.event);
        return true;
      case 'return':
        return this.#reply(message.id, { kind: 'return', value: message.value });
      case 'error':
        return this.#reply(message.id, { kind: 'error', class: message.class, desc: message.desc });
      case 'greeting':
      case 'alien':
        return false;
    }
  }

  /** For the connection alone: the socket is gone. Every pending command is answered; `events$` completes. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const pending = [...this.#inFlight.values(), ...this.#urgent, ...this.#queued];
    this.#inFlight.clear();
    for (const each of pending) {
      clearTimeout(each.timer);
      each.answer({ kind: 'closed', sent: each.written });
    }
    this.#events$.complete();
  }

  #pump(): void {
    while (this.#inFlight.size < this.#limits.maxInFlight) {
      const next = this.#urgent.shift() ?? this.#queued.shift();
      if (!next) return;
      next.written = true;
      this.#inFlight.set(next.id, next);
      this.#write(next.line);
    }
  }

  /** An id of somebody else is dropped: a reply to an earlier client. */
  #reply(id: unknown, reply: QmpReply): boolean {
    // QEMU answers what it could not parse without an id. With one command in flight that is the one; with more nobody can tell.
    if (id === undefined && this.#inFlight.size > 1) return false;
    const key = id === undefined ? this.#inFlight.keys().next().value : id;
    const pending = typeof key === 'string' ? this.#inFlight.get(key) : undefined;
    if (!pending) return true;
    this.#inFlight.delete(pending.id);
    clearTimeout(pending.timer);
    pending.answer(reply);
    this.#pump();
    return true;
  }

  /** A written command keeps its place until its late reply, which is then swallowed: QEMU still has it in its queue. */
  #expire(pending: Pending): void {
    const { answer } = pending;
    pending.answer = noAnswer;
    for (const queue of [this.#urgent, this.#queued]) {
      const at = queue.indexOf(pending);
      if (at >= 0) queue.splice(at, 1);
    }
    answer({ kind: 'timeout', sent: pending.written });
  }
}

/** Narrows a stream of events to the named types; `data` follows. */
export function ofType<Type extends keyof QemuEventData>(
  ...types: Type[]
): OperatorFunction<QmpEvent, QmpEventOf<Type>> {
  return filter((event: QmpEvent): event is QmpEventOf<Type> => (types as string[]).includes(event.type));
}
