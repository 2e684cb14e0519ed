// What the gateway serves: a log, the state that clients see of it, and commands. Of one process, or of a cluster.
import type { Observable, Subscription } from 'rxjs';
import type { CommandPort, ViewPort } from './gateway/index.js';
import type { Jobs, SettledJob, SharedCommands } from './jobs/index.js';
import type { EventReader } from './log/index.js';
import type { ClusterReaders } from './metrics/index.js';
import type { SourceProvider } from './sources/index.js';
import type { Positions, WebhookCounts } from './webhooks/index.js';

/** Where clients are served, how many there are, and the webhooks of this gateway's settings. */
export interface Served {
  connections: number;
  url: string;
  webhooks: readonly Pick<WebhookCounts, 'name' | 'isPosting' | 'lagSeconds'>[];
}

export interface Core {
  log: EventReader;
  /** Resolves when the log can take no more entries. */
  failed: Promise<Error>;
  commands: CommandPort;
  view: ViewPort;
  /** Counts of a member of a cluster. */
  cluster?: ClusterReaders;
  /** Of a cluster's webhooks. @param saveMs milliseconds between two writes of a position. */
  positions?: ((saveMs: number) => Positions) | undefined;
  /** Commands of other tools, over the connections to sources. */
  shared: Pick<SharedCommands, 'begin'>;
  /** Settlements that were known before. */
  restored(): SettledJob[];
  startOf: Jobs['startOf'];
  /** Every settlement, once the log shows it. */
  ended$: Observable<SettledJob>;
  /** Adds and removes sources as the provider says. */
  follow(provider: SourceProvider): Subscription;
  /** To be called once it listens. */
  serving(read: () => Served): void;
  /** Whether what it needs can't be reached, so that it does not do all of its work. */
  isUnwell(): boolean;
  /** The gateway is closing: every caller is answered, and sources are handed over where another process may have them. */
  conclude(): void;
  close(): Promise<void>;
}
