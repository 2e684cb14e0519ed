// All webhooks: another configuration adds, removes and changes them, each is posted while its position is held, and the log wakes those that have
// nothing to do.
import type { Subscription } from 'rxjs';
import { type Delivery, deliveryFrom, type Result } from './delivery.js';
import { Lookups } from './lookup.js';
import type { HeldPosition, Positions, Saved } from './positions.js';
import { type Post, post } from './post.js';
import type { WebhookSettings } from './settings.js';
import { Turns } from './turns.js';
import { type Tally, Webhook, type WebhookDeps } from './webhook.js';

export interface WebhooksOptions extends Omit<WebhookDeps, 'turns' | 'lookups' | 'post'> {
  positions: Positions;
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
  /** Whether this gateway posts it: of several that share its position one does. */
  isPosting: boolean;
  lagSeconds: number;
}

interface Configured {
  settings: WebhookSettings;
  readonly tally: Tally;
  /** Present while its position is held. */
  running: { readonly webhook: Webhook; readonly save: (delivery: Delivery) => void } | undefined;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #deps: WebhookDeps;
  readonly #configured = new Map<string, Configured>();
  readonly #positions = new Map<string, HeldPosition>();
  readonly #subscription: Subscription;
  /** Positions of webhooks that were removed, until they are kept. */
  readonly #closing = new Set<Promise<void>>();
  #isWaking = false;

  constructor(settings: readonly WebhookSettings[], options: WebhooksOptions) {
    const { log, clock, limits } = options;
    this.#options = options;
    this.#deps = { post, ...options, turns: new Turns(clock), lookups: new Lookups(limits.lookups, clock) };
    this.#subscription = log.entries$.subscribe(() => this.#wake());
    this.#subscription.add(log.replaced$.subscribe(() => this.#wake()));
    this.replace(settings);
  }

  /** One whose settings stay is not touched; one with others goes on from its position. */
  replace(settings: readonly WebhookSettings[]): WebhookChanges {
    const names = new Set(settings.map(({ name }) => name));
    const removed = [...this.#configured.keys()].filter((name) => !names.has(name));
    for (const name of removed) this.#close(name);
    const added = settings.filter(({ name }) => !this.#configured.has(name));
    const changed = settings.filter((each) => {
      const now = this.#configured.get(each.name)?.settings;
      return now !== undefined && JSON.stringify(now) !== JSON.stringify(each);
    });
    for (const each of changed) this.#change(each);
    for (const each of added) this.#open(each);
    return { added: added.map(({ name }) => name), removed, changed: changed.map(({ name }) => name) };
  }

  get counts(): WebhookCounts[] {
    return [...this.#configured].map(([name, { running, tally }]) => {
      const { results, deadLetters } = tally;
      const lagSeconds = running?.webhook.lagSeconds ?? 0;
      return { name, results, deadLetters, isPosting: running !== undefined, lagSeconds };
    });
  }

  /** Resolves when the positions are kept. */
  async close(): Promise<void> {
    this.#subscription.unsubscribe();
    for (const name of [...this.#configured.keys()]) this.#close(name);
    await Promise.all(this.#closing);
  }

  #open(settings: WebhookSettings): void {
    const { name } = settings;
    const tally: Tally = { results: { ok: 0, failed: 0, rejected: 0 }, deadLetters: 0 };
    const configured: Configured = { settings, tally, running: undefined };
    this.#configured.set(name, configured);
    const position = this.#options.positions.open(name, {
      held: (saved, save) => {
        const from = this.#begin(saved);
        save(from);
        this.#start(configured, from, save);
      },
      lost: () => this.#stop(configured),
    });
    this.#positions.set(name, position);
  }

  /** A new webhook begins with what comes from now on. */
  #begin(saved: Saved): Delivery {
    const { log } = this.#options;
    if (saved.kind === 'found') return deliveryFrom(saved.position, saved.gap);
    const head = { epoch: log.epoch, offset: log.head };
    return deliveryFrom(head, saved.kind === 'none' ? undefined : { from: null, reason: 'position' });
  }

  #start(configured: Configured, from: Delivery, save: (delivery: Delivery) => void): void {
    const { settings, tally } = configured;
    configured.running = { webhook: new Webhook(settings, this.#deps, from, tally, save), save };
  }

  #stop(configured: Configured): void {
    configured.running?.webhook.close();
    configured.running = undefined;
  }

  /** It goes on from its position. */
  #change(settings: WebhookSettings): void {
    const configured = this.#configured.get(settings.name);
    if (!configured) return;
    configured.settings = settings;
    const { running } = configured;
    if (!running) return;
    this.#stop(configured);
    const { position, gap } = running.webhook.delivery;
    this.#start(configured, deliveryFrom(position, gap), running.save);
  }

  #close(name: string): void {
    const [configured, position] = [this.#configured.get(name), this.#positions.get(name)];
    if (configured) this.#stop(configured);
    this.#configured.delete(name);
    this.#positions.delete(name);
    if (!position) return;
    const closed = position.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Once a turn, however many entries come in it. */
  #wake(): void {
    if (this.#isWaking || this.#configured.size === 0) return;
    this.#isWaking = true;
    this.#options.clock.soon(() => {
      this.#isWaking = false;
      for (const { running } of this.#configured.values()) running?.webhook.wake();
    });
  }
}
