// `login` and `logout`: the token for one gateway, verified by that gateway before it is stored.
import type { Command } from 'commander';
import { credentialsFile, forgetToken, originOf, storeToken } from './credentials.js';
import { CliError, EXIT } from './exit.js';
import { tokenOption, urlOption } from './options.js';
import { print } from './output.js';
import { type RemoteOptions, readTokenFile, socketUrl, withToken } from './remote.js';
import { readSecret } from './secret.js';

export function addLogin(program: Command): void {
  program
    .command('login')
    .description('verify a token and store it for this gateway; it is asked for, or read from stdin or --token-file')
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway login --url https://gw.example/
  $ pass show qmp-gateway | qmp-gateway login`,
    )
    .action(login);
  program
    .command('logout')
    .description('forget the token that is stored for this gateway; the gateway goes on accepting it')
    .addOption(urlOption())
    .action(({ url }: RemoteOptions) => {
      socketUrl(url);
      print(
        forgetToken(url) ? `the token for ${originOf(url)} is forgotten` : `no token is stored for ${originOf(url)}`,
      );
    });
}

async function login({ url, tokenFile }: RemoteOptions): Promise<void> {
  socketUrl(url);
  const token = tokenFile === undefined ? await readSecret(`token for ${originOf(url)}: `) : readTokenFile(tokenFile);
  if (token === '') throw new CliError(EXIT.usage, 'the token is empty');
  const identity = await withToken(url, { token, from: 'given' }, async (client) => {
    await client.info();
    return client.state;
  });
  const { principal, scopes = [] } = identity.phase === 'open' ? identity : { principal: undefined };
  if (principal === undefined || principal === 'anonymous')
    throw new CliError(EXIT.failed, `the gateway at ${url} asks for no token: nothing was stored`);
  storeToken(url, token);
  print(`logged in to ${originOf(url)} as ${principal}, who ${describeScopes(scopes)}`);
  print(`the token is in ${credentialsFile()}`);
}

/** What `scopes` of `authenticate` allow, to follow "who". */
export function describeScopes(scopes: readonly string[]): string {
  const globs = (kind: string): string[] =>
    scopes.flatMap((scope) => (scope.startsWith(`${kind}:`) ? [scope.slice(kind.length + 1)] : []));
  const [control, read] = [globs('control'), globs('read')];
  const parts = [
    ...(scopes.includes('*') ? ['may do everything'] : []),
    ...(control.length > 0 ? [`may see and control the jobs of ${control.join(', ')}`] : []),
    ...(read.length > 0 ? [`may see the jobs of ${read.join(', ')}`] : []),
    ...(scopes.includes('metrics') ? ['may read /metrics'] : []),
  ];
  return parts.length > 0 ? parts.join(', and ') : 'may see nothing';
}
