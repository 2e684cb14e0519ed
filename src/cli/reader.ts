// What a command does whose output nobody reads any more.
import { EXIT, type ExitCode } from './exit.js';

/** An abort whose outcome was not printed must not exit with 0. */
let code: ExitCode = EXIT.failed;

/** Of a stream that goes on until it is interrupted: `| head` that has closed stdout has what it wanted. */
export function endsWithReader(): void {
  code = EXIT.ok;
}

/** Called once, before any output. */
export function heedReaders(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(code);
    throw error;
  });
  // What was sent to QEMU goes on without a reader of stderr, and its answer is still printed on stdout.
  process.stderr.on('error', () => undefined);
}
