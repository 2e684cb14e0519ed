// What is in memory of the runs of one file: 36 bytes each, oldest first. The rest is read from the file.
import type { Outcome } from '../protocol/types.js';

/** Numbers of a row beside its end: position, bytes, source, outcome, and the digests of job and run. */
const WIDTH = 7;
const OUTCOMES: readonly Outcome[] = ['completed', 'cancelled', 'failed', 'lost'];

/** A row as a search sees it. */
export interface RowHead {
  /** Milliseconds since 1970. */
  readonly end: number;
  readonly source: string;
  readonly outcome: Outcome;
  /** {@link digest32} of the job's id, and {@link digestOfRun}: equal names have equal digests. */
  readonly jobDigest: number;
  readonly runDigest: number;
}

/** Names of sources as numbers, for all files. */
export class Names {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#names.push(name);
    this.#numbers.set(name, this.#names.length - 1);
    return this.#names.length - 1;
  }

  nameOf(number: number): string {
    return this.#names[number] ?? '';
  }
}

export class Rows {
  length = 0;
  #ends = new Float64Array(16);
  #numbers = new Uint32Array(16 * WIDTH);
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  push(row: {
    end: number;
    position: number;
    bytes: number;
    source: string;
    outcome: Outcome;
    job: string;
    run: string;
  }): void {
    if (this.length === this.#ends.length) this.#grow();
    const at = this.length++;
    this.#ends[at] = row.end;
    const [low, high] = splitDigest(digestOfRun(row));
    const numbers = [row.position, row.bytes, this.#names.numberOf(row.source), OUTCOMES.indexOf(row.outcome)];
    this.#numbers.set([...numbers, digest32(row.job), low, high], at * WIDTH);
  }

  head(at: number): RowHead {
    return {
      end: this.#ends[at] ?? 0,
      source: this.#names.nameOf(this.#number(at, 2)),
      outcome: OUTCOMES[this.#number(at, 3)] ?? 'lost',
      jobDigest: this.#number(at, 4),
      runDigest: this.runDigest(at),
    };
  }

  position(at: number): number {
    return this.#number(at, 0);
  }

  bytes(at: number): number {
    return this.#number(at, 1);
  }

  runDigest(at: number): number {
    return this.#number(at, 6) * 0x1_0000_0000 + this.#number(at, 5);
  }

  /** Milliseconds since 1970 of the newest row; 0 where there is none. */
  get newest(): number {
    return this.#ends[this.length - 1] ?? 0;
  }

  /** Number of rows whose position is below `position`. */
  below(position: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.position(middle) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #number(at: number, which: number): number {
    return this.#numbers[at * WIDTH + which] ?? 0;
  }

  #grow(): void {
    const [ends, numbers] = [this.#ends, this.#numbers];
    this.#ends = new Float64Array(2 * ends.length);
    this.#ends.set(ends);
    this.#numbers = new Uint32Array(2 * numbers.length);
    this.#numbers.set(numbers);
  }
}

/** 53 bits of a text (cyrb53): two of 100,000 names are equal with a probability of one in a million. */
export function digest(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    a = Math.imul(a ^ char, 2654435761);
    b = Math.imul(b ^ char, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 0x1_0000_0000 * (0x1f_ffff & b) + (a >>> 0);
}

export const digestOfRun = ({ source, run }: { source: string; run: string }): number => digest(`${source} ${run}`);

export const digest32 = (text: string): number => digest(text) % 0x1_0000_0000;

const splitDigest = (value: number): [low: number, high: number] => [
  value % 0x1_0000_0000,
  Math.floor(value / 0x1_0000_0000),
];
