// Where the rows of a long list lie, and which of them are in sight. Pure.

export interface Heights {
  readonly count: number;
  readonly total: number;
  topOf(index: number): number;
  /** The row at a position; the last one beyond the end. */
  indexAt(y: number): number;
}

export function uniform(count: number, height: number): Heights {
  return {
    count,
    total: count * height,
    topOf: (index) => index * height,
    indexAt: (y) => Math.max(0, Math.min(count - 1, Math.floor(y / height))),
  };
}

export function mixed(heights: readonly number[]): Heights {
  const tops = new Float64Array(heights.length + 1);
  heights.forEach((height, n) => {
    tops[n + 1] = (tops[n] ?? 0) + height;
  });
  return {
    count: heights.length,
    total: tops[heights.length] ?? 0,
    topOf: (index) => tops[index] ?? 0,
    indexAt(y) {
      let [low, high] = [0, Math.max(0, heights.length - 1)];
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if ((tops[middle] ?? 0) <= y) low = middle;
        else high = middle - 1;
      }
      return low;
    },
  };
}

export interface Range {
  first: number;
  /** Exclusive. */
  last: number;
}

/** Rows drawn beyond each edge, so that fast scrolling shows no blanks. */
const BEYOND = 6;

export function rangeOf(heights: Heights, top: number, height: number): Range {
  const { count } = heights;
  if (count === 0) return { first: 0, last: 0 };
  return {
    first: Math.max(0, heights.indexAt(top) - BEYOND),
    last: Math.min(count, heights.indexAt(top + height) + 1 + BEYOND),
  };
}

/** The scroll position at which a row is in sight; `undefined`: it is already. */
export function scrollTo(heights: Heights, index: number, top: number, height: number): number | undefined {
  const [begin, end] = [heights.topOf(index), heights.topOf(index + 1)];
  if (begin < top) return begin;
  return end > top + height ? end - height : undefined;
}

/** The first and the last row of which nothing is hidden at this scroll position; of a list that is lower than a row, the one at the top. */
export function whollyInSight(heights: Heights, top: number, height: number): { first: number; last: number } {
  const first = top > 0 ? Math.min(heights.count - 1, heights.indexAt(top - 1) + 1) : 0;
  const end = top + height;
  const last = end >= heights.total ? heights.count - 1 : heights.indexAt(end) - 1;
  return { first, last: Math.max(first, last) };
}
