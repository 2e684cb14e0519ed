// The positions of webhooks in a cluster: of the members that have a webhook in their settings, the one that has its lock posts it.
import type { Clock } from './clock.js';
import { HeldValue } from './cluster/index.js';
import type { WebhookBuckets } from './nats/index.js';
import { type Positions, readSaved, toSaved } from './webhooks/index.js';

export interface SharedPositionsOptions {
  member: string;
  /** Opens the buckets, and makes them where there are none and that is allowed. */
  buckets: () => Promise<WebhookBuckets>;
  clock: Clock;
  ttlMs: number;
  letGoMs: number;
  retryMs: number;
  /** Milliseconds between two writes of a position. */
  saveMs: number;
  logger: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

export class SharedPositions implements Positions {
  readonly #options: SharedPositionsOptions;
  #opened: Promise<WebhookBuckets> | undefined;
  #hasFailed = false;

  constructor(options: SharedPositionsOptions) {
    this.#options = options;
  }

  open(name: string, listener: Parameters<Positions['open']>[1]): ReturnType<Positions['open']> {
    const { clock, ttlMs, logger } = this.#options;
    let value: HeldValue | undefined;
    let stop = (): void => undefined;
    let isClosed = false;
    const tryOpen = async (): Promise<void> => {
      try {
        const { locks, positions: values } = await this.#buckets();
        if (!isClosed) value = new HeldValue({ ...this.#options, name, locks, values }, held);
      } catch {
        if (!isClosed) stop = clock.after(ttlMs, () => void tryOpen());
      }
    };
    const held: ConstructorParameters<typeof HeldValue>[1] = {
      held: (found) => {
        const saved = found === undefined ? ({ kind: 'none' } as const) : readSaved(found);
        if (saved.kind === 'unreadable') logger.warn({ webhook: name }, 'the position of a webhook cannot be read');
        logger.info({ webhook: name }, 'this member posts the webhook');
        listener.held(saved, (delivery) => value?.save(toSaved(delivery)));
      },
      lost: () => {
        logger.warn({ webhook: name }, 'another member posts the webhook, or may');
        listener.lost();
      },
      failing: (err) => logger.warn({ webhook: name, err }, 'the position of a webhook is not saved'),
    };
    void tryOpen();
    return {
      close: async () => {
        isClosed = true;
        stop();
        await value?.close();
      },
    };
  }

  /** Opened once for all webhooks; what has failed is tried again by the next call. */
  #buckets(): Promise<WebhookBuckets> {
    this.#opened ??= this.#options.buckets().catch((err: unknown) => {
      this.#opened = undefined;
      if (!this.#hasFailed) this.#options.logger.warn({ err }, 'the buckets of webhooks can not be opened yet');
      this.#hasFailed = true;
      throw err;
    });
    return this.#opened;
  }
}
