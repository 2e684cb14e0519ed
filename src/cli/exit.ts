// How a command ends: with a documented exit code and one clear line on stderr, never with a stack.

/** Stable; documented in the README. */
export const EXIT = {
  ok: 0,
  /** The gateway or QEMU refused, the job failed, or no source is up. */
  failed: 1,
  /** A wrong flag, a malformed source, a port in use. */
  usage: 2,
  /** The bound has passed. */
  timeout: 3,
  /** No gateway answers at that URL. */
  unreachable: 4,
  /** The result of the command or the job is unknown. */
  unknown: 5,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: ExitCode;
  /** The lines for stderr. */
  readonly lines: readonly string[];

  constructor(code: ExitCode, message: string | readonly string[], options?: { cause?: unknown }) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.join('\n'), options);
    this.code = code;
    this.lines = lines;
  }
}
