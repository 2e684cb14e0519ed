// One webhook: takes its entries from the log, one after the other, and has each delivered before it looks for the next. Between attempts it keeps
// its position alone, and reads the entry again.
import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../clock.js';
import type { EventReader, LoggedEntry } from '../log/index.js';
import { formatCursor } from '../protocol/cursor.js';
import { compileGlobs } from '../protocol/glob.js';
import { afterResult, type Delivery, moveTo, nextStep, type Result, type Sent, skip } from './delivery.js';
import type { WebhookLimits } from './limits.js';
import type { Lookups } from './lookup.js';
import { entryMessage, gapMessage, type Message, sign } from './message.js';
import type { Post } from './post.js';
import type { WebhookSettings } from './settings.js';
import type { Turns } from './turns.js';

/** Where it writes what an operator must know. A pino logger is one. */
export interface WebhookLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface WebhookDeps {
  log: EventReader;
  clock: Clock;
  limits: WebhookLimits;
  logger: WebhookLogger;
  turns: Turns;
  lookups: Lookups;
  post: Post;
  /** Of the header User-Agent. */
  userAgent: string;
}

/** Since the gateway began. */
export interface Tally {
  readonly results: Record<Result['kind'], number>;
  deadLetters: number;
}

export class Webhook {
  readonly settings: WebhookSettings;
  readonly #deps: WebhookDeps;
  readonly #url: URL;
  readonly #agent: http.Agent;
  readonly #tally: Tally;
  readonly #moved: (delivery: Delivery) => void;
  readonly #wantsSource: (source: string) => boolean;
  readonly #wants: (entry: LoggedEntry) => boolean;
  readonly #abort = new AbortController();
  #delivery: Delivery;
  #state: 'idle' | 'searching' | 'sending' | 'waiting' = 'idle';
  #isClosed = false;
  #stopWaiting: (() => void) | undefined;
  /** Time of the oldest entry that is not delivered, in milliseconds since 1970. */
  #oldestAt: number | undefined;

  /** @param moved called when its position or its gap has changed. */
  constructor(
    settings: WebhookSettings,
    deps: WebhookDeps,
    delivery: Delivery,
    tally: Tally,
    moved: (delivery: Delivery) => void,
  ) {
    const { url, types, sources, jobs } = settings;
    this.settings = settings;
    this.#deps = deps;
    this.#delivery = delivery;
    this.#tally = tally;
    this.#moved = moved;
    this.#url = new URL(url);
    const options = { keepAlive: true, maxFreeSockets: 1 };
    this.#agent =
      this.#url.protocol === 'https:'
        ? new https.Agent({ ...options, rejectUnauthorized: true })
        : new http.Agent(options);
    const [wantsType, wantsSource, wantsJob] = [compileGlobs(types), compileGlobs(sources), compileGlobs(jobs)];
    this.#wantsSource = wantsSource;
    this.#wants = ({ type, source, job }) => wantsType(type) && wantsSource(source) && (!job || wantsJob(job.id));
    this.#later();
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  /** Age of the oldest entry that is not delivered, in seconds; 0: there is none. */
  get lagSeconds(): number {
    return this.#oldestAt === undefined ? 0 : Math.max(0, (this.#deps.clock.date() - this.#oldestAt) / 1_000);
  }

  /** The log has more, or another epoch. */
  wake(): void {
    if (this.#state === 'idle') this.#later();
  }

  /** A delivery that was not answered is repeated by who goes on from its position. */
  close(): void {
    this.#isClosed = true;
    this.#deps.turns.drop(this.#turn);
    this.#stopWaiting?.();
    this.#abort.abort();
    this.#agent.destroy();
  }

  #later(): void {
    if (this.#isClosed) return;
    this.#state = 'searching';
    this.#deps.turns.later(this.#turn);
  }

  readonly #turn = (): void => {
    const { log, clock, limits } = this.#deps;
    const view = {
      epoch: log.epoch,
      head: log.head,
      retainsAfter: (offset: number) => log.retainsAfter(offset, this.#wantsSource),
      resumeAt: () => log.evictedUpTo(this.#wantsSource),
    };
    const step = nextStep(this.#delivery, view, clock.now(), limits);
    switch (step.kind) {
      case 'skip':
        return this.#skip(step);
      case 'wait':
        return this.#wait(step.ms);
      case 'gap':
        return this.#announce();
      case 'search':
        return this.#search();
      case 'idle':
        this.#state = 'idle';
        this.#oldestAt = undefined;
    }
  };

  #wait(ms: number): void {
    this.#state = 'waiting';
    this.#stopWaiting = this.#deps.clock.after(ms, () => this.#later());
  }

  #skip(step: Parameters<typeof skip>[1]): void {
    const { clock, logger } = this.#deps;
    const { position } = this.#delivery;
    this.#become(skip(this.#delivery, step, clock.now()));
    this.#oldestAt ??= clock.date();
    const [from, to] = [position, step.to].map(({ epoch, offset }) => formatCursor(epoch, offset));
    logger.warn({ ...this.#named, from, to, reason: step.reason }, 'a webhook lacks events: a gap is announced to it');
    // In this turn, before more entries leave the log.
    this.#turn();
  }

  #announce(): void {
    const { gap, position } = this.#delivery;
    if (gap) void this.#send({ kind: 'gap' }, gapMessage(gap, position, this.settings.format));
  }

  /** A slice of the log, bounded by the number of entries and by time. */
  #search(): void {
    const { log, clock, limits } = this.#deps;
    const { position } = this.#delivery;
    const { entries, examined, pending } = log.readAfter(position.offset, limits.sliceEntries);
    if (pending) {
      void pending.then(() => this.#later());
      return;
    }
    const due = clock.now() + limits.sliceMs;
    let at = position.offset;
    for (const entry of entries) {
      if (this.#wants(entry)) {
        this.#become(moveTo(this.#delivery, at));
        if (this.#delivery.gap) return this.#announce();
        this.#oldestAt = entry.time === null ? clock.date() : entry.time / 1_000;
        const sent: Sent = { kind: 'entry', offset: entry.offset };
        return void this.#send(sent, entryMessage(entry, log.epoch, this.settings.format));
      }
      at = entry.offset;
      if (clock.now() > due) break;
    }
    this.#become(moveTo(this.#delivery, at === entries.at(-1)?.offset ? examined : at));
    this.#later();
  }

  async #send(sent: Sent, message: Message): Promise<void> {
    const { clock, limits } = this.#deps;
    this.#state = 'sending';
    const result = await this.#post(message);
    if (this.#isClosed) return;
    this.#tally.results[result.kind] += 1;
    const { failures, failingSince } = this.#delivery;
    const now = clock.now();
    const after = afterResult(this.#delivery, sent, result, { now, random: clock.random(), limits });
    this.#become(after.delivery);
    if (this.#delivery.failures === 0) this.#oldestAt = undefined;
    const why = result.kind === 'ok' ? undefined : result.why;
    const { logger } = this.#deps;
    if (after.change === 'failing')
      logger.warn({ ...this.#named, why, delivery: message.id }, 'a webhook fails: deliveries are tried again');
    if (after.change === 'recovered')
      logger.info({ ...this.#named, failures, ms: Math.round(now - (failingSince ?? now)) }, 'a webhook works again');
    if (after.change === 'dead-letter') {
      this.#tally.deadLetters += 1;
      logger.warn({ ...this.#named, why, delivery: message.id }, 'a webhook refused a delivery: it is not repeated');
    }
    this.#later();
  }

  #post({ id, type, body }: Message): Promise<Result> {
    const { clock, limits, lookups, userAgent, post } = this.#deps;
    const { name, secret, allowPrivate } = this.settings;
    const headers = {
      'Content-Type': type,
      'User-Agent': userAgent,
      'X-Qmp-Gateway-Webhook': name,
      'X-Qmp-Gateway-Delivery': id,
      'X-Qmp-Gateway-Attempt': String(this.#delivery.failures + 1),
      'X-Qmp-Gateway-Signature': sign(secret, Math.floor(clock.date() / 1_000), body),
    };
    const request = { url: this.#url, headers, body, agent: this.#agent, signal: this.#abort.signal };
    const { timeoutMs, answerBytes } = limits;
    return post(request, { clock, lookup: lookups.of(allowPrivate), allowPrivate, timeoutMs, answerBytes });
  }

  #become(delivery: Delivery): void {
    const { position, gap } = this.#delivery;
    this.#delivery = delivery;
    if (delivery.position !== position || delivery.gap !== gap) this.#moved(delivery);
  }

  /** A URL's path may be a secret. */
  get #named(): object {
    return { webhook: this.settings.name, host: this.#url.host };
  }
}
