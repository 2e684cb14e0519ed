// Whether a mirror or an active commit switched the disk to its copy, proven by the block graph. QEMU's events are the same for a completed job and
// for one that a soft cancel finished, and even a failed job can have pivoted; but who uses which node says where the disk is. Pure.
import type { Pivoted } from '../protocol/types.js';
import type { GraphIndex } from './graph-index.js';

/**
 * Who used the disk while the job lived. A parent is known by its type, its name and the name of its edge; node ids are of one reply only, and a
 * backend without a name (an export's) is known by counting alone.
 */
export interface Baseline {
  readonly source: string;
  readonly target: string;
  /** Named edges to the source and below it, and where they ended: one of them moves to the target if the job pivots. */
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
export function readBaseline(graph: GraphIndex, job: string): Baseline | 'never' | undefined {
  const { source, target, filter } = graph.nodesOf(job);
  if (filter === undefined) return undefined;
  if (source === undefined || target === undefined) return 'never';
  const sourceUsers = graph.usersOf(source);
  const targetUsers = graph.usersOf(target);
  const edges = graph.edgesBelow(source);
  for (const user of sourceUsers.named) edges.set(user, source);
  return {
    source,
    target,
    edges,
    sourceUsers,
    // The job's own backend writes to the target, and goes with the job.
    targetUsers: { ...targetUsers, nameless: Math.max(0, targetUsers.nameless - 1) },
    countable: true,
  };
}

/**
 * Compares the graph after the end with the baseline.
 *
 * - `true`: an edge that ended elsewhere now ends at the target. With `replaces` that is not an edge to the source, but one below it.
 * - `false`: all that used the source use it still, and the target has no user that it lacked.
 * - `unknown`: anything else: nothing uses the disk, the copy has a new user, the users are gone.
 *
 * A node that is gone is no doubt: who completes or cancels often deletes the loser at once.
 */
export function judgePivot(baseline: Baseline, graph: GraphIndex): Pivoted {
  const { source, target, edges, sourceUsers, targetUsers, countable } = baseline;
  const onSource = graph.usersOf(source);
  const onTarget = graph.usersOf(target);
  for (const user of onTarget.named) {
    const before = edges.get(user);
    if (before !== undefined && before !== target) return true;
  }
  const stayed = [...sourceUsers.named].every((user) => onSource.named.has(user));
  const isUsed = sourceUsers.named.size + sourceUsers.nameless > 0;
  const nothingNew =
    onTarget.nameless <= targetUsers.nameless && [...onTarget.named].every((user) => targetUsers.named.has(user));
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
