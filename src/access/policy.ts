// How clients are known: by what they present, each way by a policy of its own; and who they are where nothing is asked.
import { merge, type Observable, Subject } from 'rxjs';
import { CLOCK, type Clock } from '../clock.js';
import { refuse } from '../protocol/answer.js';
import type { Access, AccessChange, Authentication, Credentials, Principal, Transport } from './access.js';
import { type CertificateEntry, CertificatePolicy } from './certificates.js';
import { ALL_GRANTS } from './none.js';
import { ProxyPolicy, type ProxySettings } from './proxy.js';
import { type TokenEntry, TokenPolicy } from './tokens.js';

/** What clients may be known by; all `undefined`: every TCP client is `anonymous`, and may do everything. */
export interface AccessSettings {
  readonly tokens?: readonly TokenEntry[] | undefined;
  readonly certificates?: readonly CertificateEntry[] | undefined;
  readonly proxy?: ProxySettings | undefined;
  /** Whether proxies connect to unix listeners: then to be able to connect says nothing of who one is. */
  readonly proxyOnUnix: boolean;
}

export const asksWho = ({ tokens, certificates, proxy }: AccessSettings): boolean =>
  tokens !== undefined || certificates !== undefined || proxy !== undefined;

export class AccessPolicy implements Access {
  readonly changes$: Observable<AccessChange>;
  readonly #own$ = new Subject<AccessChange>();
  readonly #anonymous: Principal = { name: 'anonymous', grants: ALL_GRANTS, expiresAt: null };
  readonly #local: Principal = { name: 'local', grants: ALL_GRANTS, expiresAt: null };
  readonly #tokens: TokenPolicy;
  readonly #certificates: CertificatePolicy;
  readonly #proxy: ProxyPolicy;
  #settings: AccessSettings;

  constructor(settings: AccessSettings, clock: Clock = CLOCK) {
    this.#settings = settings;
    this.#tokens = new TokenPolicy(settings.tokens ?? [], clock);
    this.#certificates = new CertificatePolicy(settings.certificates ?? [], clock);
    this.#proxy = new ProxyPolicy(settings.proxy ?? NO_PROXY, clock);
    this.changes$ = merge(this.#own$, this.#tokens.changes$, this.#certificates.changes$, this.#proxy.changes$);
  }

  authenticate(credentials: Credentials, transport: Transport): Authentication {
    const { token, certificate } = credentials;
    const { proxy, proxyOnUnix } = this.#settings;
    if (token !== undefined && asksWho(this.#settings)) return this.#tokens.authenticate(credentials);
    if (proxy && transport.proxied) {
      const user = this.#proxy.authenticate(credentials);
      if (user) return user;
    }
    const subject = certificate && this.#certificates.authenticate(certificate);
    if (subject) return { ok: true, result: subject };
    if (transport.listener === 'unix' && !proxyOnUnix) return { ok: true, result: this.#local };
    if (!asksWho(this.#settings)) return { ok: true, result: this.#anonymous };
    return refuse('UNAUTHENTICATED', `credentials are needed: ${this.#ways().join(', or ')}`);
  }

  /** Other settings are in force at once, for who is connected too. */
  replace(settings: AccessSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#tokens.replace(settings.tokens ?? []);
    this.#certificates.replace(settings.certificates ?? []);
    this.#proxy.replace(settings.proxy ?? NO_PROXY);
    if (asksWho(settings) && !asksWho(before)) this.#own$.next({ kind: 'revoked', principal: this.#anonymous });
    if (settings.proxyOnUnix && !before.proxyOnUnix) this.#own$.next({ kind: 'revoked', principal: this.#local });
  }

  #ways(): string[] {
    const { tokens, certificates, proxy } = this.#settings;
    return [
      ...(tokens ? ['a token (authenticate first, or Authorization: Bearer)'] : []),
      ...(certificates ? ['a client certificate that is known'] : []),
      ...(proxy ? ['a user named by the proxy'] : []),
    ];
  }
}

/** Nobody has a group, so nobody is admitted. */
const NO_PROXY: ProxySettings = { userHeader: 'x-no-such-header', groupsHeader: undefined, groups: {} };
