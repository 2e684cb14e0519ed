// A command's line to a running gateway. In: --url. Out: a client that fails at once where the published one would try for ever.
import { Option } from 'commander';
import { type Client, createClient, GatewayError } from '../client/node.js';
import { CliError, EXIT, type ExitCode } from './exit.js';

export interface RemoteOptions {
  url: string;
  json?: boolean;
}

export const urlOption = (): Option =>
  new Option('--url <url>', 'the gateway').env('QMP_GATEWAY_URL').default('http://127.0.0.1:7070');
export const jsonOption = (): Option => new Option('--json', 'JSON lines for programs');

/** `http://host:7070` or `ws://host:7070/v1`. */
export function socketUrl(text: string): string {
  if (!URL.canParse(text)) throw new CliError(EXIT.usage, `--url ${text}: not a URL`);
  const url = new URL(text);
  if (!/^(http|ws)s?:$/.test(url.protocol))
    throw new CliError(EXIT.usage, `--url ${text}: expected http, https, ws or wss`);
  url.protocol = url.protocol.replace('http', 'ws');
  if (url.pathname === '/') url.pathname = '/v1';
  return url.href;
}

/** Runs one command; rejects with a CliError where the gateway can't be reached or refuses. */
export async function withGateway<Result>(
  options: RemoteOptions,
  run: (client: Client) => Promise<Result>,
): Promise<Result> {
  const url = socketUrl(options.url);
  const client = createClient({ url });
  const lost = new Promise<never>((_, reject) => {
    client.onState((state) => {
      if (state.phase === 'waiting' && state.reason.cause === 'unreachable')
        reject(new CliError(EXIT.unreachable, `no gateway at ${options.url} (is "qmp-gateway serve" running there?)`));
      else if (state.phase === 'closed' && state.reason.cause !== 'asked')
        reject(new CliError(EXIT.unreachable, `the gateway at ${options.url} closed the line: ${state.reason.detail}`));
    });
  });
  try {
    return await Promise.race([run(client), lost]);
  } catch (error) {
    throw error instanceof GatewayError ? refused(error) : error;
  } finally {
    client.close();
  }
}

function refused(error: GatewayError): CliError {
  const code: ExitCode =
    error.reason === 'TIMEOUT' ? EXIT.timeout : error.reason === 'OUTCOME_UNKNOWN' ? EXIT.unknown : EXIT.failed;
  const { hint, desc } = (error.data ?? {}) as { hint?: string; desc?: string };
  const more = [desc && desc !== error.message ? `QEMU says: ${desc}` : '', hint ? `hint: ${hint}` : ''].filter(
    (text) => text !== '',
  );
  return new CliError(code, [`${error.reason}: ${error.message}`, ...more].join('\n  '), { cause: error });
}
