// Filters as the gateway compares them. It names a subscription by its filter, so equal ones on one connection need something that distinguishes
// them. Pure.
import type { SubscribeParams } from '../protocol/methods.js';
import type { Filter } from '../protocol/types.js';

/** The filter in the gateway's canonical form: globs sorted and without repetition, and no field that contains `*`, which excludes nothing. */
export function canonicalFilter({ sources, types, jobs }: Filter): Filter {
  const sorted = (name: keyof Filter, globs?: readonly string[]): Filter =>
    globs && !globs.includes('*') ? { [name]: [...new Set(globs)].sort() } : {};
  return { ...sorted('sources', sources), ...sorted('types', types), ...sorted('jobs', jobs) };
}

/** Names of members that the gateway would refuse: without them, or with a text in place of a list, the filter would match something else. */
export const wrongFilters = (filter: Filter): string[] =>
  Object.keys(filter).filter(
    (name) => !/^(sources|types|jobs)$/.test(name) || !Array.isArray(filter[name as keyof Filter] ?? []),
  );

const TAG_MAX = 8;

/**
 * The filter of the `copy`th equal subscription; the first is 0. Copies get a tag where the gateway supports that, up to the highest tag. The others
 * get a type that no event has, beside `?*`, which matches every type: that changes the name and nothing else.
 */
export function distinctFilter(filter: Filter, copy: number, features: readonly string[]): SubscribeParams {
  if (copy === 0) return filter;
  if (copy <= TAG_MAX && features.includes('tag')) return { ...filter, tag: copy };
  return { ...filter, types: [...(filter.types ?? ['?*']), `=${copy}`] };
}
