// `token new`: a token for somebody, printed once, and its entry for the gateway's file.
import type { Command } from 'commander';
import { CliError, EXIT } from './exit.js';
import { print, printJson } from './output.js';

interface TokenOptions {
  read?: string[];
  control?: string[];
  metrics?: boolean;
  expires?: string;
  json?: boolean;
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export function addToken(program: Command): void {
  program
    .command('token')
    .description('tokens of a gateway that asks who one is')
    .command('new')
    .description('make a token; it is printed once, and the file of "serve --tokens" gets its digest')
    .argument('<name>', 'whose it is, as requestedBy will name them')
    .option('--read <glob>', 'sources whose jobs may be seen; again for more', collect)
    .option('--control <glob>', 'sources whose jobs may be seen and controlled; again for more', collect)
    .option('--metrics', '/metrics may be read')
    .option('--expires <date>', 'from when on it is refused: 2027-01-31, or a time in ISO 8601')
    .option('--json', 'one JSON object for programs')
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway token new ci --control 'ci-*' --expires 2027-01-31
  $ qmp-gateway token new wall --read '*'`,
    )
    .action(async (name: string, options: TokenOptions) => {
      const [{ newToken, TOKENS }, { stringify }] = await Promise.all([import('../access/index.js'), import('yaml')]);
      const { token, sha256 } = newToken();
      const { read = [], control = [], metrics, expires, json } = options;
      if (read.length + control.length === 0 && !metrics)
        throw new CliError(EXIT.usage, 'it would grant nothing: give --read, --control or --metrics');
      const entry = {
        name,
        sha256,
        ...(read.length > 0 && { read }),
        ...(control.length > 0 && { control }),
        ...(metrics && { metrics }),
        ...(expires !== undefined && { expires }),
      };
      const text = stringify([entry]);
      const checked = TOKENS.safeParse([entry]);
      if (!checked.success)
        throw new CliError(
          EXIT.usage,
          checked.error.issues.map(({ path, message }) => `${path.slice(1).join('.')}: ${message}`),
        );
      if (json) return printJson({ token, entry });
      print(
        `token: ${token}`,
        '',
        'It is not shown again. Add this to the file of --tokens, then systemctl reload or SIGHUP:',
        '',
        ...text.trimEnd().split('\n'),
      );
    });
}
