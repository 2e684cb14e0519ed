// What the keeper of a folder tells: the operator, and the log whose folder it is.

export type DiskReport =
  | { kind: 'failing'; error: Error }
  | { kind: 'recovered' }
  | { kind: 'checkpoint-failed'; error: Error }
  | { kind: 'unreadable'; error: Error };

/** The log whose folder it is. */
export interface KeptLog {
  /** Calls `quiet` of its keeper as soon as everything that was appended is shown. */
  settle(): void;
  /** The disk takes nothing: from now on entries are in memory alone. */
  replace(): void;
}

export const errorOf = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
