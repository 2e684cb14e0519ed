// A disk, its copy and who uses them, as QEMU's block graph shows them: the oracle of what a settlement may say of a pivot.
import type { BlockGraph } from '../../src/qmp/index.js';

/** Who uses the disk. `replaces`: the disk is a quorum of which the job replaces one child. */
export type Users = 'device' | 'export' | 'both' | 'none' | 'replaces';

interface Edge {
  parent: string;
  name: string;
  child: string;
}

export class GraphWorld {
  pivoted = false;
  hasEnded = false;
  #edges: Edge[];
  readonly #nodes = new Set(['driver:a', 'driver:b']);
  #nameless = 0;
  readonly #replaces: boolean;

  constructor(users: Users = 'device') {
    this.#replaces = users === 'replaces';
    this.#edges = [];
    if (users !== 'export' && users !== 'none')
      this.#edges.push({ parent: 'backend:/machine/disk0', name: 'root', child: 'driver:a' });
    if (users === 'export' || users === 'both') this.#edges.push(this.#backend('driver:a'));
    if (this.#replaces) {
      this.#nodes.add('driver:old');
      this.#edges.push({ parent: 'driver:a', name: 'children.1', child: 'driver:old' });
    }
  }

  /** A mirror from `a` to `b`: a filter over the disk, and a backend of its own over the target. */
  start(job: string): void {
    this.#nodes.add('driver:#filter');
    this.#move('driver:a', 'driver:#filter');
    this.#edges.push(
      { parent: 'driver:#filter', name: 'backing', child: 'driver:a' },
      { parent: `job:${job}`, name: 'main node', child: 'driver:#filter' },
      { parent: `job:${job}`, name: 'source', child: 'driver:a' },
      { parent: `job:${job}`, name: 'target', child: 'driver:b' },
      { ...this.#backend('driver:b'), parent: 'backend: of the job' },
    );
  }

  end(pivots: boolean): void {
    this.hasEnded = true;
    this.pivoted = pivots;
    this.#edges = this.#edges.filter(
      ({ parent }) => !parent.startsWith('job:') && parent !== 'driver:#filter' && parent !== 'backend: of the job',
    );
    this.#nodes.delete('driver:#filter');
    this.#move('driver:#filter', pivots && !this.#replaces ? 'driver:b' : 'driver:a');
    if (pivots && this.#replaces) this.#move('driver:old', 'driver:b');
  }

  /** As libvirt does at once. */
  deleteLoser(): void {
    if (!this.hasEnded) return;
    const loser = !this.pivoted ? 'driver:b' : this.#replaces ? 'driver:old' : 'driver:a';
    if (!this.#edges.some(({ child }) => child === loser)) this.#nodes.delete(loser);
  }

  /** Of the copy, once it is free; of the disk before. */
  addExport(): void {
    const node = this.hasEnded ? 'driver:b' : 'driver:#filter';
    if (this.#nodes.has(node)) this.#edges.push(this.#backend(node));
  }

  /** A device of its own on the copy. */
  addDevice(): void {
    if (this.hasEnded && this.#nodes.has('driver:b'))
      this.#edges.push({ parent: 'backend:/machine/disk1', name: 'root', child: 'driver:b' });
  }

  /** All exports of one node end, and as many begin on the other. QEMU says that exports end, not that they begin. */
  swapExports(): void {
    if (!this.hasEnded || !['driver:a', 'driver:b'].every((node) => this.#nodes.has(node))) return;
    const other: Record<string, string> = { 'driver:a': 'driver:b', 'driver:b': 'driver:a' };
    this.#edges = this.#edges.map((edge) =>
      edge.parent.startsWith('backend: ') ? { ...edge, child: other[edge.child] ?? edge.child } : edge,
    );
  }

  graph(): BlockGraph {
    const names = new Set([...this.#nodes, ...this.#edges.map(({ parent }) => parent)]);
    const ids = new Map([...names].map((name, id) => [name, id]));
    const types = { backend: 'block-backend', driver: 'block-driver', job: 'block-job' } as const;
    return {
      nodes: [...ids].map(([name, id]) => {
        const [type, own = ''] = name.split(':');
        return { id, type: types[type as keyof typeof types], name: own.startsWith(' ') ? '' : own };
      }),
      edges: this.#edges.map(({ parent, name, child }) => ({
        parent: ids.get(parent) ?? -1,
        child: ids.get(child) ?? -1,
        name,
      })),
    };
  }

  #backend(child: string): Edge {
    return { parent: `backend: ${this.#nameless++}`, name: 'root', child };
  }

  #move(from: string, to: string): void {
    this.#edges = this.#edges.map((edge) => (edge.child === from ? { ...edge, child: to } : edge));
  }
}
