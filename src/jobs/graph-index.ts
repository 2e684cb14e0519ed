// QEMU's block graph, made ready for questions about single nodes: one reply answers for many jobs, each in proportion to what is near its nodes.
import type { BlockGraph } from '../qmp/index.js';
import type { Users } from './pivot.js';

interface Edge {
  parent: number;
  child: number;
  name: string;
}

/** Nodes of a job, by name. */
export interface JobNodes {
  source: string | undefined;
  target: string | undefined;
  filter: string | undefined;
}

export class GraphIndex {
  readonly #names = new Map<number, string>();
  readonly #types = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #jobs = new Map<string, number>();
  readonly #parents = new Map<number, Edge[]>();
  readonly #children = new Map<number, Edge[]>();
  /** Filters of running jobs, each with the node below it: what uses the filter uses that node. */
  readonly #filters = new Map<number, number>();

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

  nodesOf(job: string): JobNodes {
    const id = this.#jobs.get(job);
    const nameOf = (edge: string): string | undefined => this.#names.get(this.#child(id, edge) ?? -1);
    return { source: nameOf('source'), target: nameOf('target'), filter: nameOf('main node') };
  }

  /** Parents of a node, and of the filters over it, without jobs and filters themselves. */
  usersOf(node: string): Users {
    const named = new Set<string>();
    let nameless = 0;
    const seen = new Set<number>();
    const visit = (id: number): void => {
      if (seen.has(id)) return;
      seen.add(id);
      for (const edge of this.#parents.get(id) ?? []) {
        if (this.#types.get(edge.parent) === 'block-job') continue;
        if (this.#filters.get(edge.parent) === id) visit(edge.parent);
        else if (this.#names.get(edge.parent)) named.add(this.#keyOf(edge));
        else nameless += 1;
      }
    };
    const id = this.#ids.get(node);
    if (id !== undefined) visit(id);
    return { named, nameless };
  }

  /** The named edges of a node, and of all below it, with the node that each ends at. */
  edgesBelow(node: string): Map<string, string> {
    const edges = new Map<string, string>();
    const seen = new Set<number>();
    const visit = (id: number): void => {
      if (seen.has(id)) return;
      seen.add(id);
      for (const edge of this.#children.get(id) ?? []) {
        const child = this.#below(edge.child);
        const end = this.#names.get(child);
        if (end !== undefined && this.#names.get(id)) edges.set(this.#keyOf(edge), end);
        visit(child);
      }
    };
    const id = this.#ids.get(node);
    if (id !== undefined) visit(id);
    return edges;
  }

  #child(parent: number | undefined, ...names: string[]): number | undefined {
    if (parent === undefined) return undefined;
    return this.#children.get(parent)?.find(({ name }) => names.includes(name))?.child;
  }

  /** The node under the filters of running jobs. A circle is no graph of QEMU's, but may be a monitor's. */
  #below(id: number): number {
    const seen = new Set<number>();
    let at = id;
    for (let next = this.#filters.get(at); next !== undefined && !seen.has(at); next = this.#filters.get(at)) {
      seen.add(at);
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
