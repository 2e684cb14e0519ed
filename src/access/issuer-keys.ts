// The keys of an issuer of JWTs, from its JWKS URL (RFC 7517). They are fetched again as they age and when a token names an unknown one; while the issuer is
// down the last good ones serve on, within a bound.
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { CLOCK, type Clock } from '../clock.js';

export interface IssuerKeysOptions {
  clock: Clock;
  fetch: (url: string, init: { signal: AbortSignal; redirect: 'error' }) => Promise<Response>;
  /** Milliseconds after which the keys are fetched again. */
  renewMs: number;
  /** Milliseconds that keys serve on while they can't be fetched. */
  keepMs: number;
  /** Milliseconds between two fetches at least: a client may send tokens of keys that there are not. */
  spacingMs: number;
  /** Milliseconds between two fetches while they fail, also where no token comes. */
  retryMs: number;
  /** Milliseconds for one fetch. */
  timeoutMs: number;
  /** Called when a fetch fails for a reason that the one before did not have, and with `undefined` when one succeeds after that. */
  changed: (problem: string | undefined) => void;
}

export const ISSUER_KEYS_DEFAULTS: IssuerKeysOptions = {
  clock: CLOCK,
  fetch: (url, init) => fetch(url, init),
  renewMs: 600_000,
  keepMs: 24 * 3_600_000,
  spacingMs: 1_000,
  retryMs: 30_000,
  timeoutMs: 5_000,
  changed: () => undefined,
};

/** The issuer's keys could not be fetched, and those that were fetched before are too old: no token can be verified now. */
export class KeysUnavailable extends errors.JOSEError {}

export class IssuerKeys {
  readonly url: string;
  readonly #options: IssuerKeysOptions;
  #keys: { resolve: JWTVerifyGetKey; fetchedAt: number } | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #pending: Promise<void> | undefined;
  #problem: string | undefined;
  #stopRetrying: (() => void) | undefined;
  #isClosed = false;

  constructor(url: string, options: Partial<IssuerKeysOptions> = {}) {
    this.url = url;
    this.#options = { ...ISSUER_KEYS_DEFAULTS, ...options };
  }

  /** Why the last fetch failed; `undefined`: it did not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** As jose asks for the key of a token. A token of a key that has just come is not refused: it waits for the next fetch. */
  readonly resolve: JWTVerifyGetKey = async (header, token) => {
    if (this.#age() > this.#options.keepMs) await this.#renew();
    else if (this.#age() > this.#options.renewMs) void this.#renew();
    try {
      return await this.#current()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#renew();
      if (this.#problem !== undefined) throw new KeysUnavailable(this.#problem);
      return this.#current()(header, token);
    }
  };

  /** Nothing is fetched any more. */
  close(): void {
    this.#isClosed = true;
    this.#stopRetrying?.();
  }

  #current(): JWTVerifyGetKey {
    if (!this.#keys || this.#age() > this.#options.keepMs)
      throw new KeysUnavailable('the keys of the issuer cannot be fetched');
    return this.#keys.resolve;
  }

  #age(): number {
    return this.#keys ? this.#options.clock.now() - this.#keys.fetchedAt : Number.POSITIVE_INFINITY;
  }

  /** One fetch for all who wait. Never rejects. */
  #renew(): Promise<void> {
    const { clock, spacingMs } = this.#options;
    const waitMs = Math.max(0, this.#triedAt + spacingMs - clock.now());
    this.#pending ??= new Promise<void>((resolve) => clock.after(waitMs, resolve))
      .then(() => this.#fetch())
      .finally(() => {
        this.#pending = undefined;
      });
    return this.#pending;
  }

  async #fetch(): Promise<void> {
    const { clock, fetch, timeoutMs } = this.#options;
    this.#triedAt = clock.now();
    try {
      const response = await fetch(this.url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
      if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
      this.#keys = { resolve: createLocalJWKSet((await response.json()) as JSONWebKeySet), fetchedAt: clock.now() };
      this.#note(undefined);
    } catch (error) {
      this.#note(reasonOf(error));
    }
  }

  #note(problem: string | undefined): void {
    if (this.#isClosed) return;
    const before = this.#problem;
    this.#problem = problem;
    if (problem === undefined) {
      this.#stopRetrying?.();
      this.#stopRetrying = undefined;
    } else {
      const { clock, retryMs } = this.#options;
      this.#stopRetrying ??= clock.every(retryMs, () => void this.#renew());
    }
    if (problem !== before) this.#options.changed(problem);
  }
}

/** `fetch` says of every connection that it failed; why is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
