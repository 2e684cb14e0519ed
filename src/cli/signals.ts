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

/** Milliseconds that are left to what still runs at the end. */
const LAST_MS = 1_000;

/**
 * Ends the process although calls of the file system have not been answered, as those of a hung disk are not. `process.exit` would wait for the threads
 * that make them, so the process ends by SIGTERM, as if it had not heeded it; its supervisor takes that for a clean end.
 *
 * @param ending called just before. @param afterMs milliseconds.
 */
export function endAnyway(ending: () => void, afterMs = LAST_MS): void {
  setTimeout(() => {
    ending();
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }, afterMs).unref();
}
