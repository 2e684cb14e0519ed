// Users whom a trusted proxy has identified (oauth2-proxy, Authelia): it says in headers who its client is and of which groups.
import { z } from 'zod';
import { CLOCK, type Clock } from '../clock.js';
import { type Answer, refuse } from '../protocol/answer.js';
import type { Credentials, Grants, Principal } from './access.js';
import { IssuedPrincipals } from './issued.js';
import { compileScopes, SCOPES, type Scopes } from './scopes.js';

/** What each group grants; `*` is every user. A user has the sum of them. */
export const PROXY_GROUPS = z.record(z.string().min(1).max(256), SCOPES);

export interface ProxySettings {
  /** Names of headers. */
  readonly userHeader: string;
  readonly groupsHeader: string | undefined;
  readonly groups: Readonly<Record<string, Scopes>>;
}

/** The proxy may know by now that the user has left: its clients are identified again within an hour. */
const LIFETIME_MS = 3_600_000;
/** Clients of one user that come within so many milliseconds are one principal. */
const SHARED_MS = 600_000;

const USER = /^[\x21-\x7e]{1,128}$/;
const MAX_GROUPS = 256;

export class ProxyPolicy {
  readonly #issued: IssuedPrincipals<readonly string[]>;
  readonly #clock: Clock;
  #settings: ProxySettings;

  constructor(settings: ProxySettings, clock: Clock = CLOCK) {
    this.#settings = settings;
    this.#clock = clock;
    this.#issued = new IssuedPrincipals(clock);
  }

  get changes$(): IssuedPrincipals<unknown>['changes$'] {
    return this.#issued.changes$;
  }

  /** `undefined`: the proxy names no user. */
  authenticate({ headers = [] }: Credentials): Answer<Principal> | undefined {
    const user = readOnce(headers, this.#settings.userHeader);
    if (!user.ok) return user;
    const listed = this.#settings.groupsHeader === undefined ? NONE : readOnce(headers, this.#settings.groupsHeader);
    if (!listed.ok) return listed;
    if (user.result === undefined) return undefined;
    if (!USER.test(user.result))
      return refuse(
        'FORBIDDEN',
        `${this.#settings.userHeader}: a user is 1 to 128 printable characters without spaces`,
      );
    const groups = [...new Set((listed.result ?? '').split(',').map((group) => group.trim()))].sort();
    if (groups.length > MAX_GROUPS) return refuse('FORBIDDEN', `at most ${MAX_GROUPS} groups`);
    return this.#identify(user.result, groups);
  }

  /** Other groups are in force at once, for who is connected too. */
  replace(settings: ProxySettings): void {
    this.#settings = settings;
    this.#issued.review(({ facts }) => this.#grantsOf(facts));
  }

  #identify(name: string, groups: readonly string[]): Answer<Principal> {
    const share = Math.floor(this.#clock.date() / SHARED_MS) * SHARED_MS;
    const key = JSON.stringify([share, name, groups]);
    const known = this.#issued.find(key);
    if (known) return { ok: true, result: known };
    const grants = this.#grantsOf(groups);
    if (!grants) return refuse('FORBIDDEN', `no group of ${name} is granted anything`);
    return {
      ok: true,
      result: this.#issued.issue(key, { name, grants, expiresAt: share + LIFETIME_MS, facts: groups }),
    };
  }

  #grantsOf(groups: readonly string[]): Grants | undefined {
    const mapped = Object.entries(this.#settings.groups).filter(([group]) => group === '*' || groups.includes(group));
    if (mapped.length === 0) return undefined;
    return compileScopes({
      read: mapped.flatMap(([, { read }]) => read),
      control: mapped.flatMap(([, { control }]) => control),
      metrics: mapped.some(([, { metrics }]) => metrics),
    });
  }
}

const NONE = { ok: true, result: undefined } as const;

/**
 * A header of the client's own that the proxy did not remove stands beside the proxy's, or is spelt with `_`, which some servers take for `-`. Neither can be told
 * from the proxy's, so the request is refused.
 */
function readOnce(headers: readonly string[], name: string): Answer<string | undefined> {
  const asked = name.toLowerCase();
  const found: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const given = (headers[at] ?? '').toLowerCase();
    if (given.replaceAll('_', '-') !== asked.replaceAll('_', '-')) continue;
    if (given !== asked) return refuse('FORBIDDEN', `the header ${name} is spelt otherwise`);
    found.push(headers[at + 1] ?? '');
  }
  if (found.length > 1) return refuse('FORBIDDEN', `the header ${name} is given twice`);
  const [value] = found;
  return { ok: true, result: value === '' ? undefined : value };
}
