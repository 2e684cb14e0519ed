// From the start of a domain, or of a connection, to its end: QEMU's version, its jobs, its events and the calls to it.

import type { Same } from '../../protocol/types.js';
import type { QmpEvent } from '../../qmp/index.js';
import type { Carrier, GraphReply, JobCommand, QueriedEvents, QueriedJob, SendOptions, SourceSignal } from '../port.js';
import { type JobQueries, JobSync } from '../qmp/job-sync.js';
import type { CallBudget } from './budget.js';
import { DomainCalls } from './calls.js';
import type { LibvirtConnection } from './connection.js';
import { DiskJobs } from './disk-jobs.js';
import { type DomainReader, MonitorReader, type ReaderHooks } from './domain-reader.js';
import { type DomainEvent, statusOf } from './events.js';
import type { HeardJobs } from './heard-jobs.js';
import { LibvirtWords } from './libvirt-words.js';
import { isLibvirts, targetOf } from './names.js';
import { NativeReader } from './native-reader.js';
import type { LibvirtOptions } from './options.js';
import { type DomainWays, planOf } from './plan.js';
import { type Domain, EVENT, PROCEDURES } from './procedures.js';
import { RelayedMonitor } from './relayed-monitor.js';

/** Identifies the QEMU behind a domain. */
export interface KnownDomain {
  uuid: string;
  id: number;
  /** Of the system: ids begin anew with it. */
  boot: string;
}

export interface ConversationContext {
  options: LibvirtOptions;
  known: KnownDomain;
  same: Same;
  /** Jobs of this QEMU that earlier connections have heard of. */
  heard: HeardJobs;
  emit: (signal: SourceSignal) => void;
  /** libvirtd relays what is no QMP. */
  broken: (why: string) => void;
  /** libvirtd does not give this client what it needs. */
  refused: (why: string) => void;
}

type HeardEvent = Exclude<DomainEvent, { kind: 'malformed' }>;

/** What a word of libvirt counts while it is held. */
const WORD_BYTES = 64;
/** Milliseconds after which a job that a query has shown `concluded` is queried again: libvirt dismisses it within a few. */
const DISMISSED_MS = 50;

/** Why QEMU is taken for stalled: a call is owed, a query has no answer, or libvirtd answers no ping. One may end while another goes on. */
type StallCause = 'call' | 'query' | 'ping';

export class DomainConversation {
  readonly #connection: LibvirtConnection;
  readonly #domain: Domain;
  readonly #context: ConversationContext;
  readonly #calls: DomainCalls;
  readonly #monitor: RelayedMonitor;
  readonly #words: LibvirtWords;
  readonly #reader: DomainReader;
  readonly #sync: JobSync;
  /** What libvirtd relays until QEMU's version is known. */
  #held: HeardEvent[] | undefined = [];
  #heldBytes = 0;
  readonly #jobs: DiskJobs;
  readonly #stalledBy = new Set<StallCause>();
  /** The query in place of one whose reply was left to libvirt: whether `jobs` is signalled then. */
  #again: Promise<boolean> | undefined;
  /** Milliseconds since 1970 at which the last answered query was written, and the one that is under way. */
  #cut = 0;
  #asked = 0;
  #isClosed = false;

  constructor(connection: LibvirtConnection, domain: Domain, budget: CallBudget, context: ConversationContext) {
    const { options, emit } = context;
    this.#connection = connection;
    this.#domain = domain;
    this.#context = context;
    this.#words = new LibvirtWords(options.clock, options.wordMs);
    this.#jobs = new DiskJobs(options.clock);
    this.#calls = new DomainCalls(connection, budget, options.clock, {
      owes: (is) => this.#stall('call', is),
      inOrder: (action) => this.#words.inOrder(action),
    });
    this.#monitor = new RelayedMonitor(this.#calls, domain, options.queryMs, context.broken);
    const hooks: ReaderHooks = {
      asked: () => {
        this.#asked = options.clock.date();
        emit({ kind: 'querying' });
      },
      // A reply to a query is at its place already.
      merge: (jobs, events) => this.#merged(jobs, events),
      inOrder: (action) => this.#words.inOrder(action),
      stalled: (is) => this.#stall('query', is),
    };
    this.#reader =
      options.queries === 'native'
        ? new NativeReader(this.#calls, domain, context.heard, options, hooks)
        : new MonitorReader(this.#monitor, options.queryMs, hooks);
    const queries: JobQueries = {
      fresh: () => this.refresh(),
      current: () => this.poll(),
      probe: () => this.#signalled(this.#reader.queries.probe()),
      close: () => this.#reader.queries.close(),
    };
    this.#sync = new JobSync(queries, options, () => emit({ kind: 'refused' }));
    void this.#begin();
  }

  get isSynced(): boolean {
    return this.#sync.isSynced;
  }

  get hasGraph(): boolean {
    return this.#reader.hasGraph;
  }

  isOf({ uuid, id }: Domain): boolean {
    return this.#domain.uuid === uuid && (id < 0 || this.#domain.id === id);
  }

  refresh(): Promise<boolean> {
    return this.#signalled(this.#reader.queries.fresh());
  }

  poll(): Promise<boolean> {
    return this.#signalled(this.#reader.queries.current());
  }

  hear(event: DomainEvent): void {
    if (event.kind === 'malformed') return this.#context.broken(event.why);
    if (this.#held) return this.#hold(this.#held, event);
    if (event.kind === 'word') return this.#said(event.data);
    this.#sync.heard = true;
    this.#reader.hear(event.event);
    this.#words.inOrder(() => this.#event(event.event));
  }

  /** libvirtd answers no ping, or does again. */
  silent(is: boolean): void {
    this.#stall('ping', is);
    if (!is) this.#calls.resume();
  }

  readGraph(lane: 'verb' | 'query', reply: (graph: GraphReply) => void): void {
    this.#reader.readGraph(lane, reply);
  }

  get #ways(): DomainWays {
    const isFull = this.#context.options.commands === 'full';
    return {
      domain: this.#domain,
      calls: this.#calls,
      monitor: isFull ? this.#monitor : undefined,
      has: (command) => this.#reader.has(command),
    };
  }

  carrierOf(command: JobCommand): Carrier | undefined {
    return planOf(command, this.#ways)?.carrier;
  }

  send(command: JobCommand, options: SendOptions): () => boolean {
    const plan = planOf(command, this.#ways);
    if (plan) return plan.send(options);
    const desc = `libvirt has no call for ${command.verb} of ${command.id}, which is not libvirt's own job`;
    options.replied({ kind: 'refused', class: 'NotLibvirts', desc });
    return () => false;
  }

  /** The domain has stopped, or the connection has ended. */
  close(): void {
    this.#words.close();
    this.#isClosed = true;
    this.#sync.close();
    this.#calls.close();
  }

  async #begin(): Promise<void> {
    const { emit, refused, same } = this.#context;
    const domain = this.#domain;
    const words = this.#connection.request(PROCEDURES.watch, { event: EVENT.blockJob2, domain });
    const events = await this.#connection.request(PROCEDURES.monitorEvents, { domain });
    await words;
    if (this.#isClosed) return;
    // The read-only socket refuses the monitor's events; of a domain that has stopped meanwhile libvirtd says so.
    if (events.kind === 'error') return refused(events.message);
    let qemu = await this.#reader.version();
    while (qemu === undefined && !this.#isClosed) {
      emit({ kind: 'waiting', reason: 'stalled', detail: 'libvirt relays no reply of QEMU' });
      qemu = await this.#reader.version();
    }
    if (this.#isClosed || qemu === undefined) return;
    emit({ kind: 'negotiated', qemu });
    emit({ kind: 'up', qemu, same, identity: this.#context.known });
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const event of held) this.hear(event);
    this.#sync.begin();
  }

  #hold(held: HeardEvent[], event: HeardEvent): void {
    held.push(event);
    this.#heldBytes += event.kind === 'event' ? (event.event.bytes ?? 0) : WORD_BYTES;
    if (this.#heldBytes > this.#context.options.heldBytes) this.#context.broken('too many events before a reply');
  }

  #event(event: QmpEvent): void {
    const changed = statusOf(event);
    if (changed) this.#jobs.note(changed);
    this.#publish(event);
  }

  #publish(event: QmpEvent): void {
    const changed = statusOf(event);
    const target = changed && targetOf(changed.id);
    if (changed && event.time !== null && event.time < this.#cut * 1_000) this.#overtaken(event.type, event.time);
    const emit = (): void => this.#context.emit({ kind: 'event', event });
    if (changed?.status !== 'null' || target === undefined || this.#jobs.liveOn(target) === undefined) return emit();
    // The rest of the stream goes on behind libvirt's word.
    this.#words.await(target, () => {
      this.#jobs.gone(target, changed.id);
      emit();
    });
  }

  #said(data: Extract<DomainEvent, { kind: 'word' }>['data']): void {
    const time = Math.round(this.#context.options.clock.date() * 1_000);
    // Which job it is of shows at its place.
    const emit = (): void => {
      const device = this.#jobs.liveOn(data.target);
      const event = { type: 'LIBVIRT_BLOCK_JOB', time, data: device === undefined ? data : { device, ...data } };
      this.#context.emit({ kind: 'event', event });
    };
    if (data.status === 'ready') this.#words.inOrder(emit);
    else this.#words.said(data.target, emit);
  }

  #merged(jobs: readonly QueriedJob[], events: QueriedEvents): void {
    if (this.#isClosed) return;
    // Natively what is merged are the events themselves, and no event contradicts it.
    if (this.#context.options.queries === 'monitor') this.#cut = this.#asked;
    this.#jobs.shown(jobs);
    if (jobs.some((job) => this.#jobs.isLeftToLibvirt(job))) return this.#askAgain();
    this.#sync.merged();
    this.#context.emit({ kind: 'jobs', jobs: jobs.map(leftToLibvirt), ...events });
  }

  #askAgain(): void {
    this.#again ??= new Promise((resolve) => {
      this.#context.options.clock.after(DISMISSED_MS, () => {
        this.#again = undefined;
        resolve(this.#isClosed ? false : this.poll());
      });
    });
  }

  /** Resolves when `jobs` was signalled, with `false` if it was not. */
  async #signalled(query: Promise<boolean>): Promise<boolean> {
    const isAnswered = await query;
    // A refusal is an answer too.
    if (!isAnswered) this.#stall('query', false);
    return isAnswered && !this.#isClosed && (this.#again ?? true);
  }

  #overtaken(type: string, time: number): void {
    this.#context.options.overtaken?.();
    this.#context.emit({ kind: 'overtaken', type, byMs: this.#cut - time / 1_000 });
    void this.refresh();
  }

  #stall(cause: StallCause, is: boolean): void {
    if (this.#isClosed) return;
    const was = this.#stalledBy.size > 0;
    this.#stalledBy[is ? 'add' : 'delete'](cause);
    if (was === this.#stalledBy.size > 0) return;
    this.#context.emit(is ? { kind: 'stalled', waitedMs: this.#context.options.queryMs } : { kind: 'responsive' });
  }
}

/** libvirt dismisses its own jobs, so they need no dismiss; they have auto-dismiss off in QEMU. */
function leftToLibvirt(job: QueriedJob): QueriedJob {
  if (!isLibvirts(job.id) || job.autoDismiss === undefined) return job;
  const { autoDismiss: _libvirts, ...rest } = job;
  return rest;
}
