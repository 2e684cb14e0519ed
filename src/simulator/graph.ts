// The block graph of the jobs, as x-debug-query-block-graph gives it. Every job id copies a disk of its own, which a device uses; each pivot moves
// the device to a new node.
import type { SimJob, World } from './model.js';
import { isBlockJob } from './model.js';

interface Node {
  id: number;
  type: 'block-backend' | 'block-driver' | 'block-job';
  name: string;
}

export function blockGraph({ jobs, disks }: World): Record<string, unknown> {
  const nodes: Node[] = [];
  const edges: { parent: number; child: number; name: string; perm: never[]; 'shared-perm': never[] }[] = [];
  const node = (type: Node['type'], name: string): number => {
    nodes.push({ id: nodes.length + 1, type, name });
    return nodes.length;
  };
  const edge = (parent: number, name: string, child: number): void => {
    edges.push({ parent, child, name, perm: [], 'shared-perm': [] });
  };
  const holders = new Map(jobs.filter(holdsNodes).map((job) => [job.id, job]));
  for (const [id, pivots] of disks) {
    const job = holders.get(id);
    const source = node('block-driver', `${id}-${pivots}`);
    const user = node('block-backend', `/machine/peripheral/${id}/virtio-backend`);
    if (!job) {
      edge(user, 'root', source);
      continue;
    }
    const own = node('block-job', id);
    if (!job.active) {
      edge(user, 'root', source);
      edge(own, 'main node', source);
      continue;
    }
    const target = node('block-driver', `${id}-${pivots + 1}`);
    const filter = node('block-driver', `#filter-${id}`);
    edge(user, 'root', filter);
    edge(filter, 'backing', source);
    edge(own, 'main node', filter);
    edge(own, 'source', source);
    edge(own, 'target', target);
    edge(node('block-backend', ''), 'root', target);
  }
  return { nodes, edges };
}

/** A job releases its nodes when it is finalized. */
const holdsNodes = (job: SimJob): boolean =>
  isBlockJob(job) && !['concluded', 'null', 'undefined'].includes(job.status);
