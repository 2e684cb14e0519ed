// Names become addresses, and only those that may be reached are connected to: the check is on what the socket uses, so a name that is answered
// differently the second time (DNS rebinding) gains nothing.
import { promises as dns, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isPublic } from './address.js';

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

const system: Resolve = (host) => dns.lookup(host, { all: true, verbatim: true });

/** Look-ups of the system, so many at once, and each name once at a time: one that is not answered occupies a thread that nobody can take back. */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #most: number;
  readonly #pending = new Map<string, Promise<readonly LookupAddress[]>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number, resolve: Resolve = system) {
    this.#most = most;
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

  #find(host: string): Promise<readonly LookupAddress[]> {
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
      return await this.#resolve(host);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

export const PRIVATE = 'no public address: allowPrivate permits it';
