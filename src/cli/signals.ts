// The wish to end. In: the process's signals. Out: the first one that came.

/** SIGHUP too: a terminal that is closed sends it, and its default would end the process without a word to anybody. */
const STOP = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Resolves at the first of them; a second one of the same kind ends the process at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of STOP) process.once(signal, () => resolve(signal));
  });
}
