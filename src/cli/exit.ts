// How a command ends: with a documented exit code and clear lines on stderr, never with a stack.

/** Every exit code of every command, for `--help`, the man page and docs/CLI.md. Stable. */
export const EXIT_CODES = [
  { code: 0, name: 'ok', when: 'as asked' },
  { code: 1, name: 'failed', when: 'refused by the gateway or by QEMU, or a job did not end as asked' },
  { code: 2, name: 'usage', when: 'wrong usage: a flag, an argument, a file of settings, a port in use' },
  { code: 3, name: 'timeout', when: 'not within the bound' },
  { code: 4, name: 'unreachable', when: 'no gateway, or no server of NATS, answers at that URL' },
  { code: 5, name: 'unknown', when: 'what came of a command or of a job cannot be known' },
] as const;
export type ExitCode = (typeof EXIT_CODES)[number]['code'];

export const EXIT = Object.fromEntries(EXIT_CODES.map(({ name, code }) => [name, code])) as {
  readonly [Row in (typeof EXIT_CODES)[number] as Row['name']]: Row['code'];
};

/** Of several answers: the one that leaves most to be done. */
export const worstOf = (codes: readonly ExitCode[]): ExitCode => Math.max(EXIT.ok, ...codes) as ExitCode;

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
