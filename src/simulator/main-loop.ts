// QEMU's main loop: executes one request at a time, in order, and nothing while it hangs. A command goes on when its client disconnects, and its
// reply goes to the next client, as in QEMU.
import type { Clock } from './clock.js';
import { type Context, type Interpreted, interpret } from './commands.js';
import { type Effect, fail, type QmpError, type Reply, type SimEvent, type SimJob } from './model.js';
import type { Client } from './monitor.js';
import { nextDue } from './progress.js';
import type { Request } from './request.js';
import { emptyWorld, type Input, step } from './step.js';
import { find } from './world.js';

export interface LoopHandlers {
  /** `null`: the request may be executed. Otherwise the reply to give instead. */
  negotiate(request: Request): Reply | null;
  reply(reply: Reply, request: Request): void;
  event(event: SimEvent): void;
  quit(): void;
}

interface Task {
  client: Client;
  request: Request;
}

export class MainLoop {
  readonly #clock: Clock;
  readonly #context: Context;
  readonly #handlers: LoopHandlers;
  #world;
  #queue: Task[] = [];
  #cancelTimer: (() => void) | null = null;
  #busy = false;
  /** A command that is answered when its job is gone; the loop is busy until then. */
  #awaiting: { job: SimJob; answer: () => void } | null = null;
  #hung: { cancel: () => void } | null = null;
  #latest = 0;
  /** Errors for the next commands of a name, used in order. */
  readonly refusals = new Map<string, QmpError[]>();
  /** Values for the next replies to commands of a name, used in order. */
  readonly malformed = new Map<string, unknown[]>();
  /** Milliseconds that each command of a name takes. */
  readonly delays = new Map<string, number>();

  constructor(clock: Clock, context: Context, handlers: LoopHandlers) {
    this.#clock = clock;
    this.#context = context;
    this.#handlers = handlers;
    this.#world = emptyWorld(context.lacks);
  }

  /** Executes an input of the test's at once, also while the loop hangs, and raises its events. */
  run(input: Exclude<Input, { kind: 'tick' }>): Reply {
    const effects = step(this.#world, input, this.#now());
    const reply = effects.find((effect) => effect.kind === 'reply');
    this.#deliver(effects, null);
    this.#arm();
    this.#gone();
    if (!reply) throw new Error('a step without a reply');
    return reply.reply;
  }

  submit(client: Client, request: Request): void {
    this.#queue.push({ client, request });
    this.#pump();
  }

  /** Drops the queued requests of a client that has disconnected; a command under way goes on. */
  forget(client: Client): void {
    this.#queue = this.#queue.filter((task) => task.client !== client);
  }

  /** `ms` may be Infinity. A second call replaces the first. */
  hang(ms: number): void {
    this.#hung?.cancel();
    this.#cancelTimer?.();
    this.#hung = { cancel: ms === Number.POSITIVE_INFINITY ? () => {} : this.#clock.setTimer(() => this.wake(), ms) };
  }

  wake(): void {
    this.#hung?.cancel();
    this.#hung = null;
    this.#tick();
    this.#pump();
  }

  /** All jobs vanish without an event, as when the process ends. */
  reset(): void {
    this.#cancelTimer?.();
    this.#hung?.cancel();
    this.#hung = null;
    this.#queue = [];
    this.#busy = false;
    this.#awaiting = null;
    this.#world = emptyWorld(this.#context.lacks);
  }

  /** The wall clock may jump back; this time does not. */
  #now(): number {
    this.#latest = Math.max(this.#latest, this.#clock.now());
    return this.#latest;
  }

  #tick(): void {
    this.#deliver(step(this.#world, { kind: 'tick' }, this.#now()), null);
    this.#arm();
    this.#gone();
  }

  /** Answers the command that waits for the end of a job, if that has come. */
  #gone(): void {
    if (!this.#awaiting || this.#world.jobs.includes(this.#awaiting.job)) return;
    const { answer } = this.#awaiting;
    this.#awaiting = null;
    this.#busy = false;
    answer();
    this.#pump();
  }

  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const due = nextDue(this.#world);
    if (due === null || this.#hung) return;
    this.#cancelTimer = this.#clock.setTimer(() => this.#tick(), Math.max(0, due - this.#now()));
  }

  #pump(): void {
    while (!this.#busy && !this.#hung) {
      const task = this.#queue.shift();
      if (!task) return;
      const { request } = task;
      // Whether the request may be executed is decided before its delay: after it there may be another client.
      const early = request.execute === 'qmp_capabilities' ? null : this.#handlers.negotiate(request);
      const wait = this.delays.get(request.execute);
      if (early) this.#handlers.reply(early, request);
      else if (wait === undefined) this.#execute(request);
      else this.#executeAfter(request, wait);
    }
  }

  #executeAfter(request: Request, ms: number): void {
    this.#busy = true;
    this.#clock.setTimer(() => {
      this.#busy = false;
      this.#execute(request);
      this.#pump();
    }, ms);
  }

  #execute(request: Request): void {
    const negotiation = request.execute === 'qmp_capabilities' ? this.#handlers.negotiate(request) : null;
    const refused = negotiation ?? this.#refusal(request);
    const meaning = refused ? { reply: refused } : this.#interpret(request);
    if ('reply' in meaning) {
      this.#handlers.reply(this.#malform(meaning.reply, request), request);
      return;
    }
    const job = meaning.untilGone === undefined ? undefined : find(this.#world, meaning.untilGone);
    const effects = step(this.#world, meaning.input, this.#now());
    if (job) {
      const events = effects.filter(({ kind }) => kind === 'event');
      const answer = (): void =>
        this.#deliver(
          effects.filter(({ kind }) => kind === 'reply'),
          request,
        );
      this.#deliver(events, null);
      this.#awaiting = { job, answer };
      this.#busy = true;
    } else this.#deliver(effects, request);
    if (meaning.input.kind === 'quit') this.#handlers.quit();
    else this.#arm();
    this.#gone();
  }

  #malform(reply: Reply, { execute }: Request): Reply {
    const queued = this.malformed.get(execute);
    return queued && queued.length > 0 ? { ok: true, value: queued.shift() } : reply;
  }

  #refusal({ execute }: Request): Reply | null {
    const error = this.refusals.get(execute)?.shift();
    return error ? fail(error.desc, error.class) : null;
  }

  #interpret({ execute, oob, arguments: given }: Request): Interpreted {
    return interpret(execute, oob, given, this.#context);
  }

  #deliver(effects: readonly Effect[], request: Request | null): void {
    for (const effect of effects) {
      if (effect.kind === 'event') this.#handlers.event(effect.event);
      else if (request) this.#handlers.reply(this.#malform(effect.reply, request), request);
    }
  }
}
