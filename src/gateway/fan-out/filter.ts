// A compiled filter: the client's filter and its grants as predicates, and the name that all subscriptions with an equal filter and equal grants
// share.
import { createHash } from 'node:crypto';
import type { Grants } from '../../access/index.js';
import { compileGlobs, isWild } from '../../protocol/glob.js';
import type { Filter, JobRef } from '../../protocol/types.js';

export interface CompiledFilter {
  /**
   * The subscription's name, a function of filter and grants. Frames, replays, snapshots and progress are shared under this name, so none is sent to
   * a client with other grants.
   */
  readonly id: string;
  /** Characters of the globs with `*` or `?`, a measure of the cost of a comparison. */
  readonly wildLength: number;
  wantsSource(source: string): boolean;
  /** A snapshot obeys `sources` and `jobs`, not `types`. */
  wantsJob(source: string, job: string): boolean;
  wants(entry: { source: string; type: string; job?: JobRef | undefined }): boolean;
  /** The same filter with other grants. */
  under(grants: Grants): CompiledFilter;
}

const canonical = (globs: readonly string[] | undefined): string[] | null =>
  !globs || globs.includes('*') ? null : [...new Set(globs)].sort();

/** @param tag distinguishes equal filters of one connection. */
export function compileFilter({ sources, types, jobs }: Filter, grants: Grants, tag?: number): CompiledFilter {
  const name: unknown[] = [canonical(sources), canonical(types), canonical(jobs)];
  if (tag !== undefined) name.push(tag);
  if (grants.id !== '') name.push(grants.id);
  const asksSource = compileGlobs(sources);
  const asksType = compileGlobs(types);
  const asksJob = compileGlobs(jobs);
  const wantsSource = (source: string): boolean => asksSource(source) && grants.sees(source);
  const wantsJob = (source: string, job: string): boolean =>
    wantsSource(source) && asksJob(job) && grants.sees(source, job);
  return {
    id: createHash('sha256').update(JSON.stringify(name)).digest('base64url').slice(0, 16),
    wildLength: [sources, types, jobs].reduce((sum, globs) => sum + wildLength(globs), 0),
    wantsSource,
    wantsJob,
    // `jobs` constrains only events that have a job.
    wants: ({ source, type, job }) => asksType(type) && (job ? wantsJob(source, job.id) : wantsSource(source)),
    under: (others) => compileFilter({ sources, types, jobs } as Filter, others, tag),
  };
}

/** A field that contains `*` excludes nothing, whatever else it contains. */
export function wildLength(globs: readonly string[] | undefined): number {
  if (!globs || globs.includes('*')) return 0;
  return globs.reduce((sum, glob) => sum + (isWild(glob) ? glob.length : 0), 0);
}
