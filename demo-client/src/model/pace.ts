// How fast a job moves: its rate, time left and plot, from the (time, offset) pairs that have come. No clock of its own.

/** What was seen of one run, oldest first. The figures are the page's own: QEMU reports no rate. */
export interface Trail {
  /** Milliseconds. */
  readonly at: number[];
  readonly offset: number[];
}

export const newTrail = (): Trail => ({ at: [], offset: [] });

/** Adds a pair in place and keeps the newest `max`. Two within 50 ms count as one. */
export function extend(trail: Trail, at: number, offset: number, max: number): void {
  const last = trail.at.length - 1;
  if (last >= 0 && at - (trail.at[last] ?? 0) < 50) trail.offset[last] = offset;
  else {
    trail.at.push(at);
    trail.offset.push(offset);
  }
  if (trail.at.length > max) {
    trail.at.shift();
    trail.offset.shift();
  }
}

/** Rates over this much time are steady enough to read. */
export const RATE_WINDOW_MS = 8_000;

/** A trail whose newest pair is older has no rate: the gateway sends figures every 5 s at least while a job runs. */
export const STALE_MS = 12_000;

/** Units per second over the newest window; `undefined` before there are two pairs, and where the newest is old at `now`. */
export function rateOf({ at, offset }: Trail, now: number, windowMs = RATE_WINDOW_MS): number | undefined {
  const last = at.length - 1;
  const end = at[last];
  if (end === undefined || last < 1 || now - end > STALE_MS) return undefined;
  let first = last - 1;
  while (first > 0 && end - (at[first - 1] ?? 0) <= windowMs) first -= 1;
  const seconds = (end - (at[first] ?? end)) / 1_000;
  return Math.max(0, ((offset[last] ?? 0) - (offset[first] ?? 0)) / seconds);
}

/** Milliseconds to `len` at this rate; `undefined` where nothing moves or nothing is left. */
export function etaOf(len: number, offset: number, rate: number | undefined): number | undefined {
  return rate !== undefined && rate > 0 && len > offset ? ((len - offset) / rate) * 1_000 : undefined;
}

/** A point of a plot looks so far back. QEMU copies in lumps: from one figure to the next a throttled job stands still or leaps. */
const PLOT_WINDOW_MS = 5_000;

/** The rate over time, as plot data: seconds since 1970, units per second. */
export function ratesOf({ at, offset }: Trail): [number[], number[]] {
  const times: number[] = [];
  const rates: number[] = [];
  let first = 0;
  for (let n = 1; n < at.length; n += 1) {
    const now = at[n] ?? 0;
    while (first < n - 1 && now - (at[first + 1] ?? now) >= PLOT_WINDOW_MS) first += 1;
    times.push(now / 1_000);
    rates.push(Math.max(0, ((offset[n] ?? 0) - (offset[first] ?? 0)) / ((now - (at[first] ?? now)) / 1_000)));
  }
  return [times, rates];
}
