// Whether a mirror or an active commit switched the disk to its copy, proven by the block graph. QEMU's events are the same for a completed job and
// for one that a soft cancel finished, and even a failed job can have pivoted; which nodes the disk's users use now tells. Pure.
import type { Pivoted } from '../../protocol/types.js';
import type { GraphIndex, Users } from './graph-index.js';

/**
 * Who used the disk while the job ran. A parent is identified by its type, its name and the name of its edge, since node ids hold within one reply
 * only. Backends without a name (those of exports) can only be counted.
 */
export interface Baseline {
  readonly source: string;
  readonly target: string;
  /** Named users of the source that move if the job pivots: all but the copy and the nodes below it. */
  readonly movable: ReadonlySet<string>;
  /** With `replaces`, a node below the source is replaced and one of these edges moves. Each with the node at its end. */
  readonly replaceable: ReadonlyMap<string, string>;
  readonly sourceNameless: number;
  readonly targetUsers: Users;
  /** Whether the same number of nameless backends means the same backends. */
  readonly countable: boolean;
}

/**
 * `never`: the graph shows a job that does not pivot (an intermediate commit, a stream, a backup). `undefined`: the graph does not show the job, or
 * shows it without nodes, since it has ended.
 */
export function readBaseline(graph: GraphIndex, job: string): Baseline | 'never' | undefined {
  const { source, target, filter } = graph.nodesOf(job);
  if (filter === undefined) return undefined;
  if (source === undefined || target === undefined) return 'never';
  const sourceUsers = graph.usersOf(source);
  const targetUsers = graph.usersOf(target);
  // `replaces` reaches through a quorum and filters only. Backing edges move when other jobs commit or stream, which moves no disk.
  const replaceable = graph.edgesBelow(source, (edge) => edge !== 'backing');
  const ofTarget = graph.edgesBelow(target);
  if (!sourceUsers || !targetUsers || !replaceable || !ofTarget) return undefined;
  return {
    source,
    target,
    movable: new Set([...sourceUsers.named].filter((user) => !ofTarget.has(user) && !targetUsers.named.has(user))),
    replaceable,
    sourceNameless: sourceUsers.nameless,
    // The job's own backend uses the target, and ends with the job.
    targetUsers: { ...targetUsers, nameless: Math.max(0, targetUsers.nameless - 1) },
    countable: true,
  };
}

/**
 * Compares the graph after the end with the baseline.
 *
 * - `true`: users of the source now use the target, and none of them the source; or, with `replaces`, an edge below the source now ends at the
 *   target.
 * - `false`: all that used the source still use it, and the target has no new user.
 * - `unknown`: anything else: nothing uses the disk, the copy has a new user, the users are gone or on both.
 *
 * A node that is missing from the graph is no reason for doubt: clients often delete the unused node right after they complete or cancel.
 */
export function comparePivot(baseline: Baseline, graph: GraphIndex): Pivoted {
  const { source, target, movable, replaceable, sourceNameless, targetUsers, countable } = baseline;
  const onSource = graph.usersOf(source);
  const onTarget = graph.usersOf(target);
  if (!onSource || !onTarget) return 'unknown';
  for (const user of onTarget.named) {
    const before = replaceable.get(user);
    if (before !== undefined && before !== target) return true;
  }
  const users = [...movable];
  const moved = users.some((user) => onTarget.named.has(user));
  if (moved) return users.some((user) => onSource.named.has(user)) ? 'unknown' : true;
  const stayed = users.every((user) => onSource.named.has(user));
  const isUsed = movable.size + sourceNameless > 0;
  const nothingNew =
    onTarget.nameless <= targetUsers.nameless && [...onTarget.named].every((user) => targetUsers.named.has(user));
  const certain = countable || sourceNameless === 0;
  if (certain && isUsed && stayed && onSource.nameless === sourceNameless && nothingNew) return false;
  const allMoved =
    countable &&
    movable.size === 0 &&
    sourceNameless > 0 &&
    onSource.nameless === 0 &&
    onTarget.nameless === targetUsers.nameless + sourceNameless;
  return allMoved ? true : 'unknown';
}
