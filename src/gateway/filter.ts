// A filter compiled. In: the wire's filter. Out: predicates, and the name that all subscriptions of an equal filter share.
import { createHash } from 'node:crypto';
import type { Filter, JobRef } from '../protocol/types.js';
import { compileGlobs, isWild } from './glob.js';

export interface CompiledFilter {
  /** The subscription's name: a function of the filter, so that one encoded frame serves everybody who has it. */
  readonly id: string;
  /** Characters of its globs with `*` or `?`: what a look at one name may cost. */
  readonly wildLength: number;
  wantsSource(source: string): boolean;
  /** A snapshot obeys `sources` and `jobs`, not `types`. */
  wantsJob(source: string, job: string): boolean;
  wants(entry: { source: string; type: string; job?: JobRef | undefined }): boolean;
}

const canonical = (globs: readonly string[] | undefined): string[] | null =>
  !globs || globs.includes('*') ? null : [...new Set(globs)].sort();

/** @param tag tells equal filters of one connection apart. */
export function compileFilter({ sources, types, jobs }: Filter, tag?: number): CompiledFilter {
  const fields = [canonical(sources), canonical(types), canonical(jobs)];
  const name = JSON.stringify(tag === undefined ? fields : [...fields, tag]);
  const wantsSource = compileGlobs(sources);
  const wantsType = compileGlobs(types);
  const wantsJobId = compileGlobs(jobs);
  return {
    id: createHash('sha256').update(name).digest('base64url').slice(0, 16),
    wildLength: [sources, types, jobs].reduce((sum, globs) => sum + wildLength(globs), 0),
    wantsSource,
    wantsJob: (source, job) => wantsSource(source) && wantsJobId(job),
    // `jobs` constrains only events that have a job.
    wants: ({ source, type, job }) =>
      wantsType(type) && wantsSource(source) && (job === undefined || wantsJobId(job.id)),
  };
}

/** A field with `*` wants everything, whatever else it lists. */
export function wildLength(globs: readonly string[] | undefined): number {
  if (!globs || globs.includes('*')) return 0;
  return globs.reduce((sum, glob) => sum + (isWild(glob) ? glob.length : 0), 0);
}
