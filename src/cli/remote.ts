// A command's connection to a running gateway: a client that fails at once where the published one would try for ever.
import { readFileSync } from 'node:fs';
import { type Client, createClient, type Gap, GatewayError, type LineEnd } from '../client/node.js';
import { compareCursors } from '../protocol/cursor.js';
import { describeGap } from '../protocol/words.js';
import { storedToken } from './credentials.js';
import { CliError, EXIT } from './exit.js';
import { HOW_TO_LOG_IN, refusalOf } from './refusal.js';
import { whyUnreachable } from './unreachable.js';

export interface RemoteOptions {
  url: string;
  tokenFile?: string;
  json?: boolean;
}

/**
 * The WebSocket's URL for what a user gives: the address of the dashboard (`https://host/qmp/`), or of the WebSocket itself (`ws://host:7070/v1`). A
 * `ws:` address without a slash at its end is used unchanged. `unix:/path` is a unix listener.
 */
export function socketUrl(text: string): string {
  const path = /^unix:(\/.+)$/.exec(text)?.[1];
  // As npm `ws` takes it: the socket's path, a colon, the path of the request.
  if (path !== undefined) return `ws+unix:${path}:/v1`;
  if (!URL.canParse(text)) throw new CliError(EXIT.usage, `--url ${text}: not a URL, as http://127.0.0.1:7070`);
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
      else if (state.phase === 'waiting' && !reached) {
        const error = whyNotReached(url, state.reason, given?.from);
        if (error) reject(error);
      } else if (state.phase === 'closed' && state.reason.cause !== 'asked')
        reject(
          new CliError(
            isRefused(state.reason.code) ? EXIT.failed : EXIT.unreachable,
            whyClosed(url, state.reason, given?.from),
          ),
        );
    });
  });
  try {
    return await Promise.race([run(client), lost]);
  } catch (error) {
    throw error instanceof GatewayError ? refusalOf(error) : error;
  } finally {
    client.close();
  }
}

/** Before the first answer; `undefined`: the gateway may be about to restart, and the client tries again. */
function whyNotReached(url: string, reason: LineEnd, from: GivenToken['from'] | undefined): CliError | undefined {
  const { cause, code, detail } = reason;
  if (cause === 'unreachable') return new CliError(EXIT.unreachable, whyUnreachable(url, detail));
  if (cause !== 'unanswered') return undefined;
  // The client tries a token again that was refused for another reason than itself, without end.
  if (code === 1011) return new CliError(EXIT.failed, whyClosed(url, { code: 4401, detail }, from));
  return new CliError(EXIT.unreachable, `the gateway at ${url} does not answer: ${detail}`);
}

function findToken(url: string, file: string | undefined): GivenToken | undefined {
  const given = file === undefined ? process.env.QMP_GATEWAY_TOKEN?.trim() || undefined : readTokenFile(file);
  if (given !== undefined) return { token: given, from: 'given' };
  const token = storedToken(url);
  return token === undefined ? undefined : { token, from: 'stored' };
}

/** Never empty. */
export function readTokenFile(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CliError(EXIT.usage, `--token-file: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (token === '') throw new CliError(EXIT.usage, `--token-file: ${file} is empty`);
  return token;
}

/** The gateway is there, and wants other credentials. */
const isRefused = (code: number | undefined): boolean => code === 4401 || code === 4403 || code === 4408;

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

/** Says once that the line is lost and why, and once that it is back. A gateway that was never reached is the error of {@link withGateway}. */
export function announceLine(client: Client, say: (line: string) => void): void {
  let lost = false;
  let reached = client.state.phase === 'open';
  client.onState((state) => {
    reached ||= state.phase === 'open';
    if (state.phase === 'open' && lost) say('connected again');
    if (state.phase === 'waiting' && reached && !lost)
      say(`connection lost (${state.reason.detail || state.reason.cause}); reconnecting until it is back`);
    lost = state.phase === 'open' ? false : lost || (reached && state.phase === 'waiting');
  });
}

/** A gap in the events, as a text. */
export function gapLine({ reason, after, cursor }: Gap): string {
  if (reason === 'retention' && (compareCursors(after, cursor) ?? 0) > 0)
    return `gap: the log has not come to ${after}; it goes on after ${cursor}`;
  return `gap: events after ${after} and up to ${cursor} may be missing here. ${describeGap(reason)}`;
}
