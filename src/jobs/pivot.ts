// Whether a mirror or an active commit switched the disk to its copy, proven by the block graph. QEMU's events are the same for a completed job and
// for one that a soft cancel finished, and even a failed job can have pivoted; but who uses which node says where the disk is. Pure.
import type { Pivoted } from '../protocol/types.js';
import type { BlockGraph } from '../qmp/index.js';

/**
 * What used what while the job lived. A parent is known by its type, its name and the name of its edge; node ids are of one reply only, and
 * a backend without a name (an export's) is known by counting alone.
 */
export interface Baseline {
  readonly source: string;
  readonly target: string;
  /** The node that each named edge ended at; the job's filter counts as the source. */
  readonly edges: ReadonlyMap<string, string>;
  readonly sourceUsers: Users;
  readonly targetUsers: Users;
  /** Whether the same number of backends without a name means the same backends. */
  readonly countable: boolean;
}

export interface Users {
  readonly named: ReadonlySet<string>;
  readonly nameless: number;
}

/**
 * `never`: the graph shows a job that does not pivot (an intermediate commit, a stream, a backup). `undefined`: it does not show the job, or
 * shows it without nodes: it has ended.
 */
export function readBaseline(graph: BlockGraph, job: string): Baseline | 'never' | undefined {
  const index = new GraphIndex(graph);
  const node = graph.nodes.find(({ type, name }) => type === 'block-job' && name === job);
  if (!node) return undefined;
  const children = new Map<string, number>();
  for (const { parent, child, name } of graph.edges) if (parent === node.id) children.set(name, child);
  const source = index.nameOf(children.get('source'));
  const target = index.nameOf(children.get('target'));
  const filter = children.get('main node');
  if (filter === undefined) return undefined;
  if (source === undefined || target === undefined) return 'never';
  const targetUsers = index.usersOf(target);
  return {
    source,
    target,
    edges: index.namedEdges(),
    sourceUsers: index.usersOf(source),
    // The job's own backend writes to the target, and goes with the job.
    targetUsers: { ...targetUsers, nameless: Math.max(0, targetUsers.nameless - 1) },
    countable: true,
  };
}

/**
 * Compares the graph after the end with the baseline.
 *
 * - `true`: an edge that ended elsewhere now ends at the target. With `replaces` that is not an edge of the source's.
 * - `false`: all that used the source use it still, and the target has no user that it lacked.
 * - `unknown`: anything else: nothing uses the disk, the copy has a new user, the users are gone.
 *
 * A node that is gone is no doubt: whoever completes or cancels often deletes the loser at once.
 */
export function judgePivot(baseline: Baseline, graph: BlockGraph): Pivoted {
  const index = new GraphIndex(graph);
  const { source, target, edges, sourceUsers, targetUsers, countable } = baseline;
  for (const [key, child] of index.namedEdges()) {
    const before = edges.get(key);
    if (child === target && before !== undefined && before !== target) return true;
  }
  const onSource = index.usersOf(source);
  const onTarget = index.usersOf(target);
  const stayed = [...sourceUsers.named].every((key) => onSource.named.has(key));
  const isUsed = sourceUsers.named.size + sourceUsers.nameless > 0;
  const nothingNew =
    onTarget.nameless <= targetUsers.nameless && [...onTarget.named].every((key) => targetUsers.named.has(key));
  const certain = countable || sourceUsers.nameless === 0;
  if (certain && isUsed && stayed && onSource.nameless === sourceUsers.nameless && nothingNew) return false;
  const allMoved =
    countable &&
    sourceUsers.named.size === 0 &&
    sourceUsers.nameless > 0 &&
    onSource.nameless === 0 &&
    onTarget.nameless === targetUsers.nameless + sourceUsers.nameless;
  return allMoved ? true : 'unknown';
}

/** Whether a job on the nodes of the one may have moved the users of the other. */
export function sharesNodes(one: Baseline, other: Baseline): boolean {
  return [one.source, one.target].some((node) => node === other.source || node === other.target);
}

class GraphIndex {
  readonly #names = new Map<number, string>();
  readonly #types = new Map<number, string>();
  readonly #parents = new Map<number, { parent: number; name: string }[]>();
  readonly #ids = new Map<string, number>();
  /** Filters of running jobs, each with the node below it: whoever uses the filter uses that node. */
  readonly #filters = new Map<number, number>();
  readonly #edges: BlockGraph['edges'];

  constructor({ nodes, edges }: BlockGraph) {
    this.#edges = edges;
    for (const { id, type, name } of nodes) {
      this.#names.set(id, name);
      this.#types.set(id, type);
      if (type === 'block-driver') this.#ids.set(name, id);
    }
    const jobs = new Map<number, Map<string, number>>();
    for (const { parent, child, name } of edges) {
      const parents = this.#parents.get(child);
      if (parents) parents.push({ parent, name });
      else this.#parents.set(child, [{ parent, name }]);
      if (this.#types.get(parent) !== 'block-job') continue;
      const children = jobs.get(parent) ?? new Map<string, number>();
      jobs.set(parent, children.set(name, child));
    }
    for (const children of jobs.values()) {
      const filter = children.get('main node');
      // A backup has no edge to its source; its filter has.
      const source = children.get('source') ?? (children.has('target') ? this.#fileOf(filter) : undefined);
      if (filter !== undefined && source !== undefined && filter !== source) this.#filters.set(filter, source);
    }
  }

  nameOf(id: number | undefined): string | undefined {
    return id === undefined ? undefined : this.#names.get(id);
  }

  /** Parents of a node, and of the filters over it, without jobs and filters themselves. */
  usersOf(node: string): Users {
    const named = new Set<string>();
    let nameless = 0;
    const seen = new Set<number>();
    const visit = (id: number): void => {
      if (seen.has(id)) return;
      seen.add(id);
      for (const { parent, name } of this.#parents.get(id) ?? []) {
        if (this.#types.get(parent) === 'block-job') continue;
        if (this.#filters.get(parent) === id) visit(parent);
        else if (this.#names.get(parent)) named.add(this.#keyOf(parent, name));
        else nameless += 1;
      }
    };
    const id = this.#ids.get(node);
    if (id !== undefined) visit(id);
    return { named, nameless };
  }

  /** Every edge of a named parent that is neither a job nor a job's filter, with the node that it ends at. */
  namedEdges(): Map<string, string> {
    const edges = new Map<string, string>();
    for (const { parent, child, name } of this.#edges) {
      if (this.#types.get(parent) === 'block-job' || this.#filters.has(parent) || !this.#names.get(parent)) continue;
      const end = this.#names.get(this.#below(child));
      if (end !== undefined) edges.set(this.#keyOf(parent, name), end);
    }
    return edges;
  }

  #fileOf(id: number | undefined): number | undefined {
    return this.#edges.find(({ parent, name }) => parent === id && (name === 'file' || name === 'backing'))?.child;
  }

  /** The node under the filters of running jobs. A circle is no graph of QEMU's, but may be a monitor's. */
  #below(id: number): number {
    let at = id;
    for (let step = 0; step <= this.#filters.size; step++) at = this.#filters.get(at) ?? at;
    return at;
  }

  #keyOf(parent: number, edge: string): string {
    return `${this.#types.get(parent)} ${this.#names.get(parent)} ${edge}`;
  }
}
