// `npm run chaos -- --seed N --minutes M`: a gateway process, simulated and real monitors, 200 subscribers, a schedule of faults; then the
// checker's verdict. Exit 0: no violation. Everything random comes from the seed, which is printed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { LOG_LIMITS } from '../../src/log/index.js';
import type { Filter, Settlement } from '../../src/protocol/index.js';
import { freePort } from '../support/free-port.js';
import { haveQemu } from '../support/qemu.js';
import { after } from './check-stream.js';
import { check } from './checker.js';
import { Deafness } from './deafness.js';
import { type Dice, dice } from './dice.js';
import { GatewayProcess } from './gateway-process.js';
import { logsOf, matcher, positionOf } from './log.js';
import { type LiveMonitor, openQemuMonitor, openSimMonitor } from './monitors.js';
import type { ChaosRecord } from './record.js';
import { type Fault, schedule } from './schedule.js';
import { Interner, Subscriber, type Temper } from './subscriber.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    /** Only prints what would be done. */
    plan: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const durationMs = Number(values.minutes) * 60_000;
const SIMS = ['sim0', 'sim1', 'sim2', 'sim3', 'sim4', 'sim5'];
const QEMUS = haveQemu ? ['qsd0'] : [];
const TEMPERS: readonly [Temper, number][] = [
  ['healthy', 110],
  ['cutter', 50],
  ['slow', 25],
  ['silent', 15],
];

const soon = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));
const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

function filters(throws: Dice): Filter[] {
  const sources = (): string[] => throws.pick([['sim0'], ['sim1', 'sim2'], ['sim?'], ['qsd*'], ['*3', 'sim4']]);
  const types = (): string[] =>
    throws.pick([
      ['BLOCK_JOB_*'],
      ['GATEWAY_*'],
      ['JOB_STATUS_CHANGE'],
      ['BLOCK_JOB_CANCELLED', 'GATEWAY_JOB_SETTLED'],
      ['*_ERROR', 'CHAOS_*'],
    ]);
  const jobs = (): string[] => throws.pick([['job0'], ['job?'], ['disk*', 'job1*'], ['*b']]);
  return Array.from({ length: 24 }, (_, n) => ({
    ...((n & 1) !== 0 && { sources: sources() }),
    ...((n & 2) !== 0 && { types: types() }),
    ...((n & 4) !== 0 && { jobs: jobs() }),
  }));
}

async function main(): Promise<number> {
  const faults = schedule({ seed, durationMs, sims: SIMS, qemus: QEMUS });
  say(
    `seed ${seed}, ${durationMs / 1000} s, ${faults.length} faults, ${QEMUS.length ? 'a real storage daemon' : 'no qemu-storage-daemon here'}`,
  );
  if (values.plan) {
    for (const { atMs, target, fault } of faults) console.log(atMs, target, JSON.stringify(fault));
    return 0;
  }
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
  const monitors: LiveMonitor[] = [];
  for (const name of SIMS) monitors.push(await openSimMonitor(name, folder, dice(seed, name)));
  for (const name of QEMUS) monitors.push(await openQemuMonitor(name, folder, dice(seed, name)));
  const gateway = new GatewayProcess(
    resolve('dist/cli/main.js'),
    await freePort(),
    Object.fromEntries(monitors.map(({ source, uri }) => [source, uri])),
  );
  await gateway.start();
  const run = new Run(faults, monitors, gateway);
  try {
    await run.play();
    const record = await run.finish();
    return await verdict(record, gateway, folder);
  } finally {
    run.close();
    await gateway.stop('SIGKILL');
    await Promise.all(monitors.map((monitor) => monitor.close()));
    await rm(folder, { recursive: true, force: true });
  }
}

class Run {
  readonly #faults: Fault[];
  readonly #monitors: readonly LiveMonitor[];
  readonly #gateway: GatewayProcess;
  readonly #witness: Subscriber;
  readonly #subscribers: Subscriber[] = [];
  readonly #trouble: Promise<void>[] = [];
  readonly #live = new Map<string, { source: string; job: string; run: string }>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #deafness = new Deafness();
  #playing = true;

  constructor(faults: Fault[], monitors: readonly LiveMonitor[], gateway: GatewayProcess) {
    this.#faults = faults;
    this.#monitors = monitors;
    this.#gateway = gateway;
    const interner = new Interner();
    const common = { url: gateway.url, interner, deafness: this.#deafness };
    this.#witness = new Subscriber({
      ...common,
      name: 'witness',
      filter: {},
      temper: 'healthy',
      progress: false,
      dice: dice(seed, 'witness'),
      fromTheStart: true,
    });
    this.#witness.onEvent = ({ source, type, job }) => {
      if (!job) return;
      if (type === 'GATEWAY_JOB_SETTLED') this.#live.delete(`${source} ${job.id}`);
      else this.#live.set(`${source} ${job.id}`, { source, job: job.id, run: job.run });
    };
    const kinds = filters(dice(seed, 'filters'));
    for (const [temper, count] of TEMPERS)
      for (let n = 0; n < count; n += 1) {
        const name = `${temper}${n}`;
        const throws = dice(seed, name);
        const filter = kinds[n % kinds.length] ?? {};
        this.#subscribers.push(
          new Subscriber({
            ...common,
            name,
            filter,
            temper,
            progress: throws.chance(0.2),
            compression: throws.chance(0.25),
            dice: throws,
          }),
        );
      }
  }

  async play(): Promise<void> {
    this.#witness.connect();
    for (const subscriber of this.#subscribers) {
      subscriber.connect();
      if (subscriber.temper === 'cutter' || subscriber.temper === 'slow') void this.#bother(subscriber);
    }
    for (const monitor of this.#monitors) void this.#meddle(monitor);
    for (let n = 0; n < 8; n += 1) void this.#abort(dice(seed, `abort${n}`));
    for (let n = 0; n < 3; n += 1) void this.#abandon(dice(seed, `abandon${n}`));
    const begun = performance.now();
    // Who never reads does so once, long after the flood: what it lacks is gone, and it gets a reset.
    this.#timers.push(
      setTimeout(() => this.#silent('resume'), durationMs * 0.5),
      setTimeout(() => this.#silent('pause'), durationMs * 0.56),
    );
    let told = 0;
    for (const { atMs, target, fault } of this.#faults) {
      await soon(Math.max(0, begun + atMs - performance.now()));
      this.#trouble.push(this.#inflict(target, fault));
      if (atMs > told + 20_000) {
        told = atMs;
        say(
          `at ${Math.round(atMs / 1000)} s: ${this.#witness.cursor}, ${this.#live.size} jobs, rss ${Math.round((await this.#gateway.rss()) / 2 ** 20)} MiB`,
        );
      }
    }
    await soon(Math.max(0, begun + durationMs - performance.now()));
    this.#playing = false;
  }

  #silent(what: 'resume' | 'pause'): void {
    for (const subscriber of this.#subscribers) if (subscriber.temper === 'silent') subscriber[what]();
  }

  /** All faults end, all subscribers read on, and the last event of each monitor has come through. */
  async finish(): Promise<ChaosRecord> {
    await this.#within('all trouble is over', Promise.all(this.#trouble));
    await this.#within('all jobs are over', Promise.all(this.#monitors.map((monitor) => monitor.rest())));
    await this.#until('every source is up', () => this.#sourcesUp());
    // Nothing of a storm is held longer than a second.
    await soon(1_500);
    const marked = new Set<string>();
    this.#witness.onEvent = ({ source, type }) => type === 'CHAOS_END' && marked.add(source);
    for (const monitor of this.#monitors) monitor.mark();
    await this.#until('the marks have come', () => Promise.resolve(SIMS.every((name) => marked.has(name))));
    for (const subscriber of this.#subscribers) subscriber.readOn();
    const late = new Subscriber({
      url: this.#gateway.url,
      interner: new Interner(),
      deafness: this.#deafness,
      name: 'latecomer',
      filter: {},
      temper: 'healthy',
      progress: false,
      dice: dice(seed, 'late'),
    });
    this.#subscribers.push(late);
    late.connect();
    await this.#until('everybody has read on', () => Promise.resolve(this.#everybodyThere()), false);
    const monitors = await Promise.all(this.#monitors.map((monitor) => monitor.record()));
    for (const subscriber of this.#subscribers) subscriber.giveUp();
    const compressed = await this.#compressedFrames();
    if (compressed === 0) throw new Error('nothing was compressed: whether compression is right was not tried');
    say(`${compressed} frames compressed since the last start`);
    say(`this process was deaf for ${Math.round(this.#deafness.longest)} ms at a time at most`);
    return {
      witness: this.#witness.record,
      subscribers: this.#subscribers.map(({ record }) => record),
      monitors,
      aborts: this.#subscribers.flatMap(({ aborts }) => aborts),
      retained: LOG_LIMITS.perSource,
    };
  }

  close(): void {
    this.#playing = false;
    this.#deafness.close();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#witness.close();
    for (const subscriber of this.#subscribers) subscriber.close();
  }

  async #inflict(target: string, fault: Fault['fault']): Promise<void> {
    if (fault.kind === 'gateway') {
      say(`the gateway gets ${fault.signal} at ${this.#witness.cursor}`);
      await this.#gateway.stop(fault.signal);
      await this.#gateway.start();
      return;
    }
    await this.#monitors.find(({ source }) => source === target)?.fault(fault as never);
  }

  async #bother(subscriber: Subscriber): Promise<void> {
    const throws = dice(seed, `bother ${subscriber.record.name}`);
    while (this.#playing) {
      await soon(throws.between(300, 4_000));
      if (!this.#playing) return;
      if (subscriber.temper === 'cutter') subscriber.cut(throws.chance(0.3));
      else {
        subscriber.pause();
        await soon(throws.between(200, 6_000));
        subscriber.resume();
      }
    }
  }

  async #meddle(monitor: LiveMonitor): Promise<void> {
    const throws = dice(seed, `meddle ${monitor.source}`);
    while (this.#playing) {
      await soon(throws.between(20, 200));
      if (this.#playing) monitor.act();
    }
  }

  async #abort(throws: Dice): Promise<void> {
    const askers = this.#subscribers.slice(0, 160).filter(({ isPrompt }) => isPrompt);
    while (this.#playing) {
      await soon(throws.between(20, 400));
      const who = askers[throws.between(0, askers.length - 1)];
      const target = [...this.#live.values()][throws.between(0, Math.max(0, this.#live.size - 1))];
      if (!who?.subscribed || !target) continue;
      const { run, ...named } = throws.chance(0.95) ? target : { ...target, job: 'nobody' };
      const force = throws.chance(0.4);
      const params = { ...named, ...(throws.chance(0.4) && { run }), timeoutMs: throws.pick([100, 300, 1_000, 5_000]) };
      if (throws.chance(0.15)) void who.abort('job.wait', params);
      else
        void who.abort('job.abort', {
          ...params,
          sync: throws.chance(0.6),
          force,
          ...(!force && throws.chance(0.3) && { escalateAfterMs: throws.between(0, 500) }),
        });
    }
  }

  /** Abandoned calls: connections that call and then close, and POSTs that are cancelled. */
  async #abandon(throws: Dice): Promise<void> {
    while (this.#playing) {
      await soon(throws.between(50, 500));
      const live = [...this.#live.values()];
      const target = live[throws.between(0, Math.max(0, live.length - 1))];
      if (!target) continue;
      const waits = Array.from({ length: throws.between(1, 32) }, (_, id) =>
        JSON.stringify({
          ...{ jsonrpc: '2.0', id, method: 'job.wait' },
          params: { source: target.source, job: target.job, timeoutMs: 3_600_000 },
        }),
      );
      if (throws.chance(0.5)) {
        const socket = new WebSocket(`ws://127.0.0.1:${this.#gateway.port}/v1`);
        socket.on('error', () => undefined);
        socket.on('open', () => {
          for (const wait of waits) socket.send(wait);
          socket.terminate();
        });
      } else {
        const { signal } = this.#ended(throws.between(1, 200));
        await fetch(`http://127.0.0.1:${this.#gateway.port}/v1/rpc`, {
          ...{ method: 'POST', signal, body: waits[0] ?? '' },
          headers: { 'content-type': 'application/json' },
        }).catch(() => undefined);
      }
    }
  }

  #ended(afterMs: number): AbortController {
    const controller = new AbortController();
    this.#timers.push(setTimeout(() => controller.abort(), afterMs));
    return controller;
  }

  async #compressedFrames(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#gateway.port}/metrics`);
    return Number(/^qmp_gateway_deflated_frames_total (\d+)$/m.exec(await response.text())?.[1] ?? 0);
  }

  async #sourcesUp(): Promise<boolean> {
    const response = await fetch(`http://127.0.0.1:${this.#gateway.port}/v1/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'source.list', params: {} }),
    }).catch(() => undefined);
    const body = (await response?.json()) as { result: { sources: { state: string }[] } } | undefined;
    return body?.result.sources.every(({ state }) => state === 'up') ?? false;
  }

  #everybodyThere(): boolean {
    const log = logsOf(this.#witness.record).logs.at(-1);
    if (!log) return false;
    return this.#subscribers.every(({ cursor, settled, record }) => {
      if (!settled || cursor === undefined) return false;
      const { epoch, offset } = positionOf(cursor);
      const wants = matcher(record.filter);
      return epoch === log.epoch && !log.entries.slice(after(log.entries, offset)).some((entry) => wants.entry(entry));
    });
  }

  async #within(what: string, work: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not within 30 s: ${what}`)), 30_000);
    });
    await Promise.race([work, bound]).finally(() => clearTimeout(timer));
  }

  async #until(what: string, there: () => Promise<boolean>, must = true): Promise<void> {
    for (const deadline = performance.now() + 30_000; performance.now() < deadline; await soon(200))
      if (await there()) return;
    if (must) throw new Error(`not within 30 s: ${what}`);
    say(`not within 30 s: ${what}`);
  }
}

async function verdict(record: ChaosRecord, gateway: GatewayProcess, folder: string): Promise<number> {
  const begun = performance.now();
  const violations = check(record);
  if (gateway.died !== undefined)
    violations.push({ rule: 'log', who: 'gateway', what: `it ended by itself: ${gateway.died}` });
  const entries = logsOf(record.witness).logs.map(({ entries }) => entries.length);
  const ops = record.subscribers.flatMap((subscriber) => subscriber.ops);
  const count = (kind: string): number => ops.filter((op) => op.kind === kind).length;
  const resumed = ops.filter((op) => op.kind === 'subscribed' && op.resumed).length;
  const delivered = ops.reduce((sum, op) => sum + (op.kind === 'events' ? op.events.length : 0), 0);
  const settled = logsOf(record.witness).logs.flatMap((log) =>
    log.entries.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED'),
  );
  const outcomes: Record<string, number> = {};
  const proofs: Record<string, number> = {};
  for (const { data } of settled) {
    const { outcome, provenance, pivoted, pivotProof } = data as Settlement;
    proofs[`${pivoted}/${pivotProof}`] = (proofs[`${pivoted}/${pivotProof}`] ?? 0) + 1;
    outcomes[`${outcome}/${provenance}`] = (outcomes[`${outcome}/${provenance}`] ?? 0) + 1;
  }
  const answers: Record<string, number> = {};
  for (const { answer } of record.aborts) {
    const name =
      answer.kind === 'error'
        ? String(answer.error.data?.reason)
        : answer.kind === 'result'
          ? String(answer.result.status)
          : answer.kind;
    answers[name] = (answers[name] ?? 0) + 1;
  }
  say(
    `log: ${entries.join(' + ')} entries; ${delivered} deliveries; ${count('subscribed')} subscriptions, ${resumed} resumed; ${count('reset')} resets; ${count('page')} pages; ${count('progress')} progress`,
  );
  say(`raised: ${record.monitors.map(({ source, raised }) => `${source} ${raised.length}`).join(', ')}`);
  say(`settled: ${JSON.stringify(outcomes)}, pivoted: ${JSON.stringify(proofs)}`);
  say(
    `aborts: ${JSON.stringify(answers)}, slowest over its bound ${Math.round(Math.max(0, ...record.aborts.map(({ tookMs, timeoutMs }) => tookMs - timeoutMs)))} ms`,
  );
  say(`checked in ${Math.round(performance.now() - begun)} ms: ${violations.length} violations, seed ${seed}`);
  if (violations.length === 0) return 0;
  for (const { rule, who, what } of violations.slice(0, 40)) console.log(`  ${rule}: ${who}: ${what}`);
  const path = `${folder}.json`;
  await writeFile(
    path,
    JSON.stringify(
      { seed, violations, log: logsOf(record.witness).logs, monitors: record.monitors, aborts: record.aborts },
      (_key, value) => (typeof value === 'bigint' ? String(value) : value),
    ),
  );
  console.log(`the record is in ${path}`);
  return 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error, `seed ${seed}`);
    process.exit(2);
  },
);
