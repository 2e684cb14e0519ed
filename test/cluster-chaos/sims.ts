// The simulated monitors of a cluster run, in a process of their own: jobs that come and go, steady events, and a record of all that they raised and
// of each command that arrived. Started by `SimsProcess` with the folder, the seed, the number of sources and their events a second.
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type SentMessage, type Simulator, startSimulator } from '../../src/simulator/index.js';
import { type Dice, dice } from '../chaos/dice.js';
import { tokenOf } from './digest.js';
import type { MonitorRecord, Raised, Written } from './record.js';
import { isoOf } from './stream-reader.js';

const TICK_MS = 50;
const MIB = 1024 * 1024;
/** Jobs of one source at a time. */
const MAX_JOBS = 8;
/** Events that come at once, now and then. */
const BURST = 400;
const REST_TRIES = 30;
const soon = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

export type SimsOrder = { kind: 'begin' | 'rest' | 'mark' } | { kind: 'record'; file: string };

class Sim {
  readonly name: string;
  readonly #sim: Simulator;
  readonly #dice: Dice;
  readonly #perSecond: number;
  readonly #written: Written[] = [];
  #events = 0;
  #jobs = 0;
  #connections = 0;
  #isPlaying = false;

  private constructor(name: string, sim: Simulator, throws: Dice, perSecond: number) {
    this.name = name;
    this.#sim = sim;
    this.#dice = throws;
    this.#perSecond = perSecond;
  }

  static async open(name: string, folder: string, seed: number, perSecond: number): Promise<Sim> {
    const inner = join(folder, `${name}.sim`);
    const monitor = await startSimulator({ listen: { path: inner }, record: true });
    const sim = new Sim(name, monitor, dice(seed, name), perSecond);
    const server = createServer((socket) => sim.#accept(socket, inner));
    await new Promise<void>((go) => server.listen(join(folder, name), go));
    return sim;
  }

  async play(): Promise<void> {
    this.#isPlaying = true;
    const { between, chance } = this.#dice;
    let due = 0;
    let last = performance.now();
    for (;;) {
      await soon(TICK_MS);
      // A job that began after the rest would go on beyond the end.
      if (!this.#isPlaying) return;
      const now = performance.now();
      due += ((now - last) / 1_000) * this.#perSecond;
      last = now;
      for (; due >= 1; due -= 1) this.#raise();
      if (chance(0.0005)) for (let n = 0; n < BURST; n += 1) this.#raise();
      if (chance(0.04)) this.#act(between(0, 99));
    }
  }

  async rest(): Promise<void> {
    this.#isPlaying = false;
    const { jobs } = this.#sim;
    for (let tries = 0; ; tries += 1) {
      const live = jobs.list().filter(({ status }) => status !== 'concluded');
      if (live.length === 0) return;
      if (tries > REST_TRIES) throw new Error(`${this.name}: ${live.map(({ id, status }) => `${id} ${status}`)}`);
      for (const { id } of live) this.#try(() => jobs.cancel(id));
      // Each cancel begins the wait for I/O in flight anew.
      await soon(1_000);
    }
  }

  mark(): void {
    this.#sim.faults.emit('CHAOS_END', { source: this.name });
  }

  record(): MonitorRecord {
    const left = this.#sim.jobs.list().map(({ id }) => id);
    return { source: this.name, raised: this.#sim.record.map(raisedOf), written: this.#written, left };
  }

  #raise(): void {
    this.#events += 1;
    this.#sim.faults.emit('BLOCK_WRITE_THRESHOLD', {
      'node-name': `node${this.#events % 7}`,
      'amount-exceeded': 4_096,
      'write-threshold': this.#events,
    });
  }

  #act(luck: number): void {
    const { jobs } = this.#sim;
    const { pick, chance } = this.#dice;
    const all = jobs.list();
    if (luck < 70 && all.length < MAX_JOBS) {
      this.#jobs += 1;
      // Most ids name one job alone, so that it is known which job a command was for; some are used again.
      const id = chance(0.8) ? `job${this.#jobs}` : `drive${this.#jobs % 3}`;
      const len = pick([MIB, 16 * MIB]);
      this.#try(() =>
        jobs.start({
          ...{ id, len, type: pick(['mirror', 'mirror', 'backup', 'stream', 'commit'] as const) },
          ...{ bytesPerSecond: pick([len * 2, len / 2, len / 8]), drainMs: pick([0, 0, 50, 400]) },
          ...{ syncMs: pick([0, 50, 500]), stayReady: pick([true, 500, 2_000]), autoDismiss: chance(0.7) },
        }),
      );
    } else if (luck < 90) {
      for (const { id, status } of all) if (status === 'concluded') this.#try(() => jobs.dismiss(id));
    } else {
      const job = all.find(({ status }) => status === 'ready' || status === 'running');
      if (job) this.#try(() => (job.status === 'ready' ? jobs.complete(job.id) : jobs.cancel(job.id)));
    }
  }

  /** It may be refused, as QEMU would: the id is taken, or the job is ending. */
  #try(action: () => void): void {
    try {
      action();
    } catch {
      // What the monitor did is in its record.
    }
  }

  /** Passes all bytes on, and notes the commands on jobs. */
  #accept(socket: Socket, path: string): void {
    const connection = this.#connections;
    this.#connections += 1;
    const there = connect(path);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#note(line, connection);
      there.write(chunk);
    });
    there.on('data', (chunk) => socket.write(chunk));
    for (const each of [socket, there])
      each
        .on('error', () => undefined)
        .on('close', () => {
          socket.destroy();
          there.destroy();
        });
  }

  #note(line: string, connection: number): void {
    if (!line.includes('job-')) return;
    const { execute = '', arguments: args = {} } = JSON.parse(line) as {
      execute?: string;
      arguments?: { id?: string; device?: string };
    };
    const job = args.id ?? args.device;
    if (job !== undefined && /^(block-)?job-/.test(execute))
      this.#written.push({ at: Date.now(), execute, job, connection });
  }
}

function raisedOf({ event, data = {}, timestamp, delivered }: SentMessage): Raised {
  const time = isoOf(Number(timestamp.seconds) * 1e6 + Number(timestamp.microseconds));
  const raised: Raised = { token: tokenOf(event, time, data), delivered };
  const job = data.id ?? data.device;
  if (typeof job !== 'string' || !/^(BLOCK_)?JOB_/.test(event)) return raised;
  raised.job = job;
  if (event === 'BLOCK_JOB_COMPLETED') raised.what = data.error === undefined ? 'completed' : 'failed';
  else if (event === 'BLOCK_JOB_CANCELLED') raised.what = 'cancelled';
  else if (event === 'JOB_STATUS_CHANGE' && ['created', 'concluded', 'null'].includes(String(data.status)))
    raised.what = data.status as 'created' | 'concluded' | 'null';
  return raised;
}

export async function serveSims(
  folder: string,
  seed: number,
  names: readonly string[],
  perSecond: number,
): Promise<void> {
  const sims: Sim[] = [];
  for (const name of names) sims.push(await Sim.open(name, folder, seed, perSecond));
  process.on('message', (order: SimsOrder) => {
    void (async () => {
      if (order.kind === 'begin') for (const sim of sims) void sim.play();
      if (order.kind === 'rest') await Promise.all(sims.map((sim) => sim.rest()));
      if (order.kind === 'mark') for (const sim of sims) sim.mark();
      if (order.kind === 'record')
        await writeFile(order.file, sims.map((sim) => JSON.stringify(sim.record())).join('\n'));
      process.send?.(order.kind);
    })();
  });
  // The harness has ended.
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}
