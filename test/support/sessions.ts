// Sessions of the gateway without sockets and without HTTP, with a policy, a view and commands that the test controls.
import { Subject } from 'rxjs';
import { onTestFinished } from 'vitest';
import { type Access, type CallContext, NO_ACCESS_POLICY } from '../../src/access/index.js';
import { Hub } from '../../src/gateway/fan-out/hub.js';
import { ProgressLanes } from '../../src/gateway/fan-out/progress.js';
import { Snapshots } from '../../src/gateway/fan-out/snapshot.js';
import { GATEWAY_LIMITS, type GatewayLimits } from '../../src/gateway/limits.js';
import type { CommandPort, HistoryPort, ViewPort } from '../../src/gateway/ports.js';
import { Scheduler } from '../../src/gateway/scheduler.js';
import { plainMethods } from '../../src/gateway/session/methods.js';
import { SessionRegistry } from '../../src/gateway/session/registry.js';
import { ClientSession, type SessionDeps } from '../../src/gateway/session/session.js';
import { CommandTracing } from '../../src/gateway/tracing.js';
import { type LogLimits, MemoryLog } from '../../src/log/index.js';
import type { Answer } from '../../src/protocol/answer.js';
import type { JobTarget, MethodName, Methods } from '../../src/protocol/methods.js';
import type { Job, Progress, SettledRun, SourceInfo } from '../../src/protocol/types.js';
import { FakeClock } from './fake-clock.js';
import { FarEnd, type Message } from './far-end.js';
import { recordErrors } from './logger.js';
import { TestRecorder } from './recorder.js';
import { settlementOf } from './settlement.js';

export interface Call {
  name: string;
  context: CallContext;
  params: JobTarget;
  answer: (answer: Answer<object>) => void;
}

export interface SessionsOptions {
  access?: Access;
  limits?: Partial<GatewayLimits>;
  log?: Partial<LogLimits>;
}

const VERBS = ['get', 'abort', 'wait', 'complete', 'pause', 'resume', 'finalize', 'dismiss', 'setSpeed'];

export class Sessions {
  /** The lines of the audit. */
  readonly audited: object[] = [];
  readonly clock = new FakeClock();
  readonly log: MemoryLog;
  readonly sources: SourceInfo[] = [];
  readonly jobs: Job[] = [];
  readonly settled: SettledRun[] = [];
  readonly #progress$ = new Subject<Progress[]>();
  /** How often all jobs were looked at. */
  looks = 0;
  readonly demands = new Map<string, Parameters<ViewPort['demand']>[1]>();
  readonly calls: Call[] = [];
  readonly errors: unknown[] = [];
  /** The same with their fields. */
  readonly lines: object[] = [];
  /** Resolves `freshen`, where it is set. */
  freshen: ViewPort['freshen'] = () => undefined;
  /** The runs that have ended. */
  history: HistoryPort = { older: async () => ({ found: [], next: undefined }), progressOf: () => [] };
  /** What metrics are told. */
  readonly recorder = new TestRecorder();
  readonly tracing = new CommandTracing('0.0.0');
  readonly hub: Hub;
  readonly limits: GatewayLimits;
  readonly access: Access;
  readonly deps: SessionDeps;

  constructor({ access = NO_ACCESS_POLICY, limits = {}, log = {} }: SessionsOptions = {}) {
    this.access = access;
    this.limits = { ...GATEWAY_LIMITS, ...limits };
    this.log = new MemoryLog({ epoch: 'e', limits: log });
    const view: ViewPort = {
      sources: () => this.sources,
      jobs: (wants) => {
        this.looks += 1;
        return this.jobs.filter(({ source }) => wants(source));
      },
      settled: () => this.settled,
      isLive: (_source, _job, run) => this.jobs.some((job) => job.run === run && !job.settled),
      progress$: this.#progress$,
      freshen: (...given) => this.freshen(...given),
      demand: (key, demand) => void (demand ? this.demands.set(key, demand) : this.demands.delete(key)),
    };
    const commands = Object.fromEntries(
      VERBS.map((verb) => [
        `job.${verb}`,
        (context: CallContext, params: JobTarget) =>
          new Promise<Answer<object>>((answer) => {
            this.calls.push({ name: `job.${verb}`, context, params, answer });
          }),
      ]),
    ) as unknown as CommandPort;
    const snapshots = new Snapshots(view, this.clock);
    const scheduler = new Scheduler(this.clock);
    const { recorder } = this;
    const shared = { limits: this.limits, clock: this.clock, scheduler, recorder };
    this.hub = new Hub({ log: this.log, snapshots, ...shared });
    const progress = new ProgressLanes({ view, hub: this.hub, ...shared });
    const sessions = new SessionRegistry();
    const changes = access.changes$.subscribe((change) => sessions.apply(change));
    this.deps = {
      access,
      sessions,
      log: this.log,
      hub: this.hub,
      progress,
      snapshots,
      limits: this.limits,
      clock: this.clock,
      recorder,
      methods: plainMethods({
        ...{ version: '0.0.0', log: this.log, view, commands, limits: this.limits, clock: this.clock },
        history: { older: (...step) => this.history.older(...step), progressOf: (run) => this.history.progressOf(run) },
        searches: scheduler.queue(),
        recorder,
        tracing: this.tracing,
        logger: { info: (fields) => void this.audited.push(fields) },
      }),
      logger: recordErrors(this.errors, this.lines),
    };
    onTestFinished(() => {
      changes.unsubscribe();
      progress.close();
      this.hub.close();
    });
  }

  /** @param token as {@link Access.authenticate} takes it; it must be accepted. */
  client(token?: string): Client {
    return new Client(this, token);
  }

  /** So many turns of the loop. */
  turn(count?: number): Promise<void> {
    return this.clock.turn(count);
  }

  /** As a poll brings it. */
  progress(...rows: Progress[]): void {
    this.#progress$.next(rows);
  }

  append(source: string, type: string, job?: string, data: unknown = {}): void {
    const ref = job === undefined ? {} : { job: { id: job, run: runOf(source, job) } };
    this.log.append([{ source, type, time: null, data, ...ref }]);
  }
}

export class Client {
  readonly end: FarEnd;
  readonly session: ClientSession;
  /** What the session requested of its connection. */
  readonly asked: string[] = [];
  readonly #clock: FakeClock;
  #id = 0;

  constructor(bench: Sessions, token: string | undefined) {
    this.#clock = bench.clock;
    const transport = { kind: 'websocket', listener: 'tcp', proxied: false, address: '127.0.0.1' } as const;
    const authenticated = bench.access.authenticate({ token }, transport);
    if (authenticated instanceof Promise) throw new Error('the session must be known at once');
    if (!authenticated.ok) throw new Error(authenticated.error.message);
    this.end = new FarEnd({
      highWaterBytes: bench.limits.highWaterBytes,
      clock: bench.clock,
      owner: {
        drained: () => {
          bench.hub.drained(this.session);
          for (const each of bench.hub.of(this.session).values()) bench.deps.progress.drained(each);
          this.session.advanced();
        },
        stuck: () => undefined,
      },
    });
    this.session = new ClientSession(this.end.outbox, authenticated.result, bench.deps, {
      transport,
      later: (work) => bench.clock.soon(work),
      abused: (retryAfterMs) => void this.asked.push(`abused ${retryAfterMs}`),
      resume: () => void this.asked.push('resume'),
      revoked: () => void this.asked.push('revoked'),
      authenticated: () => undefined,
      expired: () => void this.asked.push('expired'),
    });
    onTestFinished(() => this.session.close());
  }

  /** @returns the id of the request. */
  send<Name extends MethodName>(method: Name, params: Methods[Name]['params']): number {
    this.#id += 1;
    this.receive({ jsonrpc: '2.0', id: this.#id, method, params });
    return this.#id;
  }

  receive(message: object | string): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    const step = this.session.receive(text, this.#clock.now());
    const again = (): void => {
      if (step && !step.again()) this.#clock.soon(again);
    };
    if (step) this.#clock.soon(again);
  }

  /** The reply, once it is there. */
  async call<Name extends MethodName>(method: Name, params: Methods[Name]['params']): Promise<Message> {
    const id = this.send(method, params);
    for (let n = 0; n < 100; n += 1) {
      const reply = this.end.answer(id);
      if (reply) return reply;
      await this.#clock.turn();
    }
    throw new Error(`${method} was not answered`);
  }
}

export const runOf = (source: string, job: string): string => `${source}:${job}`;

export function jobOf(source: string, job: string): Job {
  const figures = { len: 100, offset: 1, speed: 0, began: 'e:1', updated: '2026-11-25T21:01:00.000000Z' };
  return { source, job, run: runOf(source, job), type: 'mirror', status: 'running', ...figures };
}

export function settledOf(source: string, job: string): SettledRun {
  return {
    source,
    job,
    run: `${runOf(source, job)}:ended`,
    cursor: 'e:1',
    time: null,
    settled: settlementOf(),
  };
}

export function progressOf(source: string, job: string, offset: number): Progress {
  return { source, job, run: runOf(source, job), status: 'running', len: 100, offset, speed: 0 };
}

export function sourceOf(name: string): SourceInfo {
  return { name, state: 'up', since: '2026-11-25T21:01:00.000000Z', qemu: '8.0.0' };
}
