// What becomes of a clause: passed, failed or not tried; and how one that is tried says so.
export type Verdict =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly why: string; readonly transcript: readonly string[] }
  | { readonly status: 'not tried'; readonly why: string };

/** The server does not keep the clause. */
export class ClauseFailed extends Error {
  override readonly name = 'ClauseFailed';
}

/** The server, as it is now, gives no occasion to try the clause. */
export class NotTried extends Error {
  override readonly name = 'NotTried';
}

/** @param why what is wrong where `holds` is false. */
export function check(holds: unknown, why: string | (() => string)): asserts holds {
  if (!holds) throw new ClauseFailed(typeof why === 'string' ? why : why());
}

/** @param why what is missing where there is no `value`. */
export function need<Value>(value: Value | undefined | null | false, why: string): Value {
  if (value === undefined || value === null || value === false) throw new NotTried(why);
  return value;
}
