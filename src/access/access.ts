// Who may see and do what. A policy identifies each client and says what it is granted; the gateway enforces it.
import type { Observable } from 'rxjs';
import type { Answer } from '../protocol/answer.js';
import type { JobVerb } from '../protocol/types.js';

/** What a principal may see and do. The answers depend only on `id` and the arguments: if an answer changes, the id changes too. */
export interface Grants {
  /** Grants with equal ids allow the same; the id becomes part of a subscription's id. The empty id allows everything. */
  readonly id: string;
  /** For people, as `authenticate` lists them. */
  readonly scopes: readonly string[];
  /** Whether `/metrics` may be read. */
  readonly metrics: boolean;
  /**
   * Whether the source, or the job, may be known at all. A job is checked only on a source that is seen. An event that could not be attributed to a
   * job counts as one of its source.
   */
  sees(source: string, job?: string): boolean;
  /** Whether the verb may be used on a job that is seen. */
  may(verb: JobVerb, source: string, job: string): boolean;
}

/** One identity. The policy keeps one object for all of its connections, and may change its grants: see {@link Access.changes$}. */
export interface Principal {
  /** As GATEWAY_COMMAND and `requestedBy` name it. */
  readonly name: string;
  /** The grants in force. */
  readonly grants: Grants;
  /** When its credentials end, in milliseconds since 1970; its connections are closed then. `null`: they do not end by themselves. */
  readonly expiresAt: number | null;
  /** By which another gateway can verify it: its JWT. It is a secret: for no log, and for nobody but an owner of a cluster. */
  readonly proof?: string;
}

/** What a client presents. */
export interface Credentials {
  /** Of the method `authenticate`, or of `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** The request's header lines, names and values in turn, as they came; a policy reads them only of a trusted proxy. */
  readonly headers?: readonly string[] | undefined;
  /** The client's certificate, if TLS has verified it. */
  readonly certificate?: ClientCertificate | undefined;
}

export interface ClientCertificate {
  /** The distinguished name, as `CN=backup,O=Example`: the attributes in the certificate's order. */
  readonly subject: string;
  /** Milliseconds since 1970 at which it ends. */
  readonly expiresAt: number;
  /** Its SHA-256: two authorities may sign one subject. */
  readonly fingerprint: string;
}

/** How a client is connected. */
export interface Transport {
  readonly kind: 'websocket' | 'post' | 'http';
  /** Who can connect to a unix listener is decided by the mode of its socket file. */
  readonly listener: 'tcp' | 'unix';
  /** Whether the peer is a proxy that the operator trusts to say who its clients are. */
  readonly proxied: boolean;
  /** Of the client: as its socket says, or as a trusted proxy does. `undefined`: a unix socket, or a peer that has gone. */
  readonly address: string | undefined;
}

/** At once where nothing has to be verified in another thread or fetched. */
export type Authentication = Answer<Principal> | Promise<Answer<Principal>>;

/** `grants`: the principal's grants have changed. `revoked`: its connections are to be closed. */
export interface AccessChange {
  readonly kind: 'grants' | 'revoked';
  readonly principal: Principal;
}

/** A policy. */
export interface Access {
  /**
   * Asked for each upgrade, each POST, each `authenticate`, and each look at `/metrics`. Never throws or rejects. UNAUTHENTICATED: a WebSocket client
   * without a token may still send one by `authenticate`. Any other refusal is final.
   */
  authenticate(credentials: Credentials, transport: Transport): Authentication;
  /** Emits in the event-loop turn in which the principal changes. */
  readonly changes$: Observable<AccessChange>;
}

/** Calls `next` in this turn where the answer is known already. */
export function afterAuthentication(authentication: Authentication, next: (answer: Answer<Principal>) => void): void {
  if (authentication instanceof Promise) void authentication.then(next);
  else next(authentication);
}
