// A provider whose sources are given once and stay.
import { from, map } from 'rxjs';
import type { JobSource, ProvidedSource, SourceProvider } from './port.js';

export function staticSources(sources: readonly JobSource[]): SourceProvider {
  return { sources$: from(sources).pipe(map((source): ProvidedSource => ({ kind: 'added', source }))) };
}
