// How clients are known: by what they present, each way by a policy of its own; and who they are where nothing is asked.
import { merge, type Observable, Subject } from 'rxjs';
import { CLOCK, type Clock } from '../clock.js';
import { type Answer, refuse } from '../protocol/answer.js';
import type {
  Access,
  AccessChange,
  Authentication,
  ClientCertificate,
  Credentials,
  Grants,
  Principal,
  Transport,
} from './access.js';
import { type CertificateEntry, CertificatePolicy } from './certificates.js';
import type { IssuerKeysOptions } from './issuer-keys.js';
import { isJwt, JwtPolicy, type JwtSettings } from './jwt.js';
import { ALL_GRANTS, NOBODY } from './none.js';
import { ProxyPolicy, type ProxySettings } from './proxy.js';
import { type TokenEntry, TokenPolicy } from './tokens.js';

/** What clients may be known by; all `undefined`: every TCP client is `anonymous`, and may do everything. */
export interface AccessSettings {
  readonly tokens?: readonly TokenEntry[] | undefined;
  readonly jwt?: JwtSettings | undefined;
  readonly certificates?: readonly CertificateEntry[] | undefined;
  readonly proxy?: ProxySettings | undefined;
}

export const asksWho = ({ tokens, jwt, certificates, proxy }: AccessSettings): boolean =>
  tokens !== undefined || jwt !== undefined || certificates !== undefined || proxy !== undefined;

export class AccessPolicy implements Access {
  readonly changes$: Observable<AccessChange>;
  readonly #own$ = new Subject<AccessChange>();
  #anonymous = anonymous();
  readonly #local: Principal = { name: 'local', grants: ALL_GRANTS, expiresAt: null };
  readonly #tokens: TokenPolicy;
  readonly #jwt: JwtPolicy;
  readonly #certificates: CertificatePolicy;
  readonly #proxy: ProxyPolicy;
  #settings: AccessSettings;

  constructor(settings: AccessSettings, clock: Clock = CLOCK, keys: Partial<IssuerKeysOptions> = {}) {
    this.#settings = settings;
    this.#tokens = new TokenPolicy(settings.tokens ?? [], clock);
    this.#jwt = new JwtPolicy(settings.jwt, clock, keys);
    this.#certificates = new CertificatePolicy(settings.certificates ?? [], clock);
    this.#proxy = new ProxyPolicy(settings.proxy ?? NO_PROXY, clock);
    const policies = [this.#tokens, this.#jwt, this.#certificates, this.#proxy];
    this.changes$ = merge(this.#own$, ...policies.map(({ changes$ }) => changes$));
  }

  authenticate(credentials: Credentials, transport: Transport): Authentication {
    const { token, certificate } = credentials;
    const { jwt, proxy } = this.#settings;
    if (token !== undefined && jwt && isJwt(token)) return this.#jwt.authenticate(token);
    if (token !== undefined && asksWho(this.#settings)) return this.#tokens.authenticate(credentials);
    if (proxy && transport.proxied) {
      const user = this.#proxy.authenticate(credentials);
      if (user) return user;
    }
    // A proxy's own certificate says nothing of its clients either.
    const subject = transport.proxied ? undefined : certificate && this.#certificates.authenticate(certificate);
    if (subject) return { ok: true, result: subject };
    // Of a proxy's clients its right to connect says nothing.
    if (transport.listener === 'unix' && !transport.proxied) return { ok: true, result: this.#local };
    if (!asksWho(this.#settings)) return { ok: true, result: this.#anonymous };
    return refuse('UNAUTHENTICATED', `credentials are needed: ${this.#ways().join(', or ')}`);
  }

  /** Whose JWT it is, where it comes without a connection; `undefined`: none is accepted. */
  verify(token: string): Promise<Answer<Principal>> | undefined {
    return this.#settings.jwt && this.#jwt.authenticate(token);
  }

  /** What is wrong with a source of credentials; who is known goes on. */
  get problem(): string | undefined {
    return this.#jwt.problem;
  }

  /** Other settings are in force at once, for who is connected too. */
  replace(settings: AccessSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#tokens.replace(settings.tokens ?? []);
    void this.#jwt.replace(settings.jwt);
    this.#certificates.replace(settings.certificates ?? []);
    this.#proxy.replace(settings.proxy ?? NO_PROXY);
    if (!asksWho(settings) || asksWho(before)) return;
    const principal = this.#anonymous;
    this.#anonymous = anonymous();
    // What it still waits for is not answered.
    principal.grants = NOBODY.grants;
    this.#own$.next({ kind: 'revoked', principal });
  }

  /** Certificates of connections that no authority which is trusted now has signed. */
  distrust(certificates: readonly ClientCertificate[]): void {
    this.#certificates.distrust(certificates);
  }

  #ways(): string[] {
    const { tokens, jwt, certificates, proxy } = this.#settings;
    return [
      ...(tokens || jwt ? ['a token (authenticate first, or Authorization: Bearer)'] : []),
      ...(certificates ? ['a client certificate that is known'] : []),
      ...(proxy ? ['a user named by the proxy'] : []),
    ];
  }
}

const anonymous = (): Principal & { grants: Grants } => ({ name: 'anonymous', grants: ALL_GRANTS, expiresAt: null });

/** Nobody has a group, so nobody is admitted. */
const NO_PROXY: ProxySettings = { userHeader: 'x-no-such-header', groupsHeader: undefined, groups: {} };
