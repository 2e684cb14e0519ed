// The owner's side of commands: requests of edges for the sources that this member has. Each request is executed once, however often it comes.
import type { CallContext } from '../access/index.js';
import type { Clock } from '../clock.js';
import { authorize, type CommandName, type CommandPort, type ViewPort } from '../gateway/index.js';
import type { Bus, Subjects } from '../nats/index.js';
import { type Answer, refuse, refuseParams } from '../protocol/answer.js';
import type { JobTarget } from '../protocol/methods.js';
import { checkParams } from '../protocol/schemas.js';
import { type CallerChecks, identify } from './callers.js';
import type { KnownRequest, Requests } from './requests.js';
import {
  type CommandMoved,
  type CommandReplied,
  type CommandRequest,
  isCommandRequest,
  isGone,
  isMeasureRequest,
  type MeasureRequest,
} from './words.js';

/** Milliseconds after its bound for which a request is known again. */
const REMEMBER_MS = 120_000;

/** Milliseconds that a call may last: those of `timeoutMs` at the most, and what a network may add. */
const LONGEST_MS = 3_700_000;

export interface CommandServerOptions {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  commands: CommandPort;
  view: Pick<ViewPort, 'freshen'>;
  /** The newest entry of a source that the stream has. */
  cursorOf: (source: string) => string;
  /** The calls of a source's commands, with those of the owner before. */
  requestsOf: (source: string) => Requests | undefined;
  callers: CallerChecks;
}

/** What becomes of requests for a source: `moved`: its next owner executes them; `removed`: nobody has it. */
interface Serving {
  is: 'served' | 'moved' | 'removed';
}

interface Known {
  answer: Promise<Answer<object>>;
  gone: AbortController;
  /** Stops the timer after which it is forgotten. */
  forget: () => void;
}

export class CommandServer {
  readonly #options: CommandServerOptions;
  /** Checked against the grants of the caller. */
  readonly #commands: CommandPort;
  readonly #known = new Map<string, Known>();
  #isClosed = false;
  readonly #stopGone: () => void;

  constructor(options: CommandServerOptions) {
    this.#options = options;
    this.#commands = authorize(options.commands);
    const { bus, subjects } = options;
    this.#stopGone = bus.subscribe(subjects.gone, (body) => {
      if (isGone(body)) this.#known.get(body.id)?.gone.abort();
    });
  }

  /** @returns ends it: requests that are on their way are answered, later ones find nobody. */
  serve(source: string): (next: 'moved' | 'removed') => void {
    const { bus, subjects } = this.#options;
    const serving: Serving = { is: 'served' };
    const stop = bus.subscribe(subjects.commands(source), (body, _subject, reply) => {
      if (!reply) return;
      if (isMeasureRequest(body)) void this.#measure(source, body).then(() => reply({ v: 1 }));
      else if (isCommandRequest(body)) void this.#execute(source, body, serving).then(reply);
    });
    return (next) => {
      serving.is = next;
      stop();
    };
  }

  close(): void {
    this.#stopGone();
    this.#isClosed = true;
    for (const { gone, forget } of this.#known.values()) {
      gone.abort();
      forget();
    }
    this.#known.clear();
  }

  async #measure(source: string, { maxAgeMs, waitMs }: MeasureRequest): Promise<void> {
    await this.#options.view.freshen((name) => name === source, maxAgeMs, waitMs);
  }

  async #execute(source: string, request: CommandRequest, serving: Serving): Promise<CommandReplied | CommandMoved> {
    let known = this.#known.get(request.id);
    if (!known && serving.is === 'moved') return { v: 1, moved: true };
    known ??= this.#begin(source, request);
    const answer = await known.answer;
    // Its next owner knows more; that may be this member again, which then executes it anew.
    if (!answer.ok && serving.is === 'moved') {
      known.forget();
      if (this.#known.get(request.id) === known) this.#known.delete(request.id);
      return { v: 1, moved: true };
    }
    return { v: 1, answer, cursor: this.#options.cursorOf(source) };
  }

  #begin(source: string, request: CommandRequest): Known {
    const { clock } = this.#options;
    const gone = new AbortController();
    const known: Known = { answer: this.#call(source, request, gone.signal), gone, forget: () => undefined };
    this.#known.set(request.id, known);
    void known.answer.then(() => {
      if (!this.#isClosed) known.forget = clock.after(REMEMBER_MS, () => this.#known.delete(request.id));
    });
    return known;
  }

  async #call(source: string, request: CommandRequest, signal: AbortSignal): Promise<Answer<object>> {
    const { clock, callers } = this.#options;
    const { id, method, params, leftMs, address, trace } = request;
    const commands = this.#commands;
    if (!isCommand(method, commands)) return refuse('UNSUPPORTED', `the owner of ${source} knows no ${method}`);
    const checked = checkParams(method, params);
    if (!checked.ok) return refuseParams(...checked.problems);
    // NATS decides by the subject who may command which source.
    if ((checked.params as JobTarget).source !== source) return refuseParams('source: not that of the subject');
    const now = clock.now();
    const caller = await identify(request, callers);
    const known = this.#options.requestsOf(source)?.find(id);
    // The token may have ended since the owner before has sent the command.
    if (!caller.ok)
      return known
        ? refuse('OUTCOME_UNKNOWN', `the command was sent, and its effect is not reported: ${caller.error.message}`)
        : caller;
    const context: CallContext = {
      principal: caller.result,
      address,
      receivedAt: now,
      deadline: now + Math.min(LONGEST_MS, Math.max(0, leftMs)),
      signal,
      request: id,
      trace,
    };
    const call = (name: CommandName, given: object): Promise<Answer<object>> =>
      (commands[name] as (context: CallContext, params: object) => Promise<Answer<object>>)(context, given);
    return known
      ? again(method, checked.params as JobTarget & { sync?: boolean }, known, call)
      : call(method, checked.params);
  }
}

/**
 * A call that another owner has begun. What it has sent is not sent again, unless it is not known whether QEMU had it, and then only what may come twice
 * to the same run: its end.
 */
async function again(
  method: CommandName,
  params: JobTarget & { sync?: boolean },
  { job, cursor = '', result, error }: KnownRequest,
  call: (name: CommandName, params: object) => Promise<Answer<object>>,
): Promise<Answer<object>> {
  const { source } = params;
  const target = { source, job: job.id, run: job.run };
  const endsRun = method === 'job.abort' || method === 'job.complete';
  if (result === 'refused')
    return refuse('QMP_ERROR', error ?? 'the command was refused', { class: 'GenericError', desc: error ?? '' });
  if (result === 'accepted' && !(endsRun && params.sync))
    return { ok: true, result: { status: 'requested', ...target, cursor } };
  if (result === 'accepted') return call('job.wait', target);
  if (endsRun) return call(method, { ...params, ...target });
  return refuse('OUTCOME_UNKNOWN', 'the command was sent, and its effect is unknown', { run: job.run });
}

const isCommand = (method: string, commands: CommandPort): method is CommandName => Object.hasOwn(commands, method);
