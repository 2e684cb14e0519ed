// All webhooks: another configuration adds, removes and changes them; the log wakes those that have nothing to do.
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import { type Delivery, deliveryFrom, type Result } from './delivery.js';
import { Lookups } from './lookup.js';
import { PositionFile, readPosition, type Saved } from './position-file.js';
import { type Post, post } from './post.js';
import type { WebhookSettings } from './settings.js';
import { Turns } from './turns.js';
import { type Tally, Webhook, type WebhookDeps } from './webhook.js';

export interface WebhooksOptions extends Omit<WebhookDeps, 'turns' | 'lookups' | 'post'> {
  /** The folder of the positions; `undefined`: they end with the process. */
  folder: string | undefined;
  /** Default: by HTTP. */
  post?: Post;
}

export interface WebhookChanges {
  added: string[];
  removed: string[];
  changed: string[];
}

/** What metrics have of one. */
export interface WebhookCounts {
  name: string;
  /** POSTs by what came of them. */
  results: Readonly<Record<Result['kind'], number>>;
  deadLetters: number;
  lagSeconds: number;
}

/** What stays of a webhook when its settings change. */
interface Kept {
  file: PositionFile | undefined;
  tally: Tally;
}

interface Running extends Kept {
  webhook: Webhook;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #deps: WebhookDeps;
  readonly #running = new Map<string, Running>();
  readonly #subscription: Subscription;
  /** Files of webhooks that were removed, until they are written. */
  readonly #closing = new Set<Promise<void>>();
  #isWaking = false;

  constructor(settings: readonly WebhookSettings[], options: WebhooksOptions) {
    const { log, clock, limits } = options;
    this.#options = options;
    this.#deps = { post, ...options, turns: new Turns(clock), lookups: new Lookups(limits.lookups) };
    this.#subscription = log.entries$.subscribe(() => this.#wake());
    this.#subscription.add(log.replaced$.subscribe(() => this.#wake()));
    this.replace(settings);
  }

  /** One whose settings stay is not touched; one with others goes on from its position. */
  replace(settings: readonly WebhookSettings[]): WebhookChanges {
    const names = new Set(settings.map(({ name }) => name));
    const removed = [...this.#running.keys()].filter((name) => !names.has(name));
    for (const name of removed) this.#close(name);
    const added = settings.filter(({ name }) => !this.#running.has(name));
    const changed = settings.filter((each) => {
      const now = this.#running.get(each.name)?.webhook.settings;
      return now !== undefined && JSON.stringify(now) !== JSON.stringify(each);
    });
    for (const each of changed) {
      const running = this.#running.get(each.name);
      if (!running) continue;
      const { position, gap } = running.webhook.delivery;
      running.webhook.close();
      running.webhook = this.#start(each, deliveryFrom(position, gap), running);
    }
    for (const each of added) this.#open(each);
    return { added: added.map(({ name }) => name), removed, changed: changed.map(({ name }) => name) };
  }

  get counts(): WebhookCounts[] {
    return [...this.#running].map(([name, { webhook, tally }]) => {
      const { results, deadLetters } = tally;
      return { name, results, deadLetters, lagSeconds: webhook.lagSeconds };
    });
  }

  /** Resolves when the positions are written. */
  async close(): Promise<void> {
    this.#subscription.unsubscribe();
    for (const name of [...this.#running.keys()]) this.#close(name);
    await Promise.all(this.#closing);
  }

  #open(settings: WebhookSettings): void {
    const { folder, log, clock, limits, logger } = this.#options;
    const { name } = settings;
    const path = folder === undefined ? undefined : join(folder, `${name}.json`);
    const failed = (err: unknown): void =>
      logger.warn({ webhook: name, err }, 'the position of a webhook is not saved');
    const kept: Kept = {
      file: path === undefined ? undefined : new PositionFile(path, { clock, saveMs: limits.saveMs, failed }),
      tally: { results: { ok: 0, failed: 0, rejected: 0 }, deadLetters: 0 },
    };
    const saved: Saved = path === undefined ? { kind: 'none' } : readPosition(path);
    const head = { epoch: log.epoch, offset: log.head };
    if (saved.kind === 'unreadable') logger.warn({ webhook: name, path }, 'the position of a webhook cannot be read');
    const from =
      saved.kind === 'found'
        ? deliveryFrom(saved.position, saved.gap)
        : deliveryFrom(head, saved.kind === 'none' ? undefined : { from: null, reason: 'position' });
    kept.file?.save(from);
    this.#running.set(name, { ...kept, webhook: this.#start(settings, from, kept) });
  }

  #start(settings: WebhookSettings, from: Delivery, { file, tally }: Kept): Webhook {
    return new Webhook(settings, this.#deps, from, tally, (delivery) => file?.save(delivery));
  }

  #close(name: string): void {
    const running = this.#running.get(name);
    running?.webhook.close();
    this.#running.delete(name);
    if (!running?.file) return;
    const closed = running.file.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Once a turn, however many entries come in it. */
  #wake(): void {
    if (this.#isWaking || this.#running.size === 0) return;
    this.#isWaking = true;
    this.#options.clock.soon(() => {
      this.#isWaking = false;
      for (const { webhook } of this.#running.values()) webhook.wake();
    });
  }
}
