// How a domain is read: by QEMU's own queries, relayed by libvirt, which taints the domain; or by what libvirt itself tells.
import { formatVersion, type QmpEvent } from '../../qmp/index.js';
import type { GraphReply, QueriedEvents, QueriedJob } from '../port.js';
import type { JobQueries } from '../qmp/job-sync.js';
import { Queries } from '../qmp/queries.js';
import type { CallLane } from './budget.js';
import type { RelayedMonitor } from './relayed-monitor.js';

/** What the reader of a domain calls. */
export interface ReaderHooks {
  /** Before a query is written. */
  asked: () => void;
  /** To be called at the place of the jobs in libvirtd's order: that of the reply that shows them. */
  merge: (jobs: QueriedJob[], events: QueriedEvents) => void;
  /** Runs it behind what libvirtd has sent until now. */
  inOrder: (action: () => void) => void;
  stalled: (is: boolean) => void;
}

export interface DomainReader {
  readonly queries: JobQueries;
  readonly hasGraph: boolean;
  /** Whether QEMU has that command, as far as is known. */
  has(command: string): boolean;
  /** QEMU's version; `undefined`: there was no answer in time. */
  version(): Promise<string | undefined>;
  readGraph(lane: 'verb' | 'query', reply: (graph: GraphReply) => void): void;
  /** Each event of QEMU as it comes, before it is passed on. */
  hear(event: QmpEvent): void;
}

/** One call at a time is written to a domain, so the users of the disk are read before the command only if their call goes before it. */
export const laneOf = (lane: 'verb' | 'query'): CallLane => (lane === 'verb' ? 'abort' : 'query');

const GRAPH_QUERY = 'x-debug-query-block-graph';

export class MonitorReader implements DomainReader {
  readonly queries: Queries;
  readonly #monitor: RelayedMonitor;
  readonly #timeoutMs: number;
  #lacksGraph = false;

  constructor(monitor: RelayedMonitor, timeoutMs: number, hooks: ReaderHooks) {
    this.#monitor = monitor;
    this.#timeoutMs = timeoutMs;
    const { asked, merge, stalled } = hooks;
    this.queries = new Queries(monitor, { timeoutMs, asked, merge, stalled });
  }

  get hasGraph(): boolean {
    return !this.#lacksGraph && this.has(GRAPH_QUERY);
  }

  has(command: string): boolean {
    return this.queries.has(command);
  }

  async version(): Promise<string | undefined> {
    const reply = await this.#monitor.execute('query-version', {}, { timeoutMs: this.#timeoutMs });
    if (reply.kind === 'timeout') return undefined;
    return reply.kind === 'return' ? formatVersion(reply.value) : 'unknown';
  }

  readGraph(lane: 'verb' | 'query', reply: (graph: GraphReply) => void): void {
    this.#monitor.request(
      GRAPH_QUERY,
      {},
      (answer) => {
        if (answer.kind === 'return') return reply({ kind: 'graph', graph: answer.value });
        const isMissing = answer.kind === 'error' && answer.class === 'CommandNotFound';
        if (isMissing) this.#lacksGraph = true;
        reply({ kind: isMissing ? 'unsupported' : 'none' });
      },
      { lane: laneOf(lane) },
    );
  }

  hear(): void {}
}
