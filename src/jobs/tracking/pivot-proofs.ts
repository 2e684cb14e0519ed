// Who needs the block graph of one source: runs that begin or become ready, for their baseline, and runs that have ended, for the proof of a
// pivot. One query serves all that asked before it was written; what asks meanwhile gets the next.
import type { Clock } from '../../clock.js';
import type { GraphReply, JobSource } from '../../sources/index.js';
import { GraphIndex } from '../model/graph-index.js';
import type { JobInput } from '../model/input.js';
import { mayPivot } from '../model/outcome.js';
import type { Run } from '../model/run.js';

export interface ProofsOptions {
  clock: Clock;
  /** Milliseconds from a run's end until it is settled without a proof. */
  proofMs: number;
  runs: ReadonlyMap<string, Run>;
  limited: (limit: 'graph_edges') => void;
  /** Applies an input to one run. */
  apply: (id: string, input: Extract<JobInput, { kind: 'graph' | 'unproven' }>) => void;
}

export class PivotProofs {
  readonly #options: ProofsOptions;
  readonly #source: JobSource;
  /** Identifies the present connection; `undefined`: there is none. */
  #connection: object | undefined;
  /** Runs that want the graph, by job id. */
  #wanted = new Map<string, string>();
  /** Number of graph queries that are not answered yet. */
  #asking = 0;
  #isMissing = false;
  /** Runs that have ended and await their proof, by job id. */
  readonly #ended = new Map<string, { run: string; stop: () => void; nodes: readonly string[] }>();
  /** The same by the nodes of their jobs. */
  readonly #endedOn = new Map<string, Set<string>>();

  constructor(source: JobSource, options: ProofsOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Whether this QEMU has the query, as far as is known. */
  get isPossible(): boolean {
    return this.#connection !== undefined && !this.#isMissing && this.#source.can('graph');
  }

  /** The source is connected. */
  attach(): void {
    this.#connection = {};
    this.#isMissing = false;
  }

  /** The connection is lost. Runs that awaited a proof have settled without it. */
  detach(): void {
    this.#connection = undefined;
    this.#asking = 0;
    this.#wanted.clear();
    for (const id of [...this.#ended.keys()]) this.forget(id);
  }

  want({ id, run, end, baseline }: Run): void {
    if (!this.isPossible) return;
    this.#wanted.set(id, run);
    if (end && this.#ended.get(id)?.run !== run) {
      this.forget(id);
      const nodes = baseline ? [baseline.source, baseline.target] : [];
      const { clock, proofMs } = this.#options;
      this.#ended.set(id, { run, nodes, stop: clock.after(proofMs, () => this.#giveUp(id, run)) });
      for (const node of nodes) {
        const ids = this.#endedOn.get(node) ?? new Set();
        this.#endedOn.set(node, ids.add(id));
      }
    }
    if (this.#asking === 0) this.#ask('query');
  }

  /**
   * The next command may lead to a pivot: the users of the disk are queried right before it. A query that is under way would not do, as QEMU may
   * answer it when the job has ended.
   */
  wantFirst({ id, run }: Run): void {
    if (!this.isPossible) return;
    this.#wanted.set(id, run);
    this.#ask('verb');
  }

  /** The run of that id has settled or is gone. */
  forget(id: string): void {
    const ended = this.#ended.get(id);
    if (!ended) return;
    ended.stop();
    this.#ended.delete(id);
    for (const node of ended.nodes) {
      const ids = this.#endedOn.get(node);
      ids?.delete(id);
      if (ids?.size === 0) this.#endedOn.delete(node);
    }
  }

  /** Settles runs that await their proof without it, where `which` accepts them. */
  conclude(which: (run: Run) => boolean = () => true, ids: Iterable<string> = this.#ended.keys()): void {
    for (const id of [...ids]) {
      const run = this.#ended.get(id)?.run;
      const awaiting = this.#options.runs.get(id);
      if (run !== undefined && awaiting?.run === run && which(awaiting)) this.#giveUp(id, run);
    }
  }

  /**
   * A run has ended that may have moved the users of its disk. Earlier runs on the same nodes that still await their proof settle without it, since
   * the graph from now on may show this run's end instead of theirs. Without a baseline the nodes are unknown, so all of them do.
   */
  concludeMovedBy(mover: Run): void {
    if (!mayPivot(mover)) return;
    const { run, baseline } = mover;
    const near = baseline && [baseline.source, baseline.target].flatMap((node) => [...(this.#endedOn.get(node) ?? [])]);
    this.conclude((other) => other.run !== run, near);
  }

  #ask(lane: 'verb' | 'query'): void {
    const connection = this.#connection;
    if (!connection || this.#wanted.size === 0) return;
    const asked = this.#wanted;
    this.#wanted = new Map();
    this.#asking += 1;
    this.#source.readGraph(lane, (reply) => {
      // The reply belongs to an earlier connection.
      if (this.#connection !== connection) return;
      this.#asking -= 1;
      this.#answer(asked, reply);
      if (this.#asking === 0) this.#ask('query');
    });
  }

  #answer(asked: ReadonlyMap<string, string>, reply: GraphReply): void {
    if (reply.kind === 'unsupported') this.#isMissing = true;
    const graph = reply.kind === 'graph' ? new GraphIndex(reply.graph) : undefined;
    for (const [id, run] of asked) {
      // A new run of the id did not request this reply, which may be older than the run.
      const asking = this.#options.runs.get(id);
      if (asking?.run !== run) continue;
      if (graph) this.#options.apply(id, { kind: 'graph', graph });
      else if (asking.end) this.#options.apply(id, { kind: 'unproven' });
    }
    if (graph?.isTooLarge) this.#options.limited('graph_edges');
  }

  #giveUp(id: string, run: string): void {
    this.forget(id);
    const awaiting = this.#options.runs.get(id);
    if (awaiting?.run === run && awaiting.end) this.#options.apply(id, { kind: 'unproven' });
  }
}
