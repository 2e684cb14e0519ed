// A negotiated QMP session: `events$` and the reply to each command, delivered synchronously in the order of the byte stream. So a reply says what
// was true after the events before it and before the events after it.
import { randomBytes } from 'node:crypto';
import { filter, map, type Observable, type OperatorFunction } from 'rxjs';
import { Broadcast } from '../broadcast.js';
import type { QemuEvents } from '../protocol/generated/events.js';
import { isReplyTo } from './guards.js';
import { stringifyJson } from './json.js';
import type { QmpLimits } from './limits.js';
import type { QmpMessage } from './message.js';
import type { CommandTable, QmpCommands, QmpEvent, QmpEventOf, QmpGreeting } from './qapi.js';
import { type ToolCommand, type ToolReply, toolLine, withId } from './tool-command.js';

/**
 * The result of a command. `busy` and `sent:false`: it was never written, so it has no effect. Otherwise it may have had its effect or may still have
 * it.
 */
export type QmpReply<Value = unknown> =
  | { kind: 'return'; value: Value }
  | { kind: 'error'; class: string; desc: string }
  | { kind: 'timeout'; sent: boolean }
  | { kind: 'closed'; sent: boolean }
  /** Its lane is full. */
  | { kind: 'busy' };

/** Commands wait only behind others of their lane: an abort never waits behind a pause, nor a pause behind a query. */
export type QmpLane = 'abort' | 'verb' | 'query';

/** With those of tools. QEMU executes one that is `oob` at once, whatever waits. */
type Lane = QmpLane | 'oob' | 'tool';

export interface ExecuteOptions {
  /** Milliseconds from the call to the reply, with the wait to be written. Default: the session's `commandMs`. */
  timeoutMs?: number;
  /** Default `query`. */
  lane?: QmpLane;
  /** Called once, in the event-loop turn in which the command is written: from then on it may have its effect. */
  onWrite?: () => void;
}

/** What a session is given beside its limits. */
export interface QmpOptions extends QmpLimits {
  /** Called at each reply, also at one that came too late for its caller. @param ms milliseconds since the command was written. */
  replied?: ((command: string, ms: number) => void) | undefined;
  /** The connection is shared with tools: `oob` is negotiated where QEMU offers it, and the texts of messages are kept for them. Default false. */
  oob?: boolean | undefined;
  /** Called for each event whose data was too large to be kept whole. */
  eventCut?: (() => void) | undefined;
}

/** The longest delay of a Node timer: 24 days. */
export const FOREVER_MS = 2 ** 31 - 1;

interface Pending {
  id: string;
  /** `undefined`: a tool's, whose reply is passed on unread. */
  name: string | undefined;
  line: string;
  lane: Lane;
  /** @param text of the message that replies; empty where there is none. */
  answer: (reply: QmpReply, text: string) => void;
  onWrite: (() => void) | undefined;
  timer: NodeJS.Timeout;
  written: boolean;
  writtenAt: number;
}

/** In the order in which they are written; and how many of the `maxInFlight` places a lane leaves free for the lanes before it. */
const LANES: readonly Lane[] = ['oob', 'abort', 'verb', 'query', 'tool'];
/** QEMU executes commands in order, so an abort waits for those of tools that are in flight: two at most. */
const RESERVED: Readonly<Record<Exclude<Lane, 'oob'>, number>> = { abort: 0, verb: 1, query: 2, tool: 6 };

const noAnswer = (): void => {};

export class QmpSession<Commands extends CommandTable<Commands> = QmpCommands> {
  readonly greeting: QmpGreeting;
  readonly events$: Observable<QmpEvent>;
  /** Each event as the monitor sent it, without its line end; among the replies to tools in the order of the byte stream. */
  readonly eventTexts$: Observable<string>;
  readonly #events = new Broadcast<QmpEvent>();
  readonly #eventTexts = new Broadcast<string>();
  readonly #limits: QmpOptions;
  readonly #write: (line: string) => void;
  /** Unique over connections and processes, since a new client receives the replies that an earlier one did not wait for. */
  readonly #prefix = `qmpgw-${randomBytes(6).toString('hex')}-`;
  readonly #inFlight = new Map<string, Pending>();
  /** Of these, the ones that QEMU executes out of band. */
  #outOfBand = 0;
  readonly #queued: Readonly<Record<Lane, Set<Pending>>> = {
    oob: new Set(),
    abort: new Set(),
    verb: new Set(),
    query: new Set(),
    tool: new Set(),
  };
  #next = 1;
  #closed = false;

  constructor(greeting: QmpGreeting, limits: QmpOptions, write: (line: string) => void) {
    this.greeting = greeting;
    this.events$ = this.#events.values$;
    this.eventTexts$ = this.#eventTexts.values$.pipe(map((text) => text.trimEnd()));
    this.#limits = limits;
    this.#write = write;
  }

  /** Commands that are written and not yet answered. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Resolves at the reply, at the deadline, or when the socket closes; never rejects. Types are those of QEMU's schema. Only the members that
   * the gateway itself reads are checked, of query-commands, query-events, query-version, query-name, query-block-jobs, query-jobs, query-cpus-fast and
   * x-debug-query-block-graph: a malformed reply to these ends the connection. Every other value is what QEMU sent.
   */
  execute<Name extends keyof Commands & string>(
    name: Name,
    args: Commands[Name]['args'],
    options: ExecuteOptions = {},
  ): Promise<QmpReply<Commands[Name]['value']>> {
    return new Promise((resolve) => void this.request(name, args, resolve, options));
  }

  /**
   * As {@link execute}, but `answer` is called at the reply's place in the byte stream, before any later event.
   *
   * @returns withdraws the command if it is not yet written; then it is not answered. It returns `false` if the command is written or answered.
   */
  request<Name extends keyof Commands & string>(
    name: Name,
    args: Commands[Name]['args'],
    answer: (reply: QmpReply<Commands[Name]['value']>) => void,
    { timeoutMs = this.#limits.commandMs, lane = 'query', onWrite }: ExecuteOptions = {},
  ): () => boolean {
    const line = (id: string): string => `${stringifyJson({ execute: name, arguments: args, id })}\r\n`;
    // Called only with a value that has passed the guard of this command's replies.
    return this.#enqueue({ name, lane, answer: answer as Pending['answer'], onWrite }, line, timeoutMs);
  }

  /**
   * Passes on a tool's command. There is no deadline: QEMU's reply, or the end of the connection, is the answer. `onWrite` and the result are as of
   * {@link request}.
   */
  relay(command: ToolCommand, answer: (reply: ToolReply) => void, onWrite: () => void): () => boolean {
    const lane = command.member === 'exec-oob' ? 'oob' : 'tool';
    let ours = '';
    const replied = (reply: QmpReply, text: string): void => {
      if (reply.kind === 'return') answer({ kind: 'return', text: withId(text.trimEnd(), ours, command.id) });
      else if (reply.kind === 'error') answer({ ...reply, text: withId(text.trimEnd(), ours, command.id) });
      else answer(reply.kind === 'timeout' ? { kind: 'closed', sent: reply.sent } : reply);
    };
    const line = (id: string): string => {
      ours = id;
      return toolLine(command, id);
    };
    return this.#enqueue({ name: undefined, lane, answer: replied, onWrite }, line, FOREVER_MS);
  }

  #enqueue(
    command: Pick<Pending, 'name' | 'lane' | 'answer' | 'onWrite'>,
    line: (id: string) => string,
    timeoutMs: number,
  ): () => boolean {
    const queue = this.#queued[command.lane];
    if (this.#closed || queue.size >= this.#limits.maxQueued) {
      command.answer(this.#closed ? { kind: 'closed', sent: false } : { kind: 'busy' }, '');
      return () => false;
    }
    const id = `${this.#prefix}${this.#next++}`;
    const pending: Pending = {
      ...command,
      id,
      line: line(id),
      timer: setTimeout(() => this.#expire(pending), timeoutMs),
      written: false,
      writtenAt: 0,
    };
    queue.add(pending);
    this.#pump();
    return () => this.#withdraw(pending);
  }

  /** For `MonitorConnection`: whether a reply with this id answers a command in flight. An error without an id does. */
  owns(id: unknown): boolean {
    return id === undefined ? this.#inFlight.size > 0 : typeof id === 'string' && this.#inFlight.has(id);
  }

  /** For `MonitorConnection`: the next message. @returns why the peer does not speak QMP; the connection is to be closed then. */
  receive(message: QmpMessage, text: string): string | undefined {
    switch (message.kind) {
      case 'event':
        this.#eventTexts.next(text);
        this.#events.next(message.event);
        return undefined;
      case 'return':
        return this.#reply(message.id, { kind: 'return', value: message.value }, text);
      case 'error':
        return this.#reply(message.id, { kind: 'error', class: message.class, desc: message.desc }, text);
      case 'greeting':
        return 'a second greeting';
      case 'malformed':
        return message.why;
    }
  }

  /** For `MonitorConnection`: the socket is closed. Every pending command is answered, and `events$` completes. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const pending = [...this.#inFlight.values(), ...LANES.flatMap((lane) => [...this.#queued[lane]])];
    this.#inFlight.clear();
    for (const each of pending) {
      clearTimeout(each.timer);
      each.answer({ kind: 'closed', sent: each.written }, '');
    }
    this.#events.complete();
    this.#eventTexts.complete();
  }

  #pump(): void {
    for (const lane of LANES) {
      for (const next of this.#queued[lane]) {
        if (!this.#hasPlace(lane)) break;
        if (lane === 'oob') this.#outOfBand += 1;
        this.#queued[lane].delete(next);
        next.written = true;
        next.writtenAt = performance.now();
        this.#inFlight.set(next.id, next);
        next.onWrite?.();
        this.#write(next.line);
      }
    }
  }

  #hasPlace(lane: Lane): boolean {
    if (lane === 'oob') return true;
    return this.#inFlight.size - this.#outOfBand < Math.max(1, this.#limits.maxInFlight - RESERVED[lane]);
  }

  #withdraw(pending: Pending): boolean {
    if (!this.#queued[pending.lane].delete(pending)) return false;
    clearTimeout(pending.timer);
    return true;
  }

  /** A reply with another client's id is dropped. */
  #reply(id: unknown, reply: QmpReply, text: string): string | undefined {
    // QEMU replies without an id to what it could not parse. That is clear with one command in flight, and ambiguous with several.
    if (id === undefined && this.#inFlight.size > 1) return 'a reply without an id while several commands wait';
    const key = id === undefined ? this.#inFlight.keys().next().value : id;
    const pending = typeof key === 'string' ? this.#inFlight.get(key) : undefined;
    if (!pending) return undefined;
    const { name } = pending;
    if (name !== undefined && reply.kind === 'return' && !isReplyTo(name, reply.value))
      return `malformed reply to ${name}`;
    this.#inFlight.delete(pending.id);
    if (pending.lane === 'oob') this.#outOfBand -= 1;
    clearTimeout(pending.timer);
    if (name !== undefined) this.#limits.replied?.(name, performance.now() - pending.writtenAt);
    pending.answer(reply, text);
    this.#pump();
    return undefined;
  }

  /** A written command keeps its place until its late reply, which is then ignored: until then QEMU has it in its queue. */
  #expire(pending: Pending): void {
    const { answer } = pending;
    pending.answer = noAnswer;
    this.#queued[pending.lane].delete(pending);
    answer({ kind: 'timeout', sent: pending.written }, '');
  }
}

/**
 * Narrows a stream of events to the named types; `data` follows from QEMU's schema. Only the data of the events that the gateway reads (of jobs) is
 * checked; of an event over `maxEventBytes` it is cut to few members.
 */
export function ofType<Type extends keyof QemuEvents>(...types: Type[]): OperatorFunction<QmpEvent, QmpEventOf<Type>> {
  return filter((event: QmpEvent): event is QmpEventOf<Type> => (types as string[]).includes(event.type));
}
