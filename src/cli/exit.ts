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

/** What the table leaves open, for the man page; docs/CLI.md says the same. */
export const EXIT_NOTES: readonly string[] = [
  'A refusal by name is 1, as STALE_RUN, but INVALID_PARAMS, INVALID_OPTION and TOO_LARGE are 2, TIMEOUT is 3, OUTCOME_UNKNOWN and ' +
    'CONNECTION_LOST are 5, and NO_ANSWER is 3 where the request was sent and 4 where it was not',
  'A command that a signal ends before it has come to what was asked has the code of the signal: 130 after Ctrl-C, 143 after SIGTERM. ' +
    'What goes on until it is interrupted (events without --until and --count, jobs --watch, watch, top) ends by a signal with 0, ' +
    'and the first three also when the reader of stdout has gone; any other command whose stdout nobody reads ends with 1. ' +
    'A reader of stderr that has gone changes nothing',
];

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
