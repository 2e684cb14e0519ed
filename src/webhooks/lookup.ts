// Names become addresses, and only those that may be reached are connected to: the check is on what the socket uses, so a name that is answered
// differently the second time (DNS rebinding) gains nothing.
import { promises as dns, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../clock.js';
import { isPublic } from './address.js';

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

const system: Resolve = (host) => dns.lookup(host, { all: true, verbatim: true });

/** Milliseconds for which an answer is used again while every look-up that may run waits for its own: names that are not answered delay no other. */
const KEPT_MS = 3_600_000;
/** Names whose answers are kept. */
const MOST_NAMES = 1_024;

interface Found {
  all: readonly LookupAddress[];
  at: number;
}

/** Look-ups of the system, so many at once, and each name once at a time: one that is not answered occupies a thread that nobody can take back. */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #most: number;
  readonly #pending = new Map<string, Promise<readonly LookupAddress[]>>();
  readonly #waiting: (() => void)[] = [];
  readonly #clock: Clock;
  readonly #found = new Map<string, Found>();
  #running = 0;

  constructor(most: number, clock: Clock, resolve: Resolve = system) {
    this.#most = most;
    this.#clock = clock;
    this.#resolve = resolve;
  }

  /** For a socket. Where no address may be reached it gets an error in place of one. */
  of(allowPrivate: boolean): LookupFunction {
    return (host, options, done) => {
      this.#find(host).then(
        (all) => {
          const open = all.filter(({ address }) => allowPrivate || isPublic(address));
          const [first] = open;
          if (!first) done(new Error(PRIVATE), '');
          else if (options.all) done(null, open as LookupAddress[]);
          else done(null, first.address, first.family);
        },
        (error: Error) => done(error, ''),
      );
    };
  }

  async #find(host: string): Promise<readonly LookupAddress[]> {
    const kept = this.#running < this.#most ? undefined : this.#found.get(host);
    if (kept && this.#clock.now() - kept.at < KEPT_MS) return kept.all;
    const known = this.#pending.get(host);
    if (known) return known;
    const found = this.#run(host).finally(() => this.#pending.delete(host));
    this.#pending.set(host, found);
    return found;
  }

  async #run(host: string): Promise<readonly LookupAddress[]> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      const all = await this.#resolve(host);
      this.#found.delete(host);
      this.#found.set(host, { all, at: this.#clock.now() });
      const [oldest = ''] = this.#found.keys();
      if (this.#found.size > MOST_NAMES) this.#found.delete(oldest);
      return all;
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

export const PRIVATE = 'no public address: allowPrivate permits it';
