// The signals of the process: to end, and to read the files again.

const STOP = ['SIGTERM', 'SIGINT'] as const;

/**
 * Resolves at the first signal to end; a second one of the same kind ends the process at once.
 *
 * @param reload called for each SIGHUP, as service managers send it. Without it SIGHUP is a signal to end: a terminal that is closed sends it, and
 * its default would end the process without a word to anybody.
 */
export function stopSignal(reload?: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of STOP) process.once(signal, () => resolve(signal));
    if (reload) process.on('SIGHUP', reload);
    else process.once('SIGHUP', () => resolve('SIGHUP'));
  });
}
