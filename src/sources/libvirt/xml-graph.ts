// The part of QEMU's block graph that libvirt's XML shows: each disk, the file that it uses, and the copy that a job makes. In the form of QEMU's own
// graph, so that the proof of a pivot is the same. Pure.
import type { BlockGraph } from '../port.js';
import type { Disk } from './domain-xml.js';

/** @param jobs the running job of a disk, by the disk's name. */
export function graphOf(disks: readonly Disk[], jobs: ReadonlyMap<string, string>): BlockGraph {
  const nodes: BlockGraph['nodes'][number][] = [];
  const edges: BlockGraph['edges'][number][] = [];
  const known = new Map<string, number>();
  const node = (type: string, name: string): number => {
    const key = `${type} ${name}`;
    const id = known.get(key) ?? known.size + 1;
    if (!known.has(key)) nodes.push({ id, type, name });
    known.set(key, id);
    return id;
  };
  const edge = (parent: number, child: number, name: string): void => {
    edges.push({ parent, child, name });
  };
  for (const { target, source, mirror } of disks) {
    const user = node('block-backend', target);
    const file = node('block-driver', source);
    const job = jobs.get(target);
    if (mirror === undefined) {
      edge(user, file, 'root');
      continue;
    }
    // As QEMU has it: the disk uses a filter over its file, and the job has an unnamed backend on the copy.
    const filter = node('block-driver', `filter of ${target}`);
    const copy = node('block-driver', mirror);
    // A copy without a job that is known: the disk is used neither by its file nor by the copy alone, so nothing can be proven of it.
    const copier = node('block-job', job ?? '');
    edge(user, filter, 'root');
    edge(filter, file, 'file');
    edge(copier, filter, 'main node');
    edge(copier, file, 'source');
    edge(copier, copy, 'target');
    edge(node('block-backend', ''), copy, 'root');
  }
  return { nodes, edges };
}
