// A command's connection to a running gateway: a client that fails at once where the published one would try for ever.
import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { type Client, createClient, type Gap, GatewayError } from '../client/node.js';
import { describeGap, describeTimeout } from '../protocol/words.js';
import { storedToken } from './credentials.js';
import { CliError, EXIT, type ExitCode } from './exit.js';
import { whyUnreachable } from './unreachable.js';

export interface RemoteOptions {
  url: string;
  tokenFile?: string;
  json?: boolean;
}

export const urlOption = (): Option =>
  new Option('--url <url>', 'the gateway').env('QMP_GATEWAY_URL').default('http://127.0.0.1:7070');
/** A token itself is no flag: every user of the host sees the arguments of a process. */
export const tokenOption = (): Option =>
  new Option(
    '--token-file <file>',
    'a file with the token; else env QMP_GATEWAY_TOKEN, or what "login" has stored',
  ).env('QMP_GATEWAY_TOKEN_FILE');
export const jsonOption = (): Option => new Option('--json', 'JSON lines for programs');

/**
 * The WebSocket's URL for what a user gives: the address of the dashboard (`https://host/qmp/`), or of the WebSocket itself (`ws://host:7070/v1`). A
 * `ws:` address without a slash at its end is used unchanged. `unix:/path` is a unix listener.
 */
export function socketUrl(text: string): string {
  const path = /^unix:(\/.+)$/.exec(text)?.[1];
  // As npm `ws` takes it: the socket's path, a colon, the path of the request.
  if (path !== undefined) return `ws+unix:${path}:/v1`;
  if (!URL.canParse(text)) throw new CliError(EXIT.usage, `--url ${text}: not a URL`);
  const url = new URL(text);
  if (!/^(http|ws)s?:$/.test(url.protocol))
    throw new CliError(EXIT.usage, `--url ${text}: expected http, https, ws, wss or unix:/path`);
  const exact = url.protocol.startsWith('ws') && !url.pathname.endsWith('/');
  const prefix = url.pathname.replace(/\/+$/, '');
  if (!exact) url.pathname = prefix.endsWith('/v1') ? prefix : `${prefix}/v1`;
  url.protocol = url.protocol.replace('http', 'ws');
  url.hash = '';
  return url.href;
}

interface GivenToken {
  token: string;
  /** `given`: by a flag, the environment or stdin. `stored`: by `login`. */
  from: 'given' | 'stored';
}

/**
 * Runs one command; rejects with a CliError if the gateway can't be reached or refuses. Once it was reached, the client reconnects without end: how
 * long a command waits is its own bound.
 */
export function withGateway<Result>(
  { url, tokenFile }: RemoteOptions,
  run: (client: Client) => Promise<Result>,
): Promise<Result> {
  // A wrong URL is said as such, before a token is looked for.
  socketUrl(url);
  return withToken(url, findToken(url, tokenFile), run);
}

/** As {@link withGateway}, with this token alone. */
export async function withToken<Result>(
  url: string,
  given: GivenToken | undefined,
  run: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = createClient({ url: socketUrl(url), ...(given && { token: given.token }) });
  let reached = false;
  const lost = new Promise<never>((_, reject) => {
    client.onState((state) => {
      if (state.phase === 'open') reached = true;
      else if (state.phase === 'waiting' && !reached && state.reason.cause === 'unreachable')
        reject(new CliError(EXIT.unreachable, whyUnreachable(url, state.reason.detail)));
      else if (state.phase === 'closed' && state.reason.cause !== 'asked')
        reject(new CliError(EXIT.unreachable, whyClosed(url, state.reason, given?.from)));
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

function findToken(url: string, file: string | undefined): GivenToken | undefined {
  const given = file === undefined ? process.env.QMP_GATEWAY_TOKEN?.trim() || undefined : readTokenFile(file);
  if (given !== undefined) return { token: given, from: 'given' };
  const token = storedToken(url);
  return token === undefined ? undefined : { token, from: 'stored' };
}

export function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CliError(EXIT.usage, `--token-file: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

const HOW_TO_LOG_IN = 'qmp-gateway login, --token-file FILE, or QMP_GATEWAY_TOKEN';

function whyClosed(
  url: string,
  { code, detail }: { code?: number; detail: string },
  from: GivenToken['from'] | undefined,
): string {
  if ((code === 4401 || code === 4408) && !from) return `the gateway at ${url} asks for a token: ${HOW_TO_LOG_IN}`;
  if (code === 4401 || code === 4403) {
    const which = from === 'stored' ? 'the token that is stored for it' : 'the token';
    return `the gateway at ${url} refused ${which}: ${detail}${from === 'stored' ? '; qmp-gateway login stores another' : ''}`;
  }
  return `the gateway at ${url} closed the connection: ${detail}`;
}

/** Says once that the line is lost and why, and once that it is back. */
export function announceLine(client: Client, say: (line: string) => void): void {
  let lost = false;
  client.onState((state) => {
    if (state.phase === 'open' && lost) say('connected again');
    if (state.phase === 'waiting' && !lost)
      say(`connection lost (${state.reason.detail || state.reason.cause}); reconnecting until it is back`);
    lost = state.phase === 'open' ? false : lost || state.phase === 'waiting';
  });
}

/** A gap in the events, as a text. */
export function gapLine({ reason, after, cursor }: Gap): string {
  return `gap: events after ${after} and up to ${cursor} may be missing here. ${describeGap(reason)}`;
}

const CODES: Readonly<Record<string, ExitCode>> = {
  TIMEOUT: EXIT.timeout,
  OUTCOME_UNKNOWN: EXIT.unknown,
  // The command was sent and not answered. Requests that may be repeated were repeated before this.
  CONNECTION_LOST: EXIT.unknown,
};

function refused(error: GatewayError): CliError {
  const { hint, desc, accepted, sent } = error.data as {
    hint?: unknown;
    desc?: unknown;
    accepted?: unknown;
    sent?: unknown;
  };
  const unanswered = sent === true ? EXIT.timeout : EXIT.unreachable;
  const code = error.reason === 'NO_ANSWER' ? unanswered : (CODES[error.reason] ?? EXIT.failed);
  const lines = [
    `${error.reason}: ${error.message}`,
    ...(desc && desc !== error.message ? [`  QEMU says: ${desc}`] : []),
    ...(hint ? [`  hint: ${hint}`] : []),
    ...(error.reason === 'UNAUTHENTICATED' ? [`  hint: ${HOW_TO_LOG_IN}`] : []),
    ...(error.reason === 'TIMEOUT' ? [`  ${describeTimeout(accepted)}`] : []),
  ];
  return new CliError(code, lines, { cause: error });
}
