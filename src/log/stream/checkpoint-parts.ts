// The numbered parts of a source's checkpoint, as its messages come. A checkpoint that lacks a part counts for nothing: the state before it stands.
import type { StreamBody } from './message.js';

type Part = Extract<StreamBody, { kind: 'part' }>;

export interface WholeCheckpoint {
  readonly lines: readonly string[];
  /** Place of its first part. */
  readonly begin: number;
}

export class CheckpointParts {
  #lines: string[] = [];
  #begin = 0;
  #of = 0;
  /** The part that must come next. */
  #next = 1;

  /** @returns the checkpoint with its last part. */
  take(seq: number, { part, of, lines }: Part): WholeCheckpoint | undefined {
    if (part === 1) {
      this.#lines = [];
      this.#begin = seq;
      this.#of = of;
    } else if (part !== this.#next || of !== this.#of) {
      this.#lines = [];
      this.#next = 1;
      return undefined;
    }
    // A part may have more lines than a call may have arguments.
    for (const line of lines) this.#lines.push(line);
    this.#next = part + 1;
    if (part < of) return undefined;
    const whole = { lines: this.#lines, begin: this.#begin };
    this.#lines = [];
    this.#next = 1;
    return whole;
  }
}
