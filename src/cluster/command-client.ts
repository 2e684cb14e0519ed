// The edge's side of commands: each goes to the owner of its source, and its answer waits until this edge shows what the answer rests on.
import type { CallContext } from '../access/index.js';
import type { Clock } from '../clock.js';
import type { CommandName, CommandPort } from '../gateway/index.js';
import type { Bus, BusReply, Subjects } from '../nats/index.js';
import { type Answer, refuse } from '../protocol/answer.js';
import { parseCursor } from '../protocol/cursor.js';
import type { JobTarget } from '../protocol/methods.js';
import type { SourceInfo } from '../protocol/types.js';
import type { Owners } from './owners.js';
import { type CommandReplied, type CommandRequest, isMoved, isReplied } from './words.js';

export interface CommandClientOptions {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  owners: Owners;
  /** As this edge shows it; `undefined`: there is no such source. */
  sourceOf: (name: string) => SourceInfo | undefined;
  /** Resolves when this edge shows everything up to that offset. */
  reached: (offset: number) => Promise<void>;
  /** Milliseconds beyond the bound of a call for which the owner's answer is awaited: the owner has the whole bound. */
  graceMs: number;
}

const METHODS: readonly CommandName[] = [
  'job.get',
  'job.abort',
  'job.wait',
  'job.complete',
  'job.pause',
  'job.resume',
  'job.finalize',
  'job.dismiss',
  'job.setSpeed',
];

export function commandsByOwners(options: CommandClientOptions): CommandPort {
  const client = new CommandClient(options);
  return Object.fromEntries(
    METHODS.map((method) => [
      method,
      (context: CallContext, params: JobTarget) => client.call(method, context, params),
    ]),
  ) as unknown as CommandPort;
}

class CommandClient {
  readonly #options: CommandClientOptions;

  constructor(options: CommandClientOptions) {
    this.#options = options;
  }

  async call(method: CommandName, context: CallContext, params: JobTarget): Promise<Answer<object>> {
    const { bus, subjects, clock, sourceOf, graceMs } = this.#options;
    const { source } = params;
    if (!sourceOf(source)) return refuse('SOURCE_NOT_FOUND', `no source ${source}`);
    const { principal, signal, deadline, address, trace } = context;
    const leftMs = Math.max(0, deadline - clock.now());
    const id = clock.token(12);
    const request: CommandRequest = {
      ...{ v: 1, id, method, params, by: principal.name, leftMs },
      ...(principal.proof !== undefined && { token: principal.proof }),
      ...(address !== undefined && { address }),
      ...(trace && { trace }),
    };
    const leave = (): void => bus.publish(subjects.gone, { v: 1, id });
    signal.addEventListener('abort', leave, { once: true });
    const reply = await this.#ask(source, request, deadline + graceMs);
    signal.removeEventListener('abort', leave);
    if (reply.kind === 'nobody') return unowned(source);
    if (reply.kind === 'lost' || !isReplied(reply.body)) return lost(method, source);
    return this.#shown(reply.body, deadline + graceMs);
  }

  /**
   * Asks the owner, and each that takes the source over meanwhile: an owner knows what became of a call of the one before. A member may also lose the source
   * and get it again, so each member that says that it has the source is asked, unless a request to it is under way.
   */
  #ask(source: string, request: CommandRequest, until: number): Promise<BusReply> {
    const { bus, subjects, clock, owners, graceMs } = this.#options;
    return new Promise((resolve) => {
      let asked = '';
      const end = (reply: BusReply): void => {
        holds.unsubscribe();
        stop();
        resolve(reply);
      };
      let asks = 0;
      const ask = (owner: string | undefined): void => {
        asks += 1;
        const askedNow = owner ?? 'unknown';
        asked = askedNow;
        const leftMs = until - clock.now();
        void bus
          .request(subjects.commands(source), { ...request, leftMs: Math.max(0, leftMs - graceMs) }, leftMs)
          .then((reply) => {
            // Nothing was sent only where nobody else has been asked meanwhile.
            if (reply.kind === 'nobody' ? asks === 1 : reply.kind === 'reply' && !isMoved(reply.body))
              return end(reply);
            if (asked === askedNow) asked = '';
          });
      };
      const holds = owners.holdsOf(source).subscribe((instance) => {
        if (instance !== asked) ask(instance);
      });
      const stop = clock.after(Math.max(0, until - clock.now()), () => end({ kind: 'lost' }));
      ask(owners.of(source)?.instance);
    });
  }

  /** The answer, once this edge shows what it rests on; within the bound, whether it does or not. */
  async #shown({ answer, cursor }: CommandReplied, until: number): Promise<Answer<object>> {
    const { clock, reached } = this.#options;
    const offset = parseCursor(cursor)?.offset;
    if (!answer.ok || offset === undefined) return answer;
    let stop = (): void => undefined;
    const late = new Promise<boolean>((resolve) => {
      stop = clock.after(Math.max(0, until - clock.now()), () => resolve(false));
    });
    const isShown = await Promise.race([reached(offset).then(() => true), late]);
    stop();
    if (isShown) return answer;
    return refuse('TIMEOUT', 'this gateway has not received the result of the command within the bound', {
      accepted: true,
    });
  }
}

function unowned(source: string): Answer<never> {
  return refuse('SOURCE_DOWN', `no gateway that has ${source} can be reached now; nothing was sent`, {
    state: 'down',
    why: 'unowned',
  });
}

/** What only reads has no effect that could be unknown. */
function lost(method: CommandName, source: string): Answer<never> {
  if (method === 'job.get' || method === 'job.wait')
    return refuse('TIMEOUT', `the owner of ${source} has not answered within the bound`, { accepted: false });
  return refuse(
    'OUTCOME_UNKNOWN',
    `the command was sent to the owner of ${source}, whose answer is lost: its effect is unknown`,
  );
}
