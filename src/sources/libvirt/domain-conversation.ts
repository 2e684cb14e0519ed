// From the start of a domain, or of a connection, to its end: QEMU's version, its jobs, its events and the calls to it.

import type { Same } from '../../protocol/types.js';
import type { QmpEvent } from '../../qmp/index.js';
import type { Carrier, GraphReply, JobCommand, QueriedEvents, QueriedJob, SendOptions, SourceSignal } from '../port.js';
import { JobSync } from '../qmp/job-sync.js';
import type { CallBudget } from './budget.js';
import { DomainCalls } from './calls.js';
import type { LibvirtConnection } from './connection.js';
import { type DomainReader, MonitorReader, type ReaderHooks } from './domain-reader.js';
import { type DomainEvent, statusOf } from './events.js';
import { LibvirtWords } from './libvirt-words.js';
import { isLibvirts, targetOf } from './names.js';
import { type HeardJobs, NativeReader } from './native-reader.js';
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
/** Milliseconds for which a job that has concluded is left to libvirt; after that it is what the query says. */
const LEFT_TO_LIBVIRT_MS = 2_000;

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
  /** The newest job of each disk. */
  readonly #jobs = new Map<string, { id: string; isGone: boolean }>();
  /** When by the monotonic clock each job concluded, by its id, while libvirt has yet to dismiss it. */
  readonly #concluded = new Map<string, number>();
  #isStalled = false;
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
    this.#calls = new DomainCalls(connection, budget, options.clock, {
      owes: (is) => this.#stall(is),
      inOrder: (action) => this.#words.inOrder(action),
    });
    this.#monitor = new RelayedMonitor(this.#calls, domain, options.queryMs, context.broken);
    const hooks: ReaderHooks = {
      asked: () => {
        this.#asked = options.clock.date();
        emit({ kind: 'querying' });
      },
      merge: (jobs, events, merged) =>
        this.#words.inOrder(() => {
          this.#merged(jobs, events);
          merged?.();
        }),
      stalled: (is) => this.#stall(is),
    };
    this.#reader =
      options.queries === 'native'
        ? new NativeReader(this.#calls, domain, context.heard, options, hooks)
        : new MonitorReader(this.#monitor, options.queryMs, hooks);
    this.#sync = new JobSync(this.#reader.queries, options, () => emit({ kind: 'refused' }));
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
    return this.#reader.queries.fresh();
  }

  poll(): Promise<boolean> {
    return this.#reader.queries.current();
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
    this.#stall(is);
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
    if (changed) this.#note(changed);
    this.#publish(event);
  }

  #publish(event: QmpEvent): void {
    const changed = statusOf(event);
    const target = changed && targetOf(changed.id);
    if (changed && event.time !== null && event.time < this.#cut * 1_000) this.#overtaken(event.type, event.time);
    if (changed?.status !== 'null' || target === undefined || this.#jobs.get(target)?.isGone === true)
      return this.#context.emit({ kind: 'event', event });
    // The rest of the stream goes on behind libvirt's word.
    this.#words.await(target);
    this.#words.inOrder(() => {
      const job = this.#jobs.get(target);
      if (job?.id === changed.id) job.isGone = true;
      this.#context.emit({ kind: 'event', event });
    });
  }

  #note({ id, status }: { id: string; status: string }): void {
    if (isLibvirts(id) && status === 'concluded') this.#concluded.set(id, this.#context.options.clock.now());
    else this.#concluded.delete(id);
    const target = targetOf(id);
    // libvirt gives the next job of a disk the same name.
    if (target !== undefined && (this.#jobs.get(target)?.id !== id || status === 'created'))
      this.#jobs.set(target, { id, isGone: false });
  }

  #said(data: Extract<DomainEvent, { kind: 'word' }>['data']): void {
    const job = this.#jobs.get(data.target);
    const isKnown = job !== undefined && !job.isGone;
    const event = {
      type: 'LIBVIRT_BLOCK_JOB',
      time: Math.round(this.#context.options.clock.date() * 1_000),
      data: isKnown ? { device: job.id, ...data } : data,
    };
    const emit = (): void => this.#context.emit({ kind: 'event', event });
    if (data.status === 'ready' || !this.#words.said(data.target, emit)) this.#words.inOrder(emit);
  }

  #merged(jobs: readonly QueriedJob[], events: QueriedEvents): void {
    if (this.#isClosed) return;
    const { clock, queries } = this.#context.options;
    // Natively what is merged are the events themselves, and no event contradicts it.
    if (queries === 'monitor') this.#cut = this.#asked;
    for (const { id } of [...jobs].reverse()) {
      const target = targetOf(id);
      const job = target === undefined ? undefined : this.#jobs.get(target);
      if (target !== undefined && (job?.id !== id || job.isGone)) this.#jobs.set(target, { id, isGone: false });
    }
    if (jobs.some(({ id, status }) => status === 'concluded' && this.#isLeftToLibvirt(id))) {
      clock.after(DISMISSED_MS, () => {
        if (!this.#isClosed) void this.#reader.queries.current();
      });
      return;
    }
    this.#sync.merged();
    this.#context.emit({ kind: 'jobs', jobs: jobs.map(leftToLibvirt), ...events });
  }

  #isLeftToLibvirt(id: string): boolean {
    const since = this.#concluded.get(id);
    return since !== undefined && this.#context.options.clock.now() - since < LEFT_TO_LIBVIRT_MS;
  }

  #overtaken(type: string, time: number): void {
    this.#context.options.overtaken?.();
    this.#context.emit({ kind: 'overtaken', type, byMs: this.#cut - time / 1_000 });
    void this.#reader.queries.fresh();
  }

  #stall(is: boolean): void {
    if (this.#isStalled === is || this.#isClosed) return;
    this.#isStalled = is;
    this.#context.emit(is ? { kind: 'stalled', waitedMs: this.#context.options.queryMs } : { kind: 'responsive' });
  }
}

/** libvirt dismisses its own jobs, so they need no dismiss; they have auto-dismiss off in QEMU. */
function leftToLibvirt(job: QueriedJob): QueriedJob {
  if (!isLibvirts(job.id) || job.autoDismiss === undefined) return job;
  const { autoDismiss: _libvirts, ...rest } = job;
  return rest;
}
