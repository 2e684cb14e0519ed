// Clients that are known by their TLS certificate: its subject says which principal it is.
import { z } from 'zod';
import { CLOCK, type Clock } from '../clock.js';
import { compileGlobs } from '../protocol/glob.js';
import type { ClientCertificate, Grants, Principal } from './access.js';
import { IssuedPrincipals } from './issued.js';
import { compileScopes, SCOPES } from './scopes.js';

/** The first entry whose glob matches the subject counts. */
export const CERTIFICATES = z
  .array(
    SCOPES.extend({
      /** A glob of the subject: `CN=backup`, `CN=*,O=Example`. */
      subject: z.string().min(1).max(1_024),
      /** Of the principal; default the subject. */
      name: z
        .string()
        .regex(/^[\x21-\x7e]{1,128}$/, 'a name is 1 to 128 printable characters without spaces')
        .optional(),
    }),
  )
  .max(1_000);

export type CertificateEntry = z.infer<typeof CERTIFICATES>[number];

interface CompiledEntry extends CertificateEntry {
  matches: (subject: string) => boolean;
  grants: Grants;
}

export class CertificatePolicy {
  readonly #issued: IssuedPrincipals<ClientCertificate>;
  readonly #clock: Clock;
  #entries: readonly CompiledEntry[] = [];

  constructor(entries: readonly CertificateEntry[], clock: Clock = CLOCK) {
    this.#clock = clock;
    this.#issued = new IssuedPrincipals(clock);
    this.replace(entries);
  }

  get changes$(): IssuedPrincipals<unknown>['changes$'] {
    return this.#issued.changes$;
  }

  /** `undefined`: no entry matches, or it has ended since the connection began. */
  authenticate(certificate: ClientCertificate): Principal | undefined {
    const { subject, expiresAt, fingerprint } = certificate;
    const entry = this.#entryOf(subject);
    if (!entry || !(expiresAt > this.#clock.date())) return undefined;
    const name = entry.name ?? subject.slice(0, 128);
    const key = JSON.stringify([name, fingerprint]);
    const known = this.#issued.find(key);
    return known ?? this.#issued.issue(key, { name, grants: entry.grants, expiresAt, facts: certificate });
  }

  /** Other entries are in force at once, for who is connected too. */
  replace(entries: readonly CertificateEntry[]): void {
    this.#entries = entries.map((entry) => ({
      ...entry,
      matches: compileGlobs([folded(entry.subject)]),
      grants: compileScopes(entry),
    }));
    this.#issued.review(({ name, facts }) => {
      const entry = this.#entryOf(facts.subject);
      return entry && (entry.name ?? facts.subject.slice(0, 128)) === name ? entry.grants : undefined;
    });
  }

  /** No authority that is trusted now has signed these. */
  distrust(certificates: readonly ClientCertificate[]): void {
    const ended = new Set(certificates.map(({ fingerprint }) => fingerprint));
    this.#issued.review(({ facts, grants }) => (ended.has(facts.fingerprint) ? undefined : grants));
  }

  #entryOf(subject: string): CompiledEntry | undefined {
    const text = folded(subject);
    return this.#entries.find(({ matches }) => matches(text));
  }
}

/** An escaped comma as one character that is no comma: with `\\,` a star of a glob would take the backslash, and its comma would fit the rest. */
const folded = (subject: string): string =>
  subject.replace(/\\([\\,])/g, (_, char) => (char === ',' ? '\u0000' : '\u0001'));
