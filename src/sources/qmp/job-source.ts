// A QMP monitor as a source of jobs. Each connection is identified, its jobs are queried until there is a reply, and again after a long silence.
import { Observable, type Subscription } from 'rxjs';
import type { JobVerb } from '../../protocol/types.js';
import { formatVersion, type QmpEvent, type QmpSession } from '../../qmp/index.js';
import { backoff } from '../backoff.js';
import type { CommandReply, GraphReply, JobCommand, JobSource, SendOptions, SourceSignal } from '../port.js';
import type { Source } from '../source.js';
import { qmpCall } from './commands.js';
import { compareIdentity, type Identity, observe } from './identity.js';
import { QMP_SOURCE_DEFAULTS, type QmpSourceOptions } from './options.js';
import { Queries } from './queries.js';
import type { MonitorSignal } from './supervise.js';

const GRAPH_QUERY = 'x-debug-query-block-graph';

type Phase =
  | { kind: 'down' }
  /** Events are held until it is known whether they are of the previous connection's QEMU. */
  | { kind: 'identifying'; session: QmpSession; identity: Identity; held: QmpEvent[]; heldBytes: number }
  | { kind: 'syncing' | 'up'; session: QmpSession; queries: Queries };

export class QmpJobSource implements JobSource {
  readonly name: string;
  readonly signals$: Observable<SourceSignal>;
  readonly #options: QmpSourceOptions;
  readonly #socketBirth: () => string | undefined;
  #emit: (signal: SourceSignal) => void = () => {};
  #phase: Phase = { kind: 'down' };
  /** To the events of the present session. */
  #events: Subscription | undefined;
  #identity: Identity | undefined;
  #birthBefore: string | undefined;
  /** Stops the timer of the next try to sync, then that of the probes. */
  #stop: (() => void) | undefined;
  #heard = false;
  /** By the monotonic clock: the last check that found an event or a reply. */
  #lastHeard = 0;

  constructor({ name, address }: Source, options: Partial<QmpSourceOptions> = {}) {
    this.name = name;
    this.#options = { ...QMP_SOURCE_DEFAULTS, ...options };
    this.#socketBirth = () => this.#options.socketBirth(address);
    this.signals$ = new Observable((subscriber) => {
      this.#emit = subscriber.next.bind(subscriber);
      const monitor = this.#options.monitor$(address, this.#options).subscribe({
        next: (signal) => this.#take(signal),
        error: (error: unknown) => subscriber.error(error),
      });
      return () => {
        monitor.unsubscribe();
        this.#leave();
      };
    });
  }

  can(what: JobVerb | 'graph'): boolean {
    return what !== 'graph' || this.#has(GRAPH_QUERY);
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

  send(command: JobCommand, { timeoutMs, lane, written, replied }: SendOptions): () => boolean {
    if (this.#phase.kind !== 'up') {
      replied({ kind: 'closed', sent: false });
      return () => false;
    }
    const { name, args } = qmpCall(command, (each) => this.#has(each));
    return this.#phase.session.request(
      name,
      args,
      (reply) => {
        if (reply.kind === 'return') replied({ kind: 'accepted' });
        else if (reply.kind === 'error') replied({ kind: 'refused', class: reply.class, desc: reply.desc });
        else replied(reply satisfies CommandReply);
      },
      { timeoutMs, lane, onWrite: written },
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
    this.#stop?.();
    this.#events?.unsubscribe();
    if ('queries' in this.#phase) this.#phase.queries.close();
    this.#phase = { kind: 'down' };
  }

  #negotiated(session: QmpSession): void {
    const identity = observe(session.greeting.version, this.#birthBefore, this.#socketBirth());
    const phase: Phase = { kind: 'identifying', session, identity, held: [], heldBytes: 0 };
    this.#phase = phase;
    this.#lastHeard = this.#options.clock.now();
    this.#emit({ kind: 'negotiated', qemu: formatVersion(session.greeting.version) });
    this.#events = session.events$.subscribe((event) => this.#hear(event));
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

  #identified({ session, identity, held }: Extract<Phase, { kind: 'identifying' }>): void {
    const same = compareIdentity(this.#identity, identity);
    this.#identity = identity;
    const { queryMs } = this.#options;
    let isStalled = false;
    const queries = new Queries(session, {
      timeoutMs: queryMs,
      asked: () => this.#emit({ kind: 'querying' }),
      merge: (jobs, legacy) => this.#merged(jobs, legacy),
      stalled: (is) => {
        if (is === isStalled) return;
        isStalled = is;
        this.#emit(is ? { kind: 'stalled', waitedMs: queryMs } : { kind: 'responsive' });
      },
    });
    this.#phase = { kind: 'syncing', session, queries };
    this.#emit({ kind: 'up', qemu: formatVersion(session.greeting.version), same });
    for (const event of held) this.#emit({ kind: 'event', event });
    this.#sync(queries, 0);
  }

  #sync(queries: Queries, refusals: number): void {
    void queries.fresh().then((merged) => {
      if (merged || this.#phase.kind !== 'syncing' || this.#phase.queries !== queries) return;
      // With `-preconfig` QEMU refuses some queries until `x-exit-preconfig`.
      this.#emit({ kind: 'refused' });
      const { clock, refusedMs: baseMs, refusedMaxMs: maxMs } = this.#options;
      const waitMs = backoff(refusals, 1, { baseMs, maxMs });
      this.#stop = clock.after(waitMs, () => this.#sync(queries, refusals + 1));
    });
  }

  #hear(event: QmpEvent): void {
    this.#heard = true;
    const phase = this.#phase;
    if (phase.kind !== 'identifying') return this.#emit({ kind: 'event', event });
    phase.held.push(event);
    phase.heldBytes += event.bytes ?? 0;
    if (phase.heldBytes > this.#options.heldBytes) this.#identified(phase);
  }

  /** Both replies have come, at their place between the events. */
  #merged(jobs: Extract<SourceSignal, { kind: 'jobs' }>['jobs'], legacy: boolean): void {
    this.#lastHeard = this.#options.clock.now();
    const first = this.#phase.kind === 'syncing' ? this.#phase : undefined;
    if (first) {
      this.#phase = { ...first, kind: 'up' };
      this.#heard = false;
      this.#stop?.();
      const { clock, probeMs } = this.#options;
      this.#stop = clock.every(probeMs / 2, () => this.#probe());
    }
    this.#emit({ kind: 'jobs', jobs, legacy });
  }

  /** Queries a monitor that has been silent for `probeMs`. The clock is not read for each event, so there are two checks in that time. */
  #probe(): void {
    const { probeMs, clock } = this.#options;
    const now = clock.now();
    if (this.#heard) this.#lastHeard = now;
    this.#heard = false;
    if (now - this.#lastHeard >= probeMs) void this.poll();
  }
}
