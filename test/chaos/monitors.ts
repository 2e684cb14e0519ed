// The monitors of the chaos run: simulated ones and a real storage daemon, each with jobs that come and go and with a record of what it did.
import { rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type JobSpec, type Simulator, startSimulator } from '../../src/simulator/index.js';
import { addNull, addRandomFile, connectQemu, type Qemu, startQemu } from '../support/qemu.js';
import type { RawClient } from '../support/qmp-raw.js';
import type { Dice } from './dice.js';
import { canonical } from './log.js';
import type { MonitorRecord, Raised } from './record.js';
import type { QemuFault, SimFault } from './schedule.js';

export interface LiveMonitor {
  readonly source: string;
  readonly uri: string;
  /** One thing that somebody else does to its jobs. */
  act(): void;
  fault(fault: SimFault | QemuFault): Promise<void>;
  /** Ends all trouble and all jobs; resolves when only concluded ones are left. */
  rest(): Promise<void>;
  /** An event that marks the end of what is compared, where the monitor can be made to raise one. */
  mark(): void;
  record(): Promise<MonitorRecord>;
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
/** What no QEMU sends; a client that gets it closes the connection. */
const GARBAGE = [
  ...['not json', '{"event":}', '[1,2]', '{"neither":"nor"}', '{"event":7}', '{"event":"X","data":[]}', '{"error":7}'],
  ...[
    '{"error":{"class":"GenericError","desc":[[]]}}',
    '{"event":"JOB_STATUS_CHANGE","data":{"id":"job0","status":{}}}',
  ],
  ...['{"event":"BLOCK_JOB_ERROR","data":{"device":"job0","operation":{"toString":1},"action":"stop"}}'],
  ...['{"event":"BLOCK_JOB_COMPLETED","data":{"device":"job0","len":0.5,"offset":0,"speed":0,"type":"mirror"}}'],
  `{"event":"X","data":{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
].map((text) => `${text}\r\n`);
/** Instead of a reply's value. */
const MALFORMED = [{}, null, [null], [{}], 7, 'x', [{ id: 'job0', status: 'running' }]];
const PAD = 'x'.repeat(200);
const soon = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Two decimals of microseconds as the gateway writes them. */
function timeOf({ seconds, microseconds }: { seconds: number | bigint; microseconds: number | bigint }): string | null {
  if (Number(seconds) < 0) return null;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 20)}${String(microseconds).padStart(6, '0')}Z`;
}

export async function openSimMonitor(source: string, folder: string, dice: Dice): Promise<LiveMonitor> {
  const path = join(folder, `${source}.sock`);
  const sim = await startSimulator({ listen: { path }, record: true });
  return new SimMonitor(source, `unix:${path}`, sim, dice);
}

class SimMonitor implements LiveMonitor {
  readonly source: string;
  readonly uri: string;
  readonly #sim: Simulator;
  readonly #dice: Dice;
  readonly #deaths: number[] = [];
  #restarting: Promise<void> | undefined;
  #resting = false;
  #floods = 0;

  constructor(source: string, uri: string, sim: Simulator, dice: Dice) {
    this.source = source;
    this.uri = uri;
    this.#sim = sim;
    this.#dice = dice;
  }

  act(): void {
    const dice = this.#dice;
    const { jobs } = this.#sim;
    const id = `job${dice.between(0, 7)}`;
    const luck = dice.roll();
    try {
      if (luck < 0.5) jobs.start(this.#spec(id));
      else if (luck < 0.56) jobs.startGroup([this.#spec(`${id}a`), this.#spec(`${id}b`)]);
      else if (luck < 0.64) jobs.cancel(id, { force: dice.chance(0.6) });
      else if (luck < 0.7) jobs.pause(id);
      else if (luck < 0.78) jobs.resume(id);
      else if (luck < 0.84) jobs.complete(id);
      else if (luck < 0.88) jobs.finalize(id);
      else if (luck < 0.96)
        for (const { id: each, status } of jobs.list()) if (status === 'concluded') jobs.dismiss(each);
      if (luck >= 0.96)
        jobs.ioError(id, { action: dice.pick(['ignore', 'report', 'stop']), noSpace: dice.chance(0.5) });
    } catch {
      // Refused, as QEMU would: the id is taken, or in another state.
    }
  }

  async fault(fault: SimFault): Promise<void> {
    const { faults } = this.#sim;
    const dice = this.#dice;
    switch (fault.kind) {
      case 'drop':
        return faults.dropConnection(fault.how);
      case 'hang':
        return faults.hang(fault.ms);
      case 'silent':
        faults.silent();
        faults.dropConnection();
        await soon(fault.ms);
        return faults.wake();
      case 'restart':
        return this.#restart(fault);
      case 'storm': {
        const { id } = this.#sim.jobs.list().find(({ status }) => status === 'running' || status === 'ready') ?? {
          id: undefined,
        };
        if (id !== undefined)
          await faults.storm({ id, events: fault.events, perSecond: 6_000, operation: fault.operation });
        return;
      }
      case 'flood':
        for (let sent = 0; sent < fault.events && !this.#resting; await soon(10))
          for (let n = 0; n < 200; n += 1, sent += 1)
            faults.emit('BLOCK_WRITE_THRESHOLD', {
              'node-name': `node${n}`,
              pad: PAD,
              flood: this.#floods++,
              'amount-exceeded': 4096,
            });
        return;
      case 'stale-reply':
        faults.staleReply(`stale-${dice.between(0, 9)}`);
        return faults.dropConnection();
      case 'early-event':
        faults.eventBeforeGreeting('VSERPORT_CHANGE', { open: true, id: 'channel0', planted: true });
        return faults.dropConnection();
      case 'garbage':
        return faults.garbage(dice.pick(GARBAGE));
      case 'malformed-reply':
        return faults.malformNextReply(fault.command, dice.pick(MALFORMED));
      case 'half-message':
        faults.halfMessage();
        return faults.dropConnection();
      case 'refuse':
        return faults.refuseNextCommand(fault.command, { class: 'GenericError', desc: 'chaos' });
      case 'delay':
        faults.delayReply(fault.command, fault.ms);
        await soon(2_000);
        return faults.delayReply(fault.command, 0);
      case 'no-time':
        faults.timestampsUnavailable();
        await soon(fault.ms);
        return faults.timestampsUnavailable(false);
    }
  }

  async rest(): Promise<void> {
    this.#resting = true;
    await this.#restarting;
    const { faults, jobs } = this.#sim;
    faults.wake();
    faults.timestampsUnavailable(false);
    for (let tries = 0; ; tries += 1) {
      const live = jobs.list().filter(({ status }) => status !== 'concluded');
      if (live.length === 0) return;
      if (tries > 40) throw new Error(`${this.source}: ${canonical(live)} do not end`);
      for (const { id, status } of live)
        try {
          if (status === 'pending') jobs.finalize(id);
          else jobs.cancel(id);
        } catch {
          // It is ending already.
        }
      await soon(600);
    }
  }

  mark(): void {
    this.#sim.faults.emit('CHAOS_END', { source: this.source });
  }

  record(): Promise<MonitorRecord> {
    const raised = this.#sim.record.map(
      ({ event, data, timestamp, delivered, pivoted }): Raised => ({
        type: event,
        data: data ?? {},
        time: timeOf(timestamp),
        delivered,
        pivoted,
      }),
    );
    const left = this.#sim.jobs.list().map(({ id, status }) => ({ id, status }));
    return Promise.resolve({ source: this.source, raised, deaths: this.#deaths, aside: false, left });
  }

  close(): Promise<void> {
    return this.#sim.close();
  }

  #restart({ downMs, how }: { downMs: number; how: 'clean' | 'reset' }): Promise<void> {
    if (this.#restarting) return this.#restarting;
    this.#deaths.push(this.#sim.record.length);
    this.#restarting = this.#sim.faults.restart({ downMs, how }).finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  #spec(id: string): JobSpec {
    const dice = this.#dice;
    const len = dice.pick([MIB, 8 * MIB, 64 * MIB]);
    return {
      id,
      type: dice.pick(['mirror', 'mirror', 'backup', 'commit', 'stream', 'create']),
      len,
      bytesPerSecond: dice.pick([Number.POSITIVE_INFINITY, len * 4, len, len / 4]),
      drainMs: dice.pick([0, 0, 30, 300]),
      syncMs: dice.pick([0, 50, 500, Number.POSITIVE_INFINITY]),
      autoFinalize: dice.chance(0.8),
      autoDismiss: dice.chance(0.7),
      errorAction: dice.pick(['report', 'ignore', 'stop', 'enospc']),
      failAt: dice.chance(0.3) ? Math.floor(len / 2) : null,
      errorTimes: dice.between(1, 40),
      error: dice.pick(['Input/output error', 'No space left on device']),
      stayReady: dice.pick([true, false, 300]),
      speed: dice.chance(0.05) ? 2n ** 63n - 1n : 0,
    };
  }
}

/** Behind a symbolic link, so that the next process answers at the same path. */
export async function openQemuMonitor(source: string, folder: string, dice: Dice): Promise<LiveMonitor> {
  const monitor = new QemuMonitor(source, join(folder, `${source}.sock`), dice);
  await monitor.start();
  return monitor;
}

class QemuMonitor implements LiveMonitor {
  readonly source: string;
  readonly uri: string;
  readonly #path: string;
  readonly #dice: Dice;
  readonly #raised: Raised[] = [];
  readonly #deaths: number[] = [];
  #qemu: Qemu | undefined;
  #raw: RawClient | undefined;
  #collected = 0;
  #busy: Promise<void> | undefined;

  constructor(source: string, path: string, dice: Dice) {
    this.source = source;
    this.uri = `unix:${path}`;
    this.#path = path;
    this.#dice = dice;
  }

  async start(): Promise<void> {
    const qemu = await startQemu({ monitors: 2 });
    const raw = await connectQemu(qemu, 1);
    await raw.negotiate();
    this.#collected = 0;
    for (let n = 0; n < 4; n += 1) {
      await addRandomFile(raw, qemu.folder, `src${n}`, MIB);
      await addNull(raw, `dst${n}`, MIB, n);
    }
    await symlink(qemu.path, `${this.#path}.new`);
    await rename(`${this.#path}.new`, this.#path);
    this.#qemu = qemu;
    this.#raw = raw;
  }

  act(): void {
    const dice = this.#dice;
    const n = dice.between(0, 3);
    const id = `disk${n}`;
    const luck = dice.roll();
    const common = { 'job-id': id, device: `src${n}`, target: `dst${n}`, sync: 'full' };
    const speed = dice.pick([64, 256, 1_024, 8_192]) * 1_024;
    if (luck < 0.35) this.#qmp('blockdev-mirror', { ...common, speed, 'auto-dismiss': dice.chance(0.8) });
    else if (luck < 0.6)
      this.#qmp('blockdev-backup', {
        ...common,
        speed,
        'auto-dismiss': dice.chance(0.8),
        'auto-finalize': dice.chance(0.8),
      });
    else if (luck < 0.68) this.#qmp('block-job-cancel', { device: id, force: dice.chance(0.5) });
    else if (luck < 0.74) this.#qmp('job-pause', { id });
    else if (luck < 0.82) this.#qmp('job-resume', { id });
    else if (luck < 0.86) this.#qmp('job-complete', { id });
    else if (luck < 0.92) this.#qmp('job-finalize', { id });
    else this.#qmp('job-dismiss', { id });
  }

  async fault(fault: QemuFault): Promise<void> {
    if (this.#busy) return;
    this.#busy = fault.kind === 'kill' ? this.#kill(fault.downMs) : this.#stop(fault.ms);
    await this.#busy;
    this.#busy = undefined;
  }

  async rest(): Promise<void> {
    await this.#busy;
    for (let tries = 0; ; tries += 1) {
      const live = (await this.#jobs()).filter(({ status }) => status !== 'concluded');
      if (live.length === 0) return;
      if (tries > 200) throw new Error(`${this.source}: ${canonical(live)} do not end`);
      for (const { id, status } of live) this.#qmp(status === 'pending' ? 'job-finalize' : 'job-cancel', { id });
      await soon(50);
    }
  }

  mark(): void {}

  async record(): Promise<MonitorRecord> {
    const left = await this.#jobs();
    this.#collect();
    return { source: this.source, raised: this.#raised, deaths: this.#deaths, aside: true, left };
  }

  async close(): Promise<void> {
    this.#raw?.close();
    await this.#qemu?.close();
  }

  async #kill(downMs: number): Promise<void> {
    const [qemu, raw] = [this.#qemu, this.#raw];
    await qemu?.kill();
    await raw?.closed;
    this.#collect();
    this.#deaths.push(this.#raised.length);
    this.#raw = undefined;
    await soon(downMs);
    await qemu?.close();
    await this.start();
  }

  async #stop(ms: number): Promise<void> {
    this.#qemu?.stop();
    await soon(ms);
    this.#qemu?.cont();
  }

  #collect(): void {
    const received = this.#raw?.received ?? [];
    for (const { message } of received.slice(this.#collected)) {
      if (typeof message.event !== 'string') continue;
      const time = timeOf(message.timestamp as { seconds: number; microseconds: number });
      this.#raised.push({ type: message.event, data: message.data ?? {}, time, delivered: true });
    }
    this.#collected = received.length;
  }

  async #jobs(): Promise<{ id: string; status: string }[]> {
    const reply = await this.#raw?.execute('query-jobs');
    return ((reply?.return ?? []) as { id: string; status: string }[]).map(({ id, status }) => ({ id, status }));
  }

  /** Whatever QEMU says to it. */
  #qmp(command: string, args: Record<string, unknown>): void {
    this.#raw?.execute(command, args).catch(() => undefined);
  }
}
