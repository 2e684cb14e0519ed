// QEMU's block graph, indexed by node: one reply answers for many jobs, each at a cost in proportion to the edges near its nodes.
import type { BlockGraph } from '../../sources/index.js';

interface Edge {
  parent: number;
  child: number;
  name: string;
}

/** Who uses a node: its parents that have a name, and the number of those that have none. */
export interface Users {
  readonly named: ReadonlySet<string>;
  readonly nameless: number;
}

/** Nodes of a job, by name. */
export interface JobNodes {
  source: string | undefined;
  target: string | undefined;
  filter: string | undefined;
}

/** Bounds, for the edges near one node and for the steps over all answers from one reply. A graph beyond them proves nothing. */
const MAX_NEAR = 1_024;
const MAX_STEPS = 262_144;

const NO_USERS: Users = { named: new Set(), nameless: 0 };

export class GraphIndex {
  readonly #names = new Map<number, string>();
  readonly #types = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #jobs = new Map<string, number>();
  readonly #parents = new Map<number, Edge[]>();
  readonly #children = new Map<number, Edge[]>();
  /** Filter nodes of running jobs, each with the node below it. A user of the filter counts as a user of that node. */
  readonly #filters = new Map<number, number>();
  #steps = 0;
  #isTooLarge = false;

  constructor({ nodes, edges }: BlockGraph) {
    for (const { id, type, name } of nodes) {
      this.#names.set(id, name);
      this.#types.set(id, type);
      if (type === 'block-driver') this.#ids.set(name, id);
      if (type === 'block-job') this.#jobs.set(name, id);
    }
    for (const edge of edges) {
      add(this.#parents, edge.child, edge);
      add(this.#children, edge.parent, edge);
    }
    for (const job of this.#jobs.values()) {
      const filter = this.#child(job, 'main node');
      // A backup has no edge to its source; its filter has.
      const hasTarget = this.#child(job, 'target') !== undefined;
      const source = this.#child(job, 'source') ?? (hasTarget ? this.#child(filter, 'file', 'backing') : undefined);
      if (filter !== undefined && source !== undefined && filter !== source) this.#filters.set(filter, source);
    }
  }

  /** Whether a question had no answer because of the bounds. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  nodesOf(job: string): JobNodes {
    const id = this.#jobs.get(job);
    const nameOf = (edge: string): string | undefined => this.#names.get(this.#child(id, edge) ?? -1);
    return { source: nameOf('source'), target: nameOf('target'), filter: nameOf('main node') };
  }

  /** Parents of a node, and of the filters over it, without jobs and filters themselves. `undefined`: too many. */
  usersOf(node: string): Users | undefined {
    const start = this.#ids.get(node);
    if (start === undefined) return NO_USERS;
    const named = new Set<string>();
    let nameless = 0;
    let near = 0;
    const seen = new Set([start]);
    for (const id of seen)
      for (const edge of this.#parents.get(id) ?? []) {
        if (this.#isTooMuch(++near)) return undefined;
        if (this.#types.get(edge.parent) === 'block-job') continue;
        if (this.#filters.get(edge.parent) === id) seen.add(edge.parent);
        else if (this.#names.get(edge.parent)) named.add(this.#keyOf(edge));
        else nameless += 1;
      }
    return { named, nameless };
  }

  /**
   * The named edges of a node, and of all below it, with the node that each ends at. `undefined`: too many.
   *
   * @param through whether the edges of that name are followed; by default all.
   */
  edgesBelow(node: string, through: (edge: string) => boolean = () => true): Map<string, string> | undefined {
    const edges = new Map<string, string>();
    const start = this.#ids.get(node);
    if (start === undefined) return edges;
    let near = 0;
    const seen = new Set([start]);
    for (const id of seen)
      for (const edge of this.#children.get(id) ?? []) {
        if (this.#isTooMuch(++near)) return undefined;
        if (!through(edge.name)) continue;
        const child = this.#below(edge.child);
        const end = this.#names.get(child);
        if (end !== undefined && this.#names.get(id)) edges.set(this.#keyOf(edge), end);
        seen.add(child);
      }
    return edges;
  }

  /** The graph comes from the monitor and may have any shape, so the work on it is bounded. */
  #isTooMuch(near: number): boolean {
    this.#steps += 1;
    const isOver = near > MAX_NEAR || this.#steps > MAX_STEPS;
    this.#isTooLarge ||= isOver;
    return isOver;
  }

  #child(parent: number | undefined, ...names: string[]): number | undefined {
    if (parent === undefined) return undefined;
    const edges = this.#children.get(parent) ?? [];
    for (let at = 0; at < edges.length && at < MAX_NEAR; at++) {
      const edge = edges[at];
      if (edge && names.includes(edge.name)) return edge.child;
    }
    return undefined;
  }

  /** The node under the filters of running jobs. QEMU's graph has no cycle, but the monitor's reply may have one. */
  #below(id: number): number {
    const seen = new Set<number>();
    let at = id;
    for (let next = this.#filters.get(at); next !== undefined && !seen.has(at); next = this.#filters.get(at)) {
      if (seen.size > MAX_NEAR) break;
      seen.add(at);
      this.#steps += 1;
      at = next;
    }
    return at;
  }

  #keyOf({ parent, name }: Edge): string {
    return `${this.#types.get(parent)} ${this.#names.get(parent)} ${name}`;
  }
}

function add(map: Map<number, Edge[]>, key: number, edge: Edge): void {
  const list = map.get(key);
  if (list) list.push(edge);
  else map.set(key, [edge]);
}
