// One run: everybody begins, faults and meddling go on for the given time, then all is repaired and everybody comes to rest.
import type { Entry, Filter } from '../../src/protocol/index.js';
import { Deafness } from '../chaos/deafness.js';
import { type Dice, dice } from '../chaos/dice.js';
import { type Cluster, NAME } from './cluster.js';
import { Hop } from './hop.js';
import { inflict, repair } from './inflict.js';
import type { SimsProcess } from './processes.js';
import type { ClusterRecord, FaultRecord, Violation } from './record.js';
import type { Fault } from './schedule.js';
import { StreamReader } from './stream-reader.js';
import { Frames, Viewer } from './viewer.js';

export interface PlayOptions {
  seed: number;
  durationMs: number;
  faults: readonly Fault[];
  cluster: Cluster;
  sims: SimsProcess;
  names: readonly string[];
  clients: number;
}

/** Clients of one hop move together. */
const PER_HOP = 12;
/** Viewers of everything, by whom also is known which jobs live. */
const WHOLE = 6;
const CALLERS = 8;
const ENDED: ReadonlySet<string> = new Set(['concluded', 'null']);
const WAIT_MS = 60_000;
const TELL_MS = 15_000;
const soon = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));
const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

export class Play {
  readonly #options: PlayOptions;
  readonly #hops: Hop[] = [];
  readonly #viewers: Viewer[] = [];
  readonly #deafness = new Deafness();
  readonly #reader: StreamReader;
  readonly #faults: FaultRecord[] = [];
  readonly #live = new Map<string, { source: string; job: string; run: string }>();
  readonly #marked = new Set<string>();
  #isPlaying = false;
  #entries = 0;

  private constructor(options: PlayOptions) {
    this.#options = options;
    this.#reader = new StreamReader(options.cluster.client, NAME);
  }

  static async open(options: PlayOptions): Promise<Play> {
    const play = new Play(options);
    const { edgePorts } = options.cluster;
    for (let n = 0; n * PER_HOP < options.clients; n += 1) play.#hops.push(await Hop.open(from(edgePorts, n)));
    return play;
  }

  /** Resolves when all members serve and all clients have subscribed. */
  async begin(): Promise<void> {
    const { cluster, names, clients, seed } = this.#options;
    for (const { member } of cluster.nodes) member.start();
    await this.#untilUp();
    const frames = new Frames();
    for (let n = 0; n < clients; n += 1) {
      const url = `ws://127.0.0.1:${this.#hops[Math.floor(n / PER_HOP)]?.port}/v1`;
      // The viewers of everything are on different hops.
      const kind = n % PER_HOP === 0 && n / PER_HOP < WHOLE ? 'whole' : n % 4 === 1 ? 'source' : 'rare';
      const viewer = new Viewer({
        ...{ name: `${kind}${n}`, url, frames, deafness: this.#deafness, isSteady: kind !== 'rare' },
        filter: filterOf(kind, names, dice(seed, `viewer${n}`), n),
        ...(kind === 'whole' && { onEvents: (events: readonly Entry[]) => this.#note(events) }),
      });
      this.#viewers.push(viewer);
    }
    await this.#until('every client has subscribed', () => this.#viewers.every(({ cursor }) => cursor !== undefined));
    say('everybody is there');
  }

  async run(): Promise<void> {
    const { sims, seed, durationMs, faults, cluster } = this.#options;
    await sims.order('begin');
    this.#isPlaying = true;
    const meddling = [this.#move(dice(seed, 'moves')), this.#tell()];
    for (let n = 0; n < CALLERS; n += 1) meddling.push(this.#call(dice(seed, `caller${n}`)));
    const began = performance.now();
    const trouble: Promise<void>[] = [];
    for (const fault of faults) {
      await soon(Math.max(0, began + fault.atMs - performance.now()));
      trouble.push(this.#inflict(fault));
    }
    await soon(Math.max(0, began + durationMs - performance.now()));
    this.#isPlaying = false;
    await Promise.all(trouble);
    await Promise.all(meddling);
    repair(cluster);
  }

  async finish(): Promise<ClusterRecord> {
    const { sims, cluster, names } = this.#options;
    await this.#untilUp();
    await sims.order('rest');
    await soon(2_000);
    await sims.order('mark');
    await this.#until('the marks of all sources', () => this.#marked.size === names.length, false);
    await this.#until('every client is connected', () => this.#viewers.every(({ isOpen }) => isOpen), false);
    await soon(3_000);
    for (const viewer of this.#viewers) viewer.freeze();
    const epoch = await cluster.epoch();
    if (epoch === undefined) throw new Error('no edge answers');
    const stream = await this.#reader.read(epoch);
    say(`this process was deaf for ${Math.round(this.#deafness.longest)} ms at a time at most`);
    return {
      streams: [...this.#reader.finished, stream],
      clients: this.#viewers.map(({ record }) => record),
      monitors: await sims.record(),
      calls: this.#viewers.flatMap(({ calls }) => calls),
      faults: this.#faults,
    };
  }

  /** Who ended without being told to. */
  died(): Violation[] {
    const processes = this.#options.cluster.nodes.flatMap(({ member: { name, died } }) =>
      died.map((what) => ({ rule: 'end' as const, who: name, what })),
    );
    const clients = this.#viewers.flatMap(({ record, error }) =>
      error === undefined ? [] : [{ rule: 'end' as const, who: record.name, what: `ended for good: ${error}` }],
    );
    return [...processes, ...clients];
  }

  close(): void {
    this.#isPlaying = false;
    this.#deafness.close();
    for (const viewer of this.#viewers) viewer.close();
    for (const hop of this.#hops) hop.close();
  }

  async #inflict(fault: Fault): Promise<void> {
    const done = await inflict(fault, this.#options.cluster, this.#reader).catch((error: unknown) => {
      say(`${fault.kind} could not be done: ${String(error)}`);
      return undefined;
    });
    if (done) {
      this.#faults.push(done);
      say(`${done.kind} of ${done.target}, over after ${done.to - done.from} ms`);
    }
  }

  /** Hops are cut, and their clients go to another edge. */
  async #move(throws: Dice): Promise<void> {
    while (this.#isPlaying) {
      await soon(throws.between(500, 3_000));
      const hop = throws.pick(this.#hops);
      hop.aim(from(this.#options.cluster.edgePorts, throws.between(0, 2)));
      hop.drop();
    }
  }

  async #call(throws: Dice): Promise<void> {
    while (this.#isPlaying) {
      await soon(throws.between(100, 1_000));
      const viewer = throws.pick(this.#viewers);
      const target = [...this.#live.values()][throws.between(0, Math.max(0, this.#live.size - 1))];
      if (!viewer.isOpen || !target) continue;
      const { run, ...named } = target;
      const force = throws.chance(0.4);
      await viewer.abort({
        ...named,
        ...(throws.chance(0.5) && { run }),
        ...{ force, sync: throws.chance(0.6), timeoutMs: throws.pick([300, 1_000, 3_000, 10_000]) },
        ...(!force && throws.chance(0.3) && { escalateAfterMs: throws.between(0, 800) }),
      });
    }
  }

  async #tell(): Promise<void> {
    for (let next = performance.now(); this.#isPlaying; await soon(500)) {
      if (performance.now() < next) continue;
      next += TELL_MS;
      const open = this.#viewers.filter(({ isOpen }) => isOpen).length;
      say(`${this.#entries} entries, ${this.#live.size} jobs, ${open} of ${this.#viewers.length} clients connected`);
    }
  }

  #note(events: readonly Entry[]): void {
    for (const { source, type, job, data } of events) {
      this.#entries += 1;
      if (type === 'CHAOS_END') this.#marked.add(source);
      if (!job) continue;
      if (type === 'GATEWAY_JOB_SETTLED') this.#live.delete(job.run);
      else if (type === 'JOB_STATUS_CHANGE' && !ENDED.has((data as { status: string }).status))
        this.#live.set(job.run, { source, job: job.id, run: job.run });
    }
  }

  async #untilUp(): Promise<void> {
    const { cluster, names } = this.#options;
    let lacking: readonly string[] = [];
    try {
      await this.#until('every edge says that every source is up', async () => {
        lacking = await cluster.notUp(names.length);
        return lacking.length === 0;
      });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}: ${lacking.join('; ')}`, {
        cause: error,
      });
    }
  }

  async #until(what: string, there: () => boolean | Promise<boolean>, must = true): Promise<void> {
    for (const due = performance.now() + WAIT_MS; performance.now() < due; await soon(200)) if (await there()) return;
    if (must) throw new Error(`not within ${WAIT_MS / 1_000} s: ${what}`);
    say(`not within ${WAIT_MS / 1_000} s: ${what}`);
  }
}

/** The ports, beginning with one of them. */
const from = (ports: readonly number[], first: number): number[] =>
  ports.map((_, n) => ports[(first + n) % ports.length] ?? 0);

function filterOf(kind: 'whole' | 'source' | 'rare', names: readonly string[], throws: Dice, n: number): Filter {
  if (kind === 'whole') return {};
  if (kind === 'source') return { sources: [names[(n >> 2) % names.length] ?? 'sim0'] };
  return throws.pick<Filter>([
    { types: ['GATEWAY_*'] },
    { types: ['BLOCK_JOB_*', 'GATEWAY_JOB_SETTLED'] },
    { types: ['JOB_STATUS_CHANGE'], sources: ['sim1*'] },
    { types: ['GATEWAY_JOB_SETTLED', 'CHAOS_END'] },
    { jobs: ['drive*'], types: ['JOB_*', 'GATEWAY_*'] },
  ]);
}
