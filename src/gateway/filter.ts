// A filter compiled. In: the wire's filter. Out: predicates, and the name that all subscriptions of an equal filter share.
import { createHash } from 'node:crypto';
import type { Filter, JobRef } from '../protocol/types.js';
import { compileGlobs } from './glob.js';

export interface CompiledFilter {
  /** The subscription's name: a function of the filter, so that one encoded frame serves everybody who has it. */
  readonly id: string;
  wantsSource(source: string): boolean;
  /** A snapshot obeys `sources` and `jobs`, not `types`. */
  wantsJob(source: string, job: string): boolean;
  wants(entry: { source: string; type: string; job?: JobRef | undefined }): boolean;
}

const canonical = (globs: readonly string[] | undefined): string[] | null =>
  !globs || globs.includes('*') ? null : [...new Set(globs)].sort();

export function compileFilter({ sources, types, jobs }: Filter): CompiledFilter {
  const name = JSON.stringify([canonical(sources), canonical(types), canonical(jobs)]);
  const wantsSource = compileGlobs(sources);
  const wantsType = compileGlobs(types);
  const wantsJobId = compileGlobs(jobs);
  return {
    id: createHash('sha256').update(name).digest('base64url').slice(0, 16),
    wantsSource,
    wantsJob: (source, job) => wantsSource(source) && wantsJobId(job),
    // `jobs` constrains only events that have a job.
    wants: ({ source, type, job }) =>
      wantsType(type) && wantsSource(source) && (job === undefined || wantsJobId(job.id)),
  };
}
