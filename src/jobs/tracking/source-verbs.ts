// Which verbs a source has: `verbs` of `source.list`.
import type { SourceVerb } from '../../protocol/types.js';
import type { JobSource } from '../../sources/index.js';

const VERBS: readonly SourceVerb[] = [
  'abort',
  'force',
  'complete',
  'pause',
  'resume',
  'finalize',
  'dismiss',
  'setSpeed',
];

export const verbsOf = (source: JobSource): readonly SourceVerb[] => VERBS.filter((verb) => source.can(verb));

export const isAll = (verbs: readonly SourceVerb[]): boolean => verbs.length === VERBS.length;
