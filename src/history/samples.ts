// Samples of the progress of live runs, from polls that are made anyway: at most 60 of each run, and the longer it lasts the further apart.
import type { ProgressSample } from '../protocol/history.js';
import type { Progress } from '../protocol/types.js';

const SAMPLES = 60;
/** Milliseconds between two samples of a young run. */
const FIRST_STEP_MS = 1_000;
/** Runs that have samples at a time. */
const RUNS = 10_000;

interface Sampled {
  startedAt: number;
  stepMs: number;
  dueMs: number;
  /** Three numbers a sample. */
  numbers: number[];
}

type Named = Pick<Progress, 'source' | 'run'>;
const keyOf = ({ source, run }: Named): string => `${source} ${run}`;

export class ProgressSamples {
  /** By source and run. */
  readonly #runs = new Map<string, Sampled>();
  readonly #startOf: (progress: Progress) => number | undefined;

  /** @param startOf milliseconds since 1970 at which the run began. */
  constructor(startOf: (progress: Progress) => number | undefined) {
    this.#startOf = startOf;
  }

  /** @param now milliseconds since 1970. */
  add(rows: readonly Progress[], now: number): void {
    for (const row of rows) {
      const { offset, len } = row;
      const sampled = this.#runs.get(keyOf(row)) ?? this.#begin(row, now);
      // A figure beyond 2^53 is a text; a length of 0 is not known yet.
      if (!sampled || typeof offset !== 'number' || typeof len !== 'number' || len === 0) continue;
      const sinceMs = Math.max(0, Math.round(now - sampled.startedAt));
      if (sinceMs < sampled.dueMs) continue;
      if (sampled.numbers.length === 3 * SAMPLES) thin(sampled);
      sampled.numbers.push(sinceMs, offset, len);
      sampled.dueMs = sinceMs + sampled.stepMs;
    }
  }

  of(run: Named): ProgressSample[] {
    const { numbers = [] } = this.#runs.get(keyOf(run)) ?? {};
    const samples: ProgressSample[] = [];
    for (let at = 0; at < numbers.length; at += 3)
      samples.push([numbers[at] ?? 0, numbers[at + 1] ?? 0, numbers[at + 2] ?? 0]);
    return samples;
  }

  /** The samples of a run that has ended. */
  take(run: Named): ProgressSample[] {
    const samples = this.of(run);
    this.#runs.delete(keyOf(run));
    return samples;
  }

  #begin(row: Progress, now: number): Sampled | undefined {
    if (this.#runs.size >= RUNS) return undefined;
    const sampled = { startedAt: this.#startOf(row) ?? now, stepMs: FIRST_STEP_MS, dueMs: 0, numbers: [] };
    this.#runs.set(keyOf(row), sampled);
    return sampled;
  }
}

/** Every second sample goes, and from now on they are twice as far apart. */
function thin(sampled: Sampled): void {
  sampled.numbers = sampled.numbers.filter((_, at) => Math.floor(at / 3) % 2 === 0);
  sampled.stepMs *= 2;
}
