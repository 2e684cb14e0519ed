// The running domains of one libvirtd as sources that come and go with them.
import { Observable } from 'rxjs';
import type { ConnectionSignal } from '../keep-connected.js';
import type { JobSource, ProvidedSource, SourceProvider } from '../port.js';
import { type LibvirtConnection, LibvirtLost } from './connection.js';
import type { DomainSourceSettings } from './domain-source.js';
import { keepLibvirt } from './keep-libvirt.js';
import { sourceNameOf } from './names.js';
import { LIBVIRT_DEFAULTS, type Libvirtd, type LibvirtOptions } from './options.js';
import { type Domain, EVENT, LIFECYCLE, type LibvirtMessage, PROCEDURES } from './procedures.js';

export interface DomainsOptions {
  libvirtd: Libvirtd;
  open: (settings: DomainSourceSettings) => JobSource;
  /** Whether a source that is not of this libvirtd has that name. */
  isTaken: (name: string) => boolean;
  /** What is to be logged of the connection itself: each domain's has signals of its own. */
  note?: ((what: string, details: object) => void) | undefined;
}

export class LibvirtDomains implements SourceProvider {
  readonly sources$: Observable<ProvidedSource>;
  readonly #domains: DomainsOptions;
  readonly #options: LibvirtOptions;
  /** Names of the present sources, by the UUID of their domain. */
  readonly #names = new Map<string, string>();
  #emit: (change: ProvidedSource) => void = () => {};

  constructor(domains: DomainsOptions, options: Partial<LibvirtOptions> = {}) {
    this.#domains = domains;
    this.#options = { ...LIBVIRT_DEFAULTS, ...options };
    this.sources$ = new Observable((subscriber) => {
      this.#emit = (change) => subscriber.next(change);
      return this.#connections().subscribe((signal) => this.#take(signal));
    });
  }

  /** Names of its present sources. */
  get names(): Iterable<string> {
    return this.#names.values();
  }

  #connections(): Observable<ConnectionSignal<LibvirtConnection>> {
    const { libvirtd } = this.#domains;
    const { path } = libvirtd;
    return keepLibvirt(libvirtd, this.#options, {
      message: (message: LibvirtMessage) => this.#hear(message),
      silent: (is: boolean) =>
        this.#domains.note?.(is ? 'libvirtd answers no ping' : 'libvirtd answers again', { path }),
    });
  }

  /** Without libvirtd the domains go on, and so do their sources. */
  #take(signal: ConnectionSignal<LibvirtConnection>): void {
    const { path } = this.#domains.libvirtd;
    if (signal.kind === 'up') void this.#list(signal.session);
    if (signal.kind === 'down' && signal.attempt === 1)
      this.#domains.note?.('libvirtd is not there', { path, reason: signal.reason, detail: signal.detail });
  }

  /** Listed after the registration, so that no start is missed in between. */
  async #list(connection: LibvirtConnection): Promise<void> {
    const watched = await connection.request(PROCEDURES.watch, { event: EVENT.lifecycle });
    if (watched.kind === 'error') return connection.end(new LibvirtLost('denied', watched.message));
    const listed = await connection.request(PROCEDURES.list, {});
    if (listed.kind === 'error') return connection.end(new LibvirtLost('denied', listed.message));
    if (listed.kind === 'closed') return;
    const running = new Set(listed.value.map(({ uuid }) => uuid));
    for (const uuid of [...this.#names.keys()]) if (!running.has(uuid)) this.#remove(uuid);
    for (const domain of listed.value) this.#add(domain);
    this.#domains.note?.('libvirt', { path: this.#domains.libvirtd.path, domains: listed.value.length });
  }

  #hear(message: LibvirtMessage): void {
    if (message.kind !== 'lifecycle') return;
    if (message.event === LIFECYCLE.started) this.#add(message.domain);
    if (message.event === LIFECYCLE.stopped) this.#remove(message.domain.uuid);
  }

  #add(domain: Domain): void {
    if (this.#names.has(domain.uuid)) return;
    const own = new Set(this.#names.values());
    const name = sourceNameOf(domain, (each) => own.has(each) || this.#domains.isTaken(each));
    this.#names.set(domain.uuid, name);
    const { libvirtd, open } = this.#domains;
    this.#emit({ kind: 'added', source: open({ name, label: domain.name, domain, libvirtd }) });
  }

  #remove(uuid: string): void {
    const name = this.#names.get(uuid);
    if (name === undefined) return;
    this.#names.delete(uuid);
    this.#emit({ kind: 'removed', name });
  }
}
