// Demo jobs on the simulator that come and go until they are stopped.
import { type Clock, systemClock } from './clock.js';
import type { JobRow } from './job-control.js';
import type { JobSpec } from './model.js';
import type { Simulator } from './simulator.js';

export interface DemoOptions {
  /** Equal seeds give equal jobs. Default 1. */
  seed?: number;
  /** Default: the system's clock. Pass the simulator's. */
  clock?: Clock;
  /** Called with what the simulator refused; the demo goes on. Default: ignored. */
  report?(problem: string): void;
}

const MIB = 1024 * 1024;
const DISKS = ['system', 'data', 'logs', 'home'] as const;
/** Milliseconds between two checks of the jobs. */
const BEAT_MS = 1000;

/** mulberry32, a small seeded generator. Returns numbers from 0 to below 1. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The next job of a disk. It takes 10 to 40 seconds; one in ten fails, and one in ten stops at an error until it is resumed. */
function nextJob(id: string, roll: () => number): JobSpec {
  const len = Math.round(512 + roll() * 1536) * MIB;
  const seconds = 10 + roll() * 30;
  const luck = roll();
  const kind = roll();
  const base = { id, len, bytesPerSecond: len / seconds, drainMs: 200 + roll() * 800, syncMs: 500 + roll() * 1500 };
  const trouble: Partial<JobSpec> =
    luck < 0.1
      ? { failAt: Math.round(len * (0.3 + roll() * 0.6)) }
      : luck < 0.2
        ? { failAt: Math.round(len * (0.3 + roll() * 0.6)), errorAction: 'stop', error: 'No space left on device' }
        : {};
  if (kind < 0.45) return { ...base, ...trouble, type: 'mirror', stayReady: Math.round(5000 + roll() * 15_000) };
  if (kind < 0.75) return { ...base, ...trouble, type: 'backup' };
  return { ...base, ...trouble, type: kind < 0.9 ? 'stream' : 'commit' };
}

/**
 * Runs jobs on four disks. A job that stopped at an error is resumed after about 12 seconds; what other clients do to a job (cancel, pause, complete)
 * stays. Returns a function that ends the demo; running jobs stay.
 */
export function runDemoJobs(simulator: Simulator, options: DemoOptions = {}): () => void {
  const { seed = 1, clock = systemClock, report = () => {} } = options;
  const roll = dice(seed);
  /** The time at which a disk's next job may start, and the time since which its job has stood at an error. */
  const resting = new Map<string, number>(DISKS.map((disk, index) => [disk, clock.now() + index * 1500]));
  const stoppedSince = new Map<string, number>();
  /** The offset at which a disk's job will stop at its error: a job that is paused elsewhere was paused by a client. */
  const stopsAt = new Map<string, bigint>();
  let cancel = (): void => {};

  const beat = (): void => {
    const now = clock.now();
    const rows = new Map(simulator.jobs.list().map((row) => [row.id, row]));
    for (const disk of DISKS) {
      const row = rows.get(disk);
      try {
        if (row?.status === 'concluded') simulator.jobs.dismiss(disk);
        else if (row) tend(row, now);
        else rest(disk, now);
      } catch (error) {
        report(`${disk}: the simulator refused: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    cancel = clock.setTimer(beat, BEAT_MS);
  };

  const tend = ({ id: disk, status, 'current-progress': offset }: JobRow, now: number): void => {
    resting.delete(disk);
    if (status !== 'paused' || offset !== stopsAt.get(disk)) return void stoppedSince.delete(disk);
    const since = stoppedSince.get(disk) ?? now;
    stoppedSince.set(disk, since);
    if (now - since < 12_000) return;
    stoppedSince.delete(disk);
    stopsAt.delete(disk);
    simulator.jobs.resume(disk);
  };

  const rest = (disk: string, now: number): void => {
    const until = resting.get(disk) ?? now + 2000 + roll() * 6000;
    resting.set(disk, until);
    if (now < until) return;
    const job = nextJob(disk, roll);
    stopsAt.delete(disk);
    stoppedSince.delete(disk);
    if (job.errorAction === 'stop' && job.failAt !== undefined) stopsAt.set(disk, BigInt(job.failAt ?? 0));
    simulator.jobs.start(job);
  };

  beat();
  return () => cancel();
}
