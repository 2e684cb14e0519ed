// How fast jobs copy, from their figures, and how long they will take.
import type { Job } from '../protocol/types.js';

interface Rate {
  offset: number;
  at: number;
  perSecond: number;
  /** When these figures came, by this machine's clock. */
  seen: number;
}

/** Milliseconds without new figures after which there is no rate. Running jobs are polled every 500 ms. */
const STALE_MS = 5_000;

export class Rates {
  /** By run. */
  #rates = new Map<string, Rate>();

  /**
   * Units a second by run: bytes for block jobs; none where a job's figures are not current. Averages over a few measures.
   *
   * @param now milliseconds of this machine's clock.
   */
  of(jobs: readonly Job[], isCurrent: (job: Job) => boolean, now: number): ReadonlyMap<string, number> {
    this.#rates = new Map(jobs.map((job) => [job.run, measure(this.#rates.get(job.run), job, now)]));
    const current = jobs.filter((job) => isCurrent(job) && now - (this.#rates.get(job.run)?.seen ?? 0) < STALE_MS);
    return new Map(current.map(({ run }) => [run, this.#rates.get(run)?.perSecond ?? 0]));
  }
}

function measure(before: Rate | undefined, job: Job, seen: number): Rate {
  const offset = Number(job.offset);
  const at = Date.parse(job.updated);
  if (!before || at <= before.at) return before ?? { offset, at, perSecond: 0, seen };
  const now = ((offset - before.offset) * 1_000) / (at - before.at);
  return { offset, at, perSecond: before.perSecond === 0 ? now : before.perSecond * 0.6 + now * 0.4, seen };
}

/** Milliseconds, a second at least; `undefined` where nothing moves or nothing is left. */
export function timeLeft({ len, offset }: Pick<Job, 'len' | 'offset'>, perSecond: number): number | undefined {
  const left = Number(len) - Number(offset);
  return perSecond > 0 && left > 0 ? Math.max(1_000, (left / perSecond) * 1_000) : undefined;
}
