// Who may see and do what. A policy says who a client is and what it is granted; the gateway asks it, and holds every answer to it.
import type { Observable } from 'rxjs';
import type { Answer } from '../protocol/answer.js';
import type { JobVerb } from '../protocol/types.js';

/** What somebody may see and do. Both answers depend on `id` and the arguments alone: where they change, the id changes too. */
export interface Grants {
  /** Equal ids grant the same; it becomes part of a subscription's id. Empty: everything is granted. */
  readonly id: string;
  /** As `authenticate` lists them, for people. */
  readonly scopes: readonly string[];
  /** Whether `/metrics` may be read. */
  readonly metrics: boolean;
  /**
   * Whether the source, or the job, may be known at all. A job of a source that is not seen is never asked for. An event that could not be
   * attributed to a job counts as one of its source.
   */
  sees(source: string, job?: string): boolean;
  /** Whether the verb may be used on a job that is seen. */
  may(verb: JobVerb, source: string, job: string): boolean;
}

/** One identity. The policy keeps one object for all its connections, and may give it other grants: see {@link Access.changes$}. */
export interface Principal {
  /** As GATEWAY_COMMAND and `requestedBy` name it. */
  readonly name: string;
  /** In force now. */
  readonly grants: Grants;
  /** When its credentials end, in milliseconds since 1970; its connections are closed then. `null`: they do not end by themselves. */
  readonly expiresAt: number | null;
}

/** What a client shows. */
export interface Credentials {
  /** Of the method `authenticate`, or of `Authorization: Bearer`. */
  readonly token?: string | undefined;
}

/** How a client is connected. */
export interface Transport {
  readonly kind: 'websocket' | 'post' | 'http';
  /** Of the peer, as its socket says; `undefined`: a unix socket, or a peer that has gone. */
  readonly address: string | undefined;
}

/** `grants`: the principal has others now. `revoked`: its connections are to be closed. */
export interface AccessChange {
  readonly kind: 'grants' | 'revoked';
  readonly principal: Principal;
}

/** A policy. */
export interface Access {
  /** Asked for each upgrade, each POST, each `authenticate`, and each look at `/metrics`. Answers at once, and never throws. */
  authenticate(credentials: Credentials, transport: Transport): Answer<Principal>;
  /** Emits in the turn of the loop in which the principal changes. */
  readonly changes$: Observable<AccessChange>;
}
