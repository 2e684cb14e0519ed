// How fast a job progresses: rate, remaining time and plot from its (time, offset) pairs. Has no clock.

/** The figures of one run that this page received, oldest first. The rate is computed here, as QEMU reports none. */
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

/** Milliseconds over which a rate is averaged, so that it is steady enough to read. */
export const RATE_WINDOW_MS = 8_000;

/** A trail whose newest pair is older has no rate: while a job runs the gateway sends figures at least every 5 s. */
export const STALE_MS = 12_000;

/** Units per second over the newest window; `undefined` with fewer than two pairs, or if the newest is old at `now`. */
export function rateOf({ at, offset }: Trail, now: number, windowMs = RATE_WINDOW_MS): number | undefined {
  const last = at.length - 1;
  const end = at[last];
  if (end === undefined || last < 1 || now - end > STALE_MS) return undefined;
  let first = last - 1;
  while (first > 0 && end - (at[first - 1] ?? 0) <= windowMs) first -= 1;
  const seconds = (end - (at[first] ?? end)) / 1_000;
  return Math.max(0, ((offset[last] ?? 0) - (offset[first] ?? 0)) / seconds);
}

/** Milliseconds to `len` at this rate; `undefined` if the rate is 0 or nothing is left. */
export function etaOf(len: number, offset: number, rate: number | undefined): number | undefined {
  return rate !== undefined && rate > 0 && len > offset ? ((len - offset) / rate) * 1_000 : undefined;
}

/** Milliseconds over which a point of the plot is averaged. QEMU copies in chunks, so a throttled job stands still and then jumps. */
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

/** The rates as an SVG path, from 0 at the bottom to the highest at the top; the newest is at the right edge. */
export function sparkPath(
  series: readonly [readonly number[], readonly number[]],
  width: number,
  height: number,
): string {
  const [times, rates] = series;
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const top = Math.max(...rates, 1) * 1.05;
  const points = times.map((at, n) => {
    const x = last > first ? ((at - first) / (last - first)) * width : 0;
    return `${x.toFixed(1)},${(height - ((rates[n] ?? 0) / top) * (height - 2)).toFixed(1)}`;
  });
  return `M${points.join('L')}`;
}
