// What the keeper of a folder tells: the operator, and the log whose folder it is.

export type DiskReport =
  | { kind: 'failing'; error: Error }
  | { kind: 'recovered' }
  | { kind: 'checkpoint-failed'; error: Error }
  | { kind: 'unreadable'; error: Error };

/** Where the log begins: what the folder had. */
export interface Beginning {
  epoch: string;
  /** Offset before the first entry of the epoch. */
  begin: number;
  /** Readers may read entries after it: later than `begin` where some were in memory alone. */
  floor: number;
  /** Offset of the last entry, and of the last that clients see. */
  last: number;
  head: number;
  /** Milliseconds since 1970 at which the last one was written. */
  at: number;
}

/** The log whose folder it is. */
export interface KeptLog {
  /** Offset before the first entry of its epoch. */
  readonly begin: number;
  /** Calls `quiet` of its keeper as soon as everything that was appended is shown. */
  settle(): void;
  /** The disk takes nothing: from now on entries are in memory alone. */
  replace(): void;
}

export const errorOf = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
