// What a filter is called on the wire: the gateway names a subscription by its filter, so that equal ones of one connection must be told apart. Pure.
import type { SubscribeParams } from '../protocol/methods.js';
import type { Filter } from '../protocol/types.js';

/** The filter as the gateway compares it: without the order and the repetitions of its globs; a field with `*` asks for nothing less than none. */
export function canonicalFilter({ sources, types, jobs }: Filter): Filter {
  const sorted = (name: keyof Filter, globs?: readonly string[]): Filter =>
    globs && !globs.includes('*') ? { [name]: [...new Set(globs)].sort() } : {};
  return { ...sorted('sources', sources), ...sorted('types', types), ...sorted('jobs', jobs) };
}

const TAG_MAX = 8;

/**
 * The `copy`th of equal filters beside the first, which is 0: by a tag where the gateway knows tags and as far as they go, else by a type that no
 * event has. It makes another name and matches nothing, and `?*` matches every type.
 */
export function distinctFilter(filter: Filter, copy: number, features: readonly string[]): SubscribeParams {
  if (copy === 0) return filter;
  if (copy <= TAG_MAX && features.includes('tag')) return { ...filter, tag: copy };
  return { ...filter, types: [...(filter.types ?? ['?*']), `=${copy}`] };
}
