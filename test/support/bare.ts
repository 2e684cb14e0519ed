// The gateway layer alone on a free port, with a view and commands that the test controls.
import { Subject } from 'rxjs';
import { onTestFinished } from 'vitest';
import { type Access, type CallContext, NO_ACCESS_POLICY } from '../../src/access/index.js';
import { CLOCK, type Clock } from '../../src/clock.js';
import {
  type CommandPort,
  CommandTracing,
  type GatewayCounts,
  type GatewayLimits,
  NO_PROXY,
  openGateway,
  type ViewPort,
} from '../../src/gateway/index.js';
import type { EventLog, LogLimits } from '../../src/log/index.js';
import type { Refusal } from '../../src/protocol/answer.js';
import type { Job, Progress, SettledRun, SourceInfo } from '../../src/protocol/index.js';
import { openTestLog } from './log.js';
import { recordErrors } from './logger.js';
import { TestRecorder } from './recorder.js';
import { settlementOf } from './settlement.js';
import { connectWire, type Wire } from './wire.js';

export interface Bare {
  url: string;
  port: number;
  log: EventLog;
  jobs: Job[];
  settled: SettledRun[];
  /** As polls would bring it. */
  progress$: Subject<Progress[]>;
  /** What is wanted of it, by key. */
  demands: Map<string, unknown>;
  /** Calls of commands; they answer when the test says so, or when their caller has gone. */
  calls: { name: string; context: CallContext; answer: (refusal: Refusal) => void }[];
  errors: unknown[];
  /** The same as lines of the log, with their fields. */
  lines: object[];
  /** What the view throws instead of its jobs. */
  failures: { jobs?: Error };
  /** How often all jobs were looked at. */
  looks: { jobs: number };
  /** What metrics are told. */
  recorder: TestRecorder;
  counts(): GatewayCounts;
  wire(options?: Parameters<typeof connectWire>[1]): Promise<Wire>;
  close(): Promise<void>;
}

export async function openBare(
  limits: Partial<GatewayLimits> = {},
  options: {
    compression?: 'auto' | 'on';
    allowHosts?: string[];
    allowOrigins?: string[];
    host?: string;
    /** Default: that of the process. */
    clock?: Clock;
    log?: Partial<LogLimits>;
    /** Default: every client may do everything. */
    access?: Access;
    sources?: SourceInfo[];
    /** Resolves when the jobs' figures are fresh; by default they are. */
    freshen?: () => Promise<void> | undefined;
  } = {},
): Promise<Bare> {
  const log = openTestLog(options.log, 'e');
  const jobs: Job[] = [];
  const settled: SettledRun[] = [];
  const progress$ = new Subject<Progress[]>();
  const demands = new Map<string, unknown>();
  const calls: Bare['calls'] = [];
  const errors: unknown[] = [];
  const lines: object[] = [];
  const failures: Bare['failures'] = {};
  const looks = { jobs: 0 };
  const recorder = new TestRecorder();
  const view: ViewPort = {
    sources: () => options.sources ?? [],
    jobs: (wants) => {
      looks.jobs += 1;
      if (failures.jobs) throw failures.jobs;
      return jobs.filter(({ source }) => wants(source));
    },
    settled: () => settled,
    isLive: (source, job, run) =>
      !settled.some((each) => each.source === source && each.job === job && each.run === run),
    progress$,
    freshen: options.freshen ?? (() => undefined),
    demand: (key, demand) => void (demand ? demands.set(key, demand) : demands.delete(key)),
  };
  const commands = new Proxy({} as CommandPort, {
    ownKeys: () => NAMES,
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_target, name) => (context: CallContext) =>
      new Promise((resolve) => {
        calls.push({ name: String(name), context, answer: (error) => resolve({ ok: false, error }) });
      }),
  });
  const gateway = await openGateway({
    listen: [{ kind: 'tcp', host: options.host ?? '127.0.0.1', port: 0, serves: 'all' }],
    tls: undefined,
    localOnly: false,
    trust: NO_PROXY,
    rules: {
      allowHosts: options.allowHosts ?? [],
      allowOrigins: options.allowOrigins ?? [],
      compression: options.compression ?? 'auto',
    },
    version: '0.0.0',
    log,
    view,
    history: { older: async () => ({ found: [], next: undefined }), progressOf: () => [] },
    commands,
    access: options.access ?? NO_ACCESS_POLICY,
    clock: options.clock ?? CLOCK,
    metrics: () => Promise.resolve({ type: 'text/plain', text: 'none 0\n' }),
    health: () => [],
    recorder,
    tracing: new CommandTracing('0.0.0'),
    pages: (_request, _response, miss) => miss(),
    logger: recordErrors(errors, lines),
    limits,
  });
  const port = gateway.listeners[0]?.bound?.port ?? 0;
  const url = `http://127.0.0.1:${port}/`;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= gateway.close();
    return closing;
  };
  onTestFinished(close);
  const wire = async (more?: Parameters<typeof connectWire>[1]): Promise<Wire> => {
    const connected = await connectWire(url, more);
    onTestFinished(() => connected.close());
    return connected;
  };
  return {
    url,
    port,
    log,
    jobs,
    settled,
    progress$,
    demands,
    calls,
    errors,
    lines,
    failures,
    looks,
    recorder,
    counts: () => gateway.counts(),
    wire,
    close,
  };
}

const NAMES = ['get', 'abort', 'wait', 'complete', 'pause', 'resume', 'finalize', 'dismiss', 'setSpeed'].map(
  (verb) => `job.${verb}`,
);

/** A settlement that is remembered. */
export function settledRun(n: number, job: string): SettledRun {
  return {
    source: 'vm1',
    job,
    run: `e:${n}`,
    cursor: `e:${n}`,
    time: null,
    settled: settlementOf(),
  };
}

export function progressRow(source: string, job: string, offset: number): Progress {
  return { source, job, run: `e:${job.length}`, status: 'running', len: 1 << 30, offset, speed: 0 };
}

/** Milliseconds of CPU time that this process has used: what else runs on the machine adds nothing to them. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The most CPU time that one turn of the loop took while something happened, in milliseconds. */
export async function longestTurn(during: () => Promise<void>): Promise<number> {
  let longest = 0;
  let at = cpuMs();
  let watching = true;
  const watch = (): void => {
    const now = cpuMs();
    longest = Math.max(longest, now - at);
    at = now;
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  await during();
  watching = false;
  return longest;
}
