// How a command ends. In: what went wrong. Out: one clear line on stderr and a documented exit code; never a stack.

/** Stable; documented in the README. */
export const EXIT = {
  ok: 0,
  /** The gateway or QEMU refused, the job failed, or no source is up to be asked. */
  failed: 1,
  /** A wrong flag, a malformed source, a port in use. */
  usage: 2,
  /** The bound passed. */
  timeout: 3,
  /** No gateway answers there. */
  unreachable: 4,
  /** Nobody can know what became of the job. */
  unknown: 5,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: ExitCode;
  /** What stderr says, one entry a line. */
  readonly lines: readonly string[];

  constructor(code: ExitCode, message: string | readonly string[], options?: { cause?: unknown }) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.join('\n'), options);
    this.code = code;
    this.lines = lines;
  }
}
