// A QMP monitor as a source of jobs. Each connection is identified, its jobs are queried until there is a reply, and again after a long silence.
import { Observable, type Subscription } from 'rxjs';
import { formatVersion, type QmpEvent, type QmpSession } from '../../qmp/index.js';
import type {
  Ability,
  Carrier,
  CommandReply,
  GraphReply,
  JobCommand,
  JobSource,
  QueriedEvents,
  QueriedJob,
  SendOptions,
  SourceAbout,
  SourceSignal,
} from '../port.js';
import { formatAddress } from '../source.js';
import { CARRIERS, carrierOf, qmpCall, SYNCHRONOUS_CANCEL } from './commands.js';
import { compareIdentity, type Identity, observe, recallIdentity } from './identity.js';
import { JobSync } from './job-sync.js';
import { labelOf } from './label.js';
import { QMP_SOURCE_DEFAULTS, type QmpSourceOptions, type SessionListener } from './options.js';
import { Queries } from './queries.js';
import type { MonitorPlace, MonitorSignal } from './supervise.js';

const GRAPH_QUERY = 'x-debug-query-block-graph';

type Phase =
  | { kind: 'down' }
  /** Events are held until it is known whether they are of the previous connection's QEMU. */
  | {
      kind: 'identifying';
      session: QmpSession;
      identity: Identity;
      label?: string;
      held: QmpEvent[];
      heldBytes: number;
    }
  | { kind: 'known'; session: QmpSession; queries: Queries; sync: JobSync };

export class QmpJobSource implements JobSource {
  readonly name: string;
  readonly about: SourceAbout = { provider: 'qmp' };
  readonly signals$: Observable<SourceSignal>;
  readonly #options: QmpSourceOptions;
  /** Who else uses the connection; `undefined`: nobody. */
  readonly #sessions: SessionListener | undefined;
  #isShared = false;
  /** Synchronous cancels that QEMU has not answered. */
  #cancelling = 0;
  readonly #socketBirth: () => string | undefined;
  /** Where it listens; missing where QEMU has connected by itself. */
  readonly #address: string | undefined;
  /** QEMU has connected by itself, so its own name is a label. */
  readonly #isLabelled: boolean;
  #emit: (signal: SourceSignal) => void = () => {};
  #phase: Phase = { kind: 'down' };
  /** To the events of the present session. */
  #events: Subscription | undefined;
  #identity: Identity | undefined;
  #birthBefore: string | undefined;

  constructor({ name, address }: { name: string; address: MonitorPlace }, options: Partial<QmpSourceOptions> = {}) {
    this.name = name;
    this.#options = { ...QMP_SOURCE_DEFAULTS, ...options };
    this.#sessions = options.sessions?.wants(name) ? options.sessions : undefined;
    if (this.#sessions) this.#options.qmp = { ...this.#options.qmp, oob: true };
    this.#address = address.kind === 'accepted' ? undefined : formatAddress(address);
    this.#isLabelled = address.kind === 'accepted';
    this.#socketBirth = () => (address.kind === 'accepted' ? undefined : this.#options.socketBirth(address));
    this.signals$ = new Observable((subscriber) => {
      this.#emit = subscriber.next.bind(subscriber);
      const monitor$ = address.kind === 'accepted' ? address.monitor$ : this.#options.monitor$(address, this.#options);
      const monitor = monitor$.subscribe({
        next: (signal) => this.#take(signal),
        error: (error: unknown) => subscriber.error(error),
      });
      return () => {
        monitor.unsubscribe();
        this.#leave();
      };
    });
  }

  get isConnected(): boolean {
    return this.#phase.kind !== 'down';
  }

  recall(identity: unknown): void {
    this.#identity = recallIdentity(identity);
  }

  can(what: Ability): boolean {
    if (what === 'graph') return this.#has(GRAPH_QUERY);
    if (!('queries' in this.#phase)) return true;
    return CARRIERS[what === 'force' ? 'abort' : what].some((each) => this.#has(each));
  }

  async refresh(): Promise<boolean> {
    return 'queries' in this.#phase && this.#phase.queries.fresh();
  }

  async poll(): Promise<boolean> {
    return 'queries' in this.#phase && this.#phase.queries.current();
  }

  readGraph(lane: 'verb' | 'query', reply: (graph: GraphReply) => void): void {
    if (!('queries' in this.#phase)) return reply({ kind: 'none' });
    const { session } = this.#phase;
    session.request(
      GRAPH_QUERY,
      {},
      (answer) => {
        if (answer.kind === 'return') reply({ kind: 'graph', graph: answer.value });
        // QEMU before 4.0, or a build without it.
        else if (answer.kind === 'error' && answer.class === 'CommandNotFound') reply({ kind: 'unsupported' });
        else reply({ kind: 'none' });
      },
      { lane },
    );
  }

  carrierOf(command: JobCommand): Carrier {
    return carrierOf(qmpCall(command, (each) => this.#has(each)));
  }

  send(command: JobCommand, { timeoutMs, lane, written, replied }: SendOptions): () => boolean {
    if (!('sync' in this.#phase) || !this.#phase.sync.isSynced) {
      replied({ kind: 'closed', sent: false });
      return () => false;
    }
    const { name, args } = qmpCall(command, (each) => this.#has(each));
    let synchronous = 0;
    return this.#phase.session.request(
      name,
      args,
      (reply) => {
        this.#cancelling -= synchronous;
        if (reply.kind === 'return') replied({ kind: 'accepted' });
        else if (reply.kind === 'error') replied({ kind: 'refused', class: reply.class, desc: reply.desc });
        else replied(reply satisfies CommandReply);
      },
      {
        timeoutMs,
        lane,
        onWrite: () => {
          if (name === SYNCHRONOUS_CANCEL) synchronous = 1;
          this.#cancelling += synchronous;
          written();
        },
      },
    );
  }

  #take(signal: MonitorSignal): void {
    switch (signal.kind) {
      case 'connecting':
        this.#birthBefore = this.#socketBirth();
        return this.#emit(signal);
      case 'waiting':
        return this.#emit(signal);
      case 'up':
        return this.#negotiated(signal.session);
      case 'down': {
        const held = this.#phase.kind === 'identifying' ? this.#phase.held : [];
        this.#leave();
        for (const event of held) this.#emit({ kind: 'event', event });
        return this.#emit(signal);
      }
    }
  }

  /** By the reply to query-commands; until there is one every command is assumed. */
  #has(command: string): boolean {
    return 'queries' in this.#phase && this.#phase.queries.has(command);
  }

  #leave(): void {
    this.#events?.unsubscribe();
    if (this.#isShared) this.#sessions?.closed(this.name);
    this.#isShared = false;
    if ('sync' in this.#phase) this.#phase.sync.close();
    this.#phase = { kind: 'down' };
  }

  #negotiated(session: QmpSession): void {
    const seen = observe(session.greeting.version, this.#birthBefore, this.#socketBirth());
    const identity = { ...seen, ...(this.#address !== undefined && { address: this.#address }) };
    const phase: Phase = { kind: 'identifying', session, identity, held: [], heldBytes: 0 };
    this.#phase = phase;
    this.#emit({ kind: 'negotiated', qemu: formatVersion(session.greeting.version) });
    this.#events = session.events$.subscribe((event) => this.#hear(event));
    if (this.#isLabelled)
      session.request('query-name', {}, (reply) => {
        const label = reply.kind === 'return' ? labelOf(reply.value.name) : undefined;
        if (label !== undefined && label !== this.name) phase.label = label;
      });
    session.request(
      'query-cpus-fast',
      {},
      (reply) => {
        if (reply.kind === 'closed' || this.#phase !== phase) return;
        if (reply.kind === 'return') identity.threads = reply.value.map((cpu) => cpu['thread-id']);
        this.#identified(phase);
      },
      { timeoutMs: this.#options.queryMs },
    );
  }

  #identified({ session, identity, label, held }: Extract<Phase, { kind: 'identifying' }>): void {
    const same = compareIdentity(this.#identity, identity);
    this.#identity = identity;
    const { queryMs } = this.#options;
    let isStalled = false;
    const queries = new Queries(session, {
      timeoutMs: queryMs,
      asked: () => this.#emit({ kind: 'querying' }),
      merge: (jobs, events) => this.#merged(jobs, events),
      stalled: (is) => {
        // While QEMU carries out a synchronous cancel it answers nothing else.
        if (is === isStalled || (is && this.#cancelling > 0)) return;
        isStalled = is;
        this.#emit(is ? { kind: 'stalled', waitedMs: queryMs } : { kind: 'responsive' });
      },
    });
    const sync = new JobSync(queries, this.#options, () => this.#emit({ kind: 'refused' }));
    this.#phase = { kind: 'known', session, queries, sync };
    this.#emit({
      kind: 'up',
      qemu: formatVersion(session.greeting.version),
      same,
      identity,
      ...(label !== undefined && { label }),
    });
    for (const event of held) this.#emit({ kind: 'event', event });
    sync.begin();
  }

  #hear(event: QmpEvent): void {
    const phase = this.#phase;
    if (phase.kind !== 'identifying') {
      if (phase.kind === 'known') phase.sync.heard = true;
      return this.#emit({ kind: 'event', event });
    }
    phase.held.push(event);
    phase.heldBytes += event.bytes ?? 0;
    if (phase.heldBytes > this.#options.heldBytes) this.#identified(phase);
  }

  /** Both replies have come, at their place between the events. */
  #merged(jobs: readonly QueriedJob[], events: QueriedEvents): void {
    if ('sync' in this.#phase) this.#phase.sync.merged();
    this.#emit({ kind: 'jobs', jobs, ...events });
    if (this.#isShared || !this.#sessions || !('sync' in this.#phase)) return;
    this.#isShared = true;
    this.#sessions.opened(this.name, this.#phase.session);
  }
}
