// In: servers that stand side by side, and what is asked of each. Out: for each its samples, taken in turn, so that what the machine
// does besides hits all of them alike; ratios are made within a round, then their median and spread are told.
import { median, quantile } from './rig.js';

/** @param ask one sample of one rig. @returns samples by kind, one a round. */
export async function interleave(rigs, rounds, ask) {
  const samples = Object.fromEntries(rigs.map(({ kind }) => [kind, []]));
  for (const rig of rigs) await ask(rig, -1); // warm
  for (let round = 0; round < rounds; round++) {
    // Everybody stands first once.
    const order = [...rigs.slice(round % rigs.length), ...rigs.slice(0, round % rigs.length)];
    for (const rig of order) samples[rig.kind].push(await ask(rig, round));
  }
  return samples;
}

/** Ratios of two series, round by round. */
export function ratio(over, under) {
  return spread(over.map((value, round) => value / under[round]));
}

export function spread(values) {
  return {
    median: median(values),
    low: Math.min(...values),
    high: Math.max(...values),
    q1: quantile(values, 0.25),
    q3: quantile(values, 0.75),
    runs: values.length,
  };
}

export const perCpuSecond = ({ deliveries, cpu }) => deliveries / cpu;
