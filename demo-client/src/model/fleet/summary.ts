// All jobs in five figures: counts, and the total rate of the jobs that are measured in bytes. Pure.
import type { Frame, Tally } from './live-table.js';

export interface Summary extends Tally {
  up: number;
  sources: number;
  bytesPerSecond: number;
}

export function summarize({ sources, tally }: Frame, bytesPerSecond: number): Summary {
  let up = 0;
  for (const { state } of sources.values()) if (state === 'up') up += 1;
  return { ...tally, up, sources: sources.size, bytesPerSecond };
}
