// A mock gateway in memory, for browser and Node: a log, a few jobs, the methods, and faults that a test scripts. It also drives a demo without a
// server.
import { formatCursor, parseCursor } from '../../../src/protocol/cursor.js';
import type {
  MethodName,
  Methods,
  Notifications,
  RpcErrorBody,
  RpcRequest,
  SubscribeParams,
} from '../../../src/protocol/methods.js';
import type { Entry, Job, SettledRun, Settlement, SourceInfo } from '../../../src/protocol/types.js';

export interface Connection {
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** What a script makes of one request instead of the usual. */
export type Fault =
  | { kind: 'refuse'; error: RpcErrorBody }
  /** No answer at all. */
  | { kind: 'silence' }
  /** The connection ends instead of answering. */
  | { kind: 'die'; code: number }
  /** The connection ends after the answer and so many events of the replay. */
  | { kind: 'die-after'; events: number; code: number };

export type Script = (request: RpcRequest, connection: number) => Fault | undefined;

interface Peer {
  connection: Connection;
  number: number;
  subscriptions: Map<string, SubscribeParams>;
}

const NOW = '2026-11-23T00:00:00.000000Z';

export class MockGateway {
  epoch = 'mock1';
  /** The oldest offset that is still retained. */
  retained = 1;
  script: Script = () => undefined;
  features: readonly string[] = ['tag', 'last'];
  readonly log: Entry[] = [];
  readonly jobs = new Map<string, Job>();
  readonly settled: SettledRun[] = [];
  readonly sources: SourceInfo[] = [{ name: 'vm1', state: 'up', since: NOW, qemu: '10.0.13' }];
  readonly requests: (RpcRequest & { connection: number })[] = [];
  connections = 0;
  readonly #peers = new Set<Peer>();
  #offset = 0;

  get cursor(): string {
    return formatCursor(this.epoch, this.#offset);
  }

  get open(): number {
    return this.#peers.size;
  }

  connect(connection: Connection): { receive(text: string): void; closed(): void } {
    const peer: Peer = { connection, number: ++this.connections, subscriptions: new Map() };
    this.#peers.add(peer);
    return {
      receive: (text) => this.#receive(peer, JSON.parse(text) as RpcRequest),
      closed: () => void this.#peers.delete(peer),
    };
  }

  /** Appends an entry and sends it to the subscriptions that match. `job` names a run; without `run` a new one begins here. */
  emit(type: string, data: unknown, job?: { id: string; run?: string }): Entry {
    const offset = ++this.#offset;
    const about = job ? { job: { id: job.id, run: job.run ?? formatCursor(this.epoch, offset) } } : {};
    const entry: Entry = { offset, source: 'vm1', type, time: NOW, ...about, data };
    this.log.push(entry);
    for (const peer of this.#peers) {
      for (const [id, params] of peer.subscriptions) this.#push(peer, id, params, [entry]);
    }
    return entry;
  }

  startJob(id: string): Job {
    const entry = this.emit('JOB_STATUS_CHANGE', { id, status: 'running' }, { id });
    const run = entry.job?.run ?? '';
    const figures = { len: 100, offset: 0, speed: 0 };
    const job: Job = { source: 'vm1', job: id, run, type: 'mirror', status: 'running', ...figures, updated: NOW };
    this.jobs.set(id, job);
    return job;
  }

  cancelJob({ job: id, run }: Job): SettledRun {
    const figures = { type: 'mirror', device: id, len: 100, offset: 40, speed: 0 };
    this.emit('BLOCK_JOB_CANCELLED', figures, { id, run });
    this.emit('JOB_STATUS_CHANGE', { id, status: 'null' }, { id, run });
    const settled: Settlement = {
      ...{
        outcome: 'cancelled',
        provenance: 'observed',
        pivoted: false,
        pivotProof: 'event',
        forced: false,
        escalated: false,
      },
      ...{ requestedBy: ['anonymous'], dismissed: true, type: 'mirror', len: 100, offset: 40 },
    };
    this.jobs.delete(id);
    this.emit('GATEWAY_JOB_SETTLED', settled, { id, run });
    const ended = { source: 'vm1', job: id, run, cursor: this.cursor, time: NOW, settled };
    this.settled.push(ended);
    return ended;
  }

  bookmark(): void {
    for (const peer of this.#peers) this.#notify(peer, 'bookmark', { cursor: this.cursor, time: NOW });
  }

  bye(code: number, reason: string, retryAfterMs: number): void {
    for (const peer of this.#peers) this.#notify(peer, 'bye', { code, reason, retryAfterMs });
    this.drop(code, reason);
  }

  drop(code: number, reason = ''): void {
    for (const peer of [...this.#peers]) this.#end(peer, code, reason);
  }

  reset(reason: 'retention' | 'epoch'): void {
    for (const peer of this.#peers) {
      for (const subscription of peer.subscriptions.keys())
        this.#notify(peer, 'reset', { subscription, reason, ...this.#cut() });
    }
  }

  /** The log begins anew, as after a restart without a durable log. */
  restart(epoch: string): void {
    this.epoch = epoch;
    this.#offset = 0;
    this.log.length = 0;
  }

  #receive(peer: Peer, request: RpcRequest): void {
    this.requests.push({ ...request, connection: peer.number });
    const fault = this.script(request, peer.number);
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'die') this.#end(peer, fault.code, 'scripted');
    else if (fault?.kind === 'refuse') this.#send(peer, { id: request.id, error: fault.error });
    else if (request.method === 'subscribe') this.#subscribe(peer, request, fault);
    else this.#send(peer, { id: request.id, ...this.#answer(peer, request) });
  }

  #answer(peer: Peer, { method, params }: RpcRequest): { result: unknown } | { error: RpcErrorBody } {
    const target = params as { job: string; run?: string; sync?: boolean; subscription: string };
    const job = this.jobs.get(target.job);
    const missing = { error: { code: -32004, message: 'no such job', data: { reason: 'JOB_NOT_FOUND' } } };
    switch (method as MethodName) {
      case 'server.info':
        return {
          result: {
            ...{ version: 'mock', epoch: this.epoch, cursor: this.cursor, limits: {}, bookmarkMs: 15_000 },
            features: this.features,
          },
        };
      case 'authenticate':
        return { result: { principal: 'mock', scopes: [], expiresAt: null } };
      case 'source.list':
        return { result: { sources: this.sources } };
      case 'job.list':
        return { result: { cursor: this.cursor, jobs: [...this.jobs.values()] } };
      case 'job.get':
        return job ? { result: job } : missing;
      case 'job.abort':
        return this.#abort(target, job) ?? missing;
      case 'unsubscribe':
        peer.subscriptions.delete(target.subscription);
        return { result: {} };
      default:
        return { error: { code: -32601, message: `the mock has no ${method}`, data: { reason: 'METHOD_NOT_FOUND' } } };
    }
  }

  #abort(
    target: { run?: string; sync?: boolean },
    job: Job | undefined,
  ): { result: Methods['job.abort']['result'] } | undefined {
    const before = this.settled.find(({ run }) => run === target.run);
    const cursor = this.cursor;
    if (!before && !job) return undefined;
    const ended = before ?? (job && this.cancelJob(job));
    if (!ended || (!target.sync && !before)) {
      const run = job?.run ?? '';
      return { result: { status: 'requested', source: 'vm1', job: job?.job ?? '', run, cursor } };
    }
    const { requestedBy: _by, type: _type, len: _len, offset: _offset, ...end } = ended.settled;
    return {
      result: { status: 'settled', ...end, source: 'vm1', job: ended.job, run: ended.run, cursor: ended.cursor },
    };
  }

  #subscribe(peer: Peer, request: RpcRequest, fault: Fault | undefined): void {
    const params = request.params as SubscribeParams;
    const id = `s${JSON.stringify([params.sources, params.types, params.jobs, params.tag])}`;
    const after = params.after === undefined ? undefined : parseCursor(params.after);
    const back = params.last === undefined ? undefined : (this.log.at(-params.last - 1)?.offset ?? 0);
    const kept = after?.epoch === this.epoch && after.offset <= this.#offset && after.offset + 1 >= this.retained;
    const { reason: _reason, ...cut } = { reason: '', ...this.#cut() };
    const head = {
      subscription: id,
      resumed: kept,
      cursor: kept ? (params.after ?? '') : back === undefined ? cut.cursor : formatCursor(this.epoch, back),
      sources: this.sources,
    };
    const snapshot = kept || params.snapshot === false ? {} : { jobs: cut.jobs, settled: cut.settled };
    this.#send(peer, { id: request.id, result: { ...head, ...snapshot } });
    peer.subscriptions.set(id, params);
    const from = kept ? after.offset : back;
    const replay = from === undefined ? [] : this.log.filter(({ offset }) => offset > from);
    this.#push(peer, id, params, fault?.kind === 'die-after' ? replay.slice(0, fault.events) : replay);
    if (fault?.kind === 'die-after') this.#end(peer, fault.code, 'scripted');
  }

  #push(peer: Peer, subscription: string, { types }: SubscribeParams, entries: Entry[]): void {
    const last = entries.at(-1);
    if (!last) return;
    const events = entries.filter(({ type }) => !types || types.includes(type));
    const cursor = formatCursor(this.epoch, last.offset);
    if (events.length > 0) this.#notify(peer, 'events', { subscription, cursor, events });
  }

  #cut() {
    return { cursor: this.cursor, jobs: [...this.jobs.values()], settled: [...this.settled], sources: this.sources };
  }

  #notify<Name extends keyof Notifications>(peer: Peer, method: Name, params: Notifications[Name]): void {
    this.#send(peer, { method, params });
  }

  #send(peer: Peer, message: object): void {
    peer.connection.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  #end(peer: Peer, code: number, reason: string): void {
    this.#peers.delete(peer);
    peer.connection.close(code, reason);
  }
}
