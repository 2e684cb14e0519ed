// The sources that the configuration names; another configuration adds, removes and moves them.
import { concat, from, type Observable, Subject } from 'rxjs';
import type { JobSource, ProvidedSource, SourceProvider } from './port.js';
import { formatAddress, type Source } from './source.js';

export interface SourceChanges {
  added: string[];
  removed: string[];
  /** Those of a name whose address is another. */
  moved: string[];
}

export class ConfiguredSources implements SourceProvider {
  readonly #changes$ = new Subject<ProvidedSource>();
  readonly #open: (source: Source) => JobSource;
  #sources: ReadonlyMap<string, Source>;

  /** @param open called when the source is added; it connects once it is followed. */
  constructor(sources: readonly Source[], open: (source: Source) => JobSource) {
    this.#open = open;
    this.#sources = byName(sources);
  }

  get sources$(): Observable<ProvidedSource> {
    const present = [...this.#sources.values()].map((source) => this.#added(source));
    return concat(from(present), this.#changes$);
  }

  /** A source whose address stays is not touched. */
  replace(sources: readonly Source[]): SourceChanges {
    const before = this.#sources;
    this.#sources = byName(sources);
    const isMoved = (source: Source): boolean => {
      const known = before.get(source.name);
      return known !== undefined && formatAddress(known.address) !== formatAddress(source.address);
    };
    const removed = [...before.keys()].filter((name) => !this.#sources.has(name));
    const moved = sources.filter(isMoved);
    const added = sources.filter(({ name }) => !before.has(name));
    for (const name of removed) this.#changes$.next({ kind: 'removed', name });
    for (const source of [...moved, ...added]) this.#changes$.next(this.#added(source));
    const names = (list: readonly Source[]): string[] => list.map(({ name }) => name);
    return { added: names(added), removed, moved: names(moved) };
  }

  #added(source: Source): ProvidedSource {
    return { kind: 'added', source: this.#open(source) };
  }
}

const byName = (sources: readonly Source[]): ReadonlyMap<string, Source> =>
  new Map(sources.map((source) => [source.name, source]));
