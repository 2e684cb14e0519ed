// The sources that the configuration names, and those that it says where to find; another configuration adds, removes and moves them.
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import type { JobSource, ProvidedSource, SourceProvider } from './port.js';
import { type Discovery, formatDiscovery, formatSource, type Source } from './source.js';

export interface SourceChanges {
  added: string[];
  removed: string[];
  /** Those of a name whose address is another. */
  moved: string[];
}

/** What the configuration says. */
export interface Configured {
  sources: readonly Source[];
  discoveries: readonly Discovery[];
}

export interface Opener {
  /** Called when the source is added; it connects once it is followed. */
  source: (source: Source) => JobSource;
  /** @param isTaken whether a source that the provider has not found has that name. */
  discovery: (discovery: Discovery, isTaken: (name: string) => boolean) => SourceProvider;
}

interface Found {
  subscription: Subscription;
  names: Set<string>;
}

export class ConfiguredSources implements SourceProvider {
  /** One subscriber at a time. */
  readonly sources$: Observable<ProvidedSource>;
  readonly #open: Opener;
  #sources: ReadonlyMap<string, Source>;
  #discoveries: ReadonlyMap<string, Discovery>;
  readonly #found = new Map<string, Found>();
  #subscriber: Subscriber<ProvidedSource> | undefined;

  constructor({ sources, discoveries }: Configured, open: Opener) {
    this.#open = open;
    this.#sources = byName(sources);
    this.#discoveries = byAddress(discoveries);
    this.sources$ = new Observable((subscriber) => {
      this.#subscriber = subscriber;
      for (const source of this.#sources.values()) subscriber.next(this.#added(source));
      for (const [address, discovery] of this.#discoveries) this.#discover(address, discovery);
      return () => {
        for (const { subscription } of this.#found.values()) subscription.unsubscribe();
        this.#found.clear();
        this.#subscriber = undefined;
      };
    });
  }

  /** A source whose address stays is not touched. */
  replace({ sources, discoveries }: Configured): SourceChanges {
    const before = this.#sources;
    const searched = this.#discoveries;
    this.#sources = byName(sources);
    this.#discoveries = byAddress(discoveries);
    const isMoved = (source: Source): boolean => {
      const known = before.get(source.name);
      return known !== undefined && formatSource(known) !== formatSource(source);
    };
    const removed = [...before.keys()].filter((name) => !this.#sources.has(name));
    const moved = sources.filter(isMoved);
    const added = sources.filter(({ name }) => !before.has(name));
    const left = [...searched.keys()].filter((address) => !this.#discoveries.has(address));
    for (const name of [...removed, ...left.flatMap((address) => this.#forget(address))])
      this.#subscriber?.next({ kind: 'removed', name });
    for (const source of [...moved, ...added]) this.#subscriber?.next(this.#added(source));
    for (const [address, discovery] of this.#discoveries)
      if (!searched.has(address)) this.#discover(address, discovery);
    const names = (list: readonly Source[]): string[] => list.map(({ name }) => name);
    const fresh = [...this.#discoveries.keys()].filter((address) => !searched.has(address));
    return { added: [...names(added), ...fresh], removed: [...removed, ...left], moved: names(moved) };
  }

  #discover(address: string, discovery: Discovery): void {
    const names = new Set<string>();
    const provider = this.#open.discovery(discovery, (name) => this.#isTaken(name, address));
    const subscription = provider.sources$.subscribe((change) => {
      if (change.kind === 'added') names.add(change.source.name);
      else names.delete(change.name);
      this.#subscriber?.next(change);
    });
    this.#found.set(address, { subscription, names });
  }

  /** @returns the names of its sources, which go with it. */
  #forget(address: string): string[] {
    const found = this.#found.get(address);
    found?.subscription.unsubscribe();
    this.#found.delete(address);
    return [...(found?.names ?? [])];
  }

  #isTaken(name: string, by: string): boolean {
    return (
      this.#sources.has(name) || [...this.#found].some(([address, { names }]) => address !== by && names.has(name))
    );
  }

  #added(source: Source): ProvidedSource {
    return { kind: 'added', source: this.#open.source(source) };
  }
}

const byName = (sources: readonly Source[]): ReadonlyMap<string, Source> =>
  new Map(sources.map((source) => [source.name, source]));
const byAddress = (discoveries: readonly Discovery[]): ReadonlyMap<string, Discovery> =>
  new Map(discoveries.map((discovery) => [formatDiscovery(discovery), discovery]));
