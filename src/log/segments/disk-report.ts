// What the operator of a log on disk should know.

export type DiskReport =
  | { kind: 'failing'; error: Error }
  | { kind: 'recovered' }
  | { kind: 'checkpoint-failed'; error: Error }
  | { kind: 'unreadable'; error: Error };

export const errorOf = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
