// Every fault of the run with its time, from a seed, a duration and the names of the sources. Pure: the same seed gives the same schedule.
import { dice } from './dice.js';

export type SimFault =
  | { kind: 'drop'; how: 'clean' | 'reset' }
  | { kind: 'hang'; ms: number }
  | { kind: 'silent'; ms: number }
  | { kind: 'restart'; downMs: number; how: 'clean' | 'reset' }
  | { kind: 'storm'; events: number; operation: 'read' | 'write' }
  /** Events that nothing may collapse. */
  | { kind: 'flood'; events: number }
  | { kind: 'stale-reply' }
  | { kind: 'early-event' }
  | { kind: 'garbage' }
  | { kind: 'malformed-reply'; command: string }
  | { kind: 'half-message' }
  | { kind: 'refuse'; command: string }
  | { kind: 'delay'; command: string; ms: number }
  | { kind: 'no-time'; ms: number };
export type QemuFault = { kind: 'kill'; downMs: number } | { kind: 'stop'; ms: number };
export type GatewayFault = { kind: 'gateway'; signal: 'SIGKILL' | 'SIGTERM' };

/** `target`: the name of a source, or `gateway`. */
export interface Fault {
  atMs: number;
  target: string;
  fault: SimFault | QemuFault | GatewayFault;
}

export interface ScheduleOptions {
  seed: number;
  durationMs: number;
  sims: readonly string[];
  qemus: readonly string[];
}

const COMMANDS = ['query-jobs', 'query-block-jobs', 'block-job-cancel', 'job-cancel', 'job-pause'] as const;

const QUERIES = ['query-jobs', 'query-block-jobs', 'query-commands', 'x-debug-query-block-graph'] as const;

export function schedule({ seed, durationMs, sims, qemus }: ScheduleOptions): Fault[] {
  const throws = dice(seed, 'schedule');
  const faults: Fault[] = [];
  const rush = (target: string, everyMs: number, next: () => Fault['fault']): void => {
    for (let at = throws.between(500, everyMs); at < durationMs - 2_000; at += throws.between(everyMs / 3, everyMs))
      faults.push({ atMs: Math.round(at), target, fault: next() });
  };
  const simFault = (): SimFault => {
    const luck = throws.roll();
    if (luck < 0.16) return { kind: 'drop', how: throws.pick(['clean', 'reset']) };
    if (luck < 0.26) return { kind: 'hang', ms: throws.between(20, 1_500) };
    if (luck < 0.32) return { kind: 'silent', ms: throws.between(100, 1_500) };
    if (luck < 0.42)
      return { kind: 'restart', downMs: throws.pick([0, 0, 50, 1_500]), how: throws.pick(['clean', 'reset']) };
    if (luck < 0.6)
      return { kind: 'storm', events: throws.between(50, 6_000), operation: throws.pick(['read', 'write']) };
    if (luck < 0.67) return { kind: 'stale-reply' };
    if (luck < 0.74) return { kind: 'early-event' };
    if (luck < 0.77) return { kind: 'garbage' };
    if (luck < 0.79) return { kind: 'malformed-reply', command: throws.pick(QUERIES) };
    if (luck < 0.84) return { kind: 'half-message' };
    if (luck < 0.9) return { kind: 'refuse', command: throws.pick(COMMANDS) };
    if (luck < 0.97) return { kind: 'delay', command: throws.pick(COMMANDS), ms: throws.between(5, 400) };
    return { kind: 'no-time', ms: throws.between(100, 1_000) };
  };
  for (const sim of sims) rush(sim, 6_000, simFault);
  for (const qemu of qemus)
    rush(qemu, 14_000, () =>
      throws.chance(0.6)
        ? { kind: 'kill', downMs: throws.between(0, 800) }
        : { kind: 'stop', ms: throws.between(100, 2_000) },
    );
  // One source floods so much that a client that does not read falls out of its retention; the last of them once for every minute.
  const flooded = sims[0];
  for (let at = durationMs * 0.3; flooded !== undefined && at < durationMs - 5_000; at += 60_000)
    faults.push({ atMs: Math.round(at), target: flooded, fault: { kind: 'flood', events: 40_000 } });
  let nth = 0;
  for (let at = durationMs * 0.6; at < durationMs - 5_000; at += 75_000) {
    const signal = (seed + nth++) % 2 === 0 ? 'SIGKILL' : 'SIGTERM';
    faults.push({ atMs: Math.round(at), target: 'gateway', fault: { kind: 'gateway', signal } });
  }
  return faults.sort((a, b) => a.atMs - b.atMs || (a.target < b.target ? -1 : 1));
}
