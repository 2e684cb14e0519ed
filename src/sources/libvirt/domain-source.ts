// A domain of libvirt as a source of jobs: one connection to libvirtd for its events and its commands together, so that a reply says what was true
// after the events before it. Jobs are ended by libvirt's own call, so that libvirt knows of it.
import { Observable } from 'rxjs';
import type { ConnectionSignal } from '../keep-connected.js';
import type {
  Ability,
  Carrier,
  CommandReply,
  GraphReply,
  JobCommand,
  JobSource,
  SendOptions,
  SourceAbout,
  SourceSignal,
} from '../port.js';
import { type LibvirtConnection, LibvirtLost } from './connection.js';
import { DomainConversation, type KnownDomain } from './domain-conversation.js';
import { readEvent } from './events.js';
import { HeardJobs } from './heard-jobs.js';
import { keepLibvirt } from './keep-libvirt.js';
import { targetOf } from './names.js';
import { LIBVIRT_DEFAULTS, type Libvirtd, type LibvirtOptions } from './options.js';
import { type Domain, EVENT, LIFECYCLE, type LibvirtMessage, PROCEDURES } from './procedures.js';

/** Which domain: by its name, which another may have later, or by its UUID too. */
export interface DomainKey {
  name: string;
  uuid?: string;
}

export interface DomainSourceSettings {
  name: string;
  label?: string | undefined;
  domain: DomainKey;
  libvirtd: Libvirtd;
}

/** VIR_ERR_NO_DOMAIN. */
const NO_DOMAIN = 42;

const ABILITIES: Readonly<Record<LibvirtOptions['commands'], readonly Ability[]>> = {
  abort: ['abort', 'complete', 'setSpeed', 'graph'],
  // Never dismiss: libvirt dismisses its jobs, and would take an end that it did not see for a failure.
  full: ['abort', 'complete', 'setSpeed', 'graph', 'force', 'pause', 'resume', 'finalize'],
};

export class LibvirtDomainSource implements JobSource {
  readonly name: string;
  readonly about: SourceAbout;
  readonly signals$: Observable<SourceSignal>;
  readonly #key: DomainKey;
  readonly #libvirtd: Libvirtd;
  readonly #options: LibvirtOptions;
  #emit: (signal: SourceSignal) => void = () => {};
  #connection: LibvirtConnection | undefined;
  /** With the running domain; `undefined` while it does not run, or while there is no connection. */
  #conversation: DomainConversation | undefined;
  #known: KnownDomain | undefined;
  readonly #heard = new HeardJobs();

  constructor({ name, label, domain, libvirtd }: DomainSourceSettings, options: Partial<LibvirtOptions> = {}) {
    this.name = name;
    this.about = { provider: 'libvirt', ...(label !== undefined && label !== name && { label }) };
    this.#key = domain;
    this.#libvirtd = libvirtd;
    this.#options = { ...LIBVIRT_DEFAULTS, ...options };
    this.signals$ = new Observable((subscriber) => {
      this.#emit = (signal) => subscriber.next(signal);
      const connections = this.#connections().subscribe((signal) => this.#take(signal));
      return () => {
        connections.unsubscribe();
        this.#leave();
      };
    });
  }

  recall(identity: unknown): void {
    const { uuid, id, boot } = (identity ?? {}) as Record<string, unknown>;
    if (typeof uuid === 'string' && typeof id === 'number' && typeof boot === 'string')
      this.#known = { uuid, id, boot };
  }

  can(what: Ability): boolean {
    if (!ABILITIES[this.#options.commands].includes(what)) return false;
    return what !== 'graph' || this.#conversation?.hasGraph === true;
  }

  otherNameOf(id: string): string | undefined {
    return targetOf(id);
  }

  async refresh(): Promise<boolean> {
    return this.#conversation?.refresh() ?? false;
  }

  async poll(): Promise<boolean> {
    return this.#conversation?.poll() ?? false;
  }

  readGraph(lane: 'verb' | 'query', reply: (graph: GraphReply) => void): void {
    if (this.#conversation) this.#conversation.readGraph(lane, reply);
    else reply({ kind: 'none' });
  }

  carrierOf(command: JobCommand): Carrier | undefined {
    return this.#conversation?.isSynced ? this.#conversation.carrierOf(command) : undefined;
  }

  send(command: JobCommand, options: SendOptions): () => boolean {
    if (this.#conversation?.isSynced) return this.#conversation.send(command, options);
    options.replied({ kind: 'closed', sent: false } satisfies CommandReply);
    return () => false;
  }

  #connections(): Observable<ConnectionSignal<LibvirtConnection>> {
    return keepLibvirt(this.#libvirtd, this.#options, {
      message: (message: LibvirtMessage) => this.#hear(message),
      silent: (is: boolean) => this.#conversation?.silent(is),
    });
  }

  #take(signal: ConnectionSignal<LibvirtConnection>): void {
    if (signal.kind === 'up') {
      this.#connection = signal.session;
      void this.#find(signal.session);
      return;
    }
    if (signal.kind === 'down') {
      this.#leave();
      // QEMU goes on without libvirtd, so nothing here means that its jobs are gone.
      const reason = signal.reason === 'absent' || signal.reason === 'refused' ? 'unreachable' : signal.reason;
      return this.#emit({ ...signal, reason });
    }
    this.#emit(signal);
  }

  #leave(): void {
    this.#conversation?.close();
    this.#conversation = undefined;
    this.#connection = undefined;
  }

  /** What happens between a registration and the lookup after it is not missed. */
  async #find(connection: LibvirtConnection): Promise<void> {
    const { name, uuid } = this.#key;
    const domain = uuid === undefined ? undefined : { name, uuid, id: -1 };
    const watched = await connection.request(PROCEDURES.watch, { event: EVENT.lifecycle, ...(domain && { domain }) });
    if (watched.kind === 'error' && watched.code !== NO_DOMAIN) return this.#refused(connection, watched.message);
    const found = await (uuid === undefined
      ? connection.request(PROCEDURES.lookupByName, { name })
      : connection.request(PROCEDURES.lookupByUuid, { uuid }));
    if (this.#connection !== connection || this.#conversation) return;
    if (found.kind === 'return' && found.value.id >= 0) this.#started(found.value);
    else if (found.kind !== 'closed') this.#stopped();
  }

  #refused(connection: LibvirtConnection, message: string): void {
    connection.end(new LibvirtLost('denied', message));
  }

  #hear(message: LibvirtMessage): void {
    const conversation = this.#conversation;
    if (message.kind === 'lifecycle') {
      if (!this.#isOurs(message.domain)) return;
      if (message.event === LIFECYCLE.started && !conversation?.isOf(message.domain)) {
        // Its stop was not heard.
        if (conversation) this.#stopped();
        this.#started(message.domain);
      }
      if (message.event === LIFECYCLE.stopped && conversation) this.#stopped();
      return;
    }
    if (conversation?.isOf(message.domain)) conversation.hear(readEvent(message, this.#options.eventCut));
  }

  #isOurs({ name, uuid }: Domain): boolean {
    return this.#key.uuid === undefined ? this.#key.name === name : this.#key.uuid === uuid;
  }

  #stopped(): void {
    this.#conversation?.close();
    this.#conversation = undefined;
    this.#emit({ kind: 'down', reason: 'absent', detail: 'the domain is not running', attempt: 1, retryInMs: 0 });
  }

  #started(domain: Domain): void {
    const connection = this.#connection;
    if (!connection) return;
    const known: KnownDomain = { uuid: domain.uuid, id: domain.id, boot: this.#options.bootId() };
    const same = this.#known === undefined ? 'unknown' : isSame(this.#known, known);
    this.#known = known;
    if (same !== true) this.#heard.clear();
    this.#conversation = new DomainConversation(connection, domain, this.#libvirtd.budget, {
      options: this.#options,
      known,
      same,
      heard: this.#heard,
      emit: (signal) => this.#emit(signal),
      broken: (why) => connection.end(new LibvirtLost('protocol', why)),
      refused: (why) => this.#refused(connection, why),
    });
  }
}

/** The id of a domain is new at each of its starts, and kept over those of libvirtd. */
function isSame(before: KnownDomain, now: KnownDomain): boolean {
  return before.uuid === now.uuid && before.id === now.id && before.boot === now.boot;
}
