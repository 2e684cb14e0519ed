// The command line of the kit, as a value.
import { parseArgs } from 'node:util';
import type { Clause } from './clause.js';
import { CLAUSES } from './clauses/index.js';
import type { ServerOptions } from './server.js';

export const USAGE = `Usage: qmp-gateway-conformance [options] ws://HOST:PORT[/v1]

Tries a server against the protocol qmp-gateway.v1 (docs/PROTOCOL.md), clause by
clause. Without --abort it only reads: no job is changed.

Options:
  --abort SOURCE/JOB  a running job that may be stopped: the clauses of
                      job.abort are tried on it
  --clause ID         only this clause; may be given several times
  --json              one JSON object a line for each clause
  --list              the clauses; no server is needed
  --slow              also clauses that take longer than a few seconds
  --timeout TIME      the bound of one wait, as 500ms or 5s (default: 5s)
  --token TOKEN       sent as Authorization: Bearer
                      (default: $QMP_GATEWAY_TOKEN)
  --help              this text

Exit codes:
  0  no clause failed
  1  a clause failed
  2  wrong usage
  4  no server answers at that URL, or it refuses the connection
`;

export type Arguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }
  | { readonly kind: 'list'; readonly clauses: readonly Clause[]; readonly json: boolean }
  | {
      readonly kind: 'try';
      readonly clauses: readonly Clause[];
      readonly json: boolean;
      readonly server: ServerOptions;
    };

/** Never throws. */
export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): Arguments {
  try {
    return read(args, env);
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) };
  }
}

function read(args: readonly string[], env: NodeJS.ProcessEnv): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      abort: { type: 'string' },
      clause: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean' },
      slow: { type: 'boolean' },
      timeout: { type: 'string' },
      token: { type: 'string' },
    },
  });
  if (values.help) return { kind: 'help' };
  const clauses = values.clause ? values.clause.map(clauseOf) : CLAUSES;
  if (values.list) return { kind: 'list', clauses, json: values.json };
  const [url, ...more] = positionals;
  if (url === undefined || more.length > 0) throw new Error('expected one URL, as ws://127.0.0.1:7070');
  const token = values.token ?? (env.QMP_GATEWAY_TOKEN?.trim() || undefined);
  const server: ServerOptions = {
    url: socketUrl(url),
    ...(token !== undefined && { token }),
    ...(values.timeout !== undefined && { timeoutMs: milliseconds(values.timeout) }),
    ...(values.slow && { slow: true }),
    ...(values.abort !== undefined && { abort: jobOf(values.abort) }),
  };
  return { kind: 'try', clauses, json: values.json, server };
}

function clauseOf(id: string): Clause {
  const clause = CLAUSES.find((each) => each.id === id);
  if (!clause) throw new Error(`--clause ${id}: no such clause; --list has them`);
  return clause;
}

/** With the path `/v1`, where the URL has none. */
function socketUrl(text: string): string {
  if (!URL.canParse(text)) throw new Error(`${text}: not a URL`);
  const url = new URL(text);
  if (!/^(http|ws)s?:$/.test(url.protocol)) throw new Error(`${text}: expected ws, wss, http or https`);
  url.protocol = url.protocol.replace('http', 'ws');
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/v1') ? path : `${path}/v1`;
  url.hash = '';
  return url.href;
}

function milliseconds(text: string): number {
  const [, digits = '', unit] = /^(\d{1,6})(ms|s)$/.exec(text) ?? [];
  const ms = Number(digits) * (unit === 's' ? 1_000 : 1);
  if (ms < 100) throw new Error(`--timeout ${text}: expected 100ms or more, as 500ms or 5s`);
  return ms;
}

/** A job's id may have slashes of its own; a source's name has none. */
function jobOf(text: string): { source: string; job: string } {
  const [, source, job] = /^([^/]+)\/(.+)$/s.exec(text) ?? [];
  if (source === undefined || job === undefined) throw new Error(`--abort ${text}: expected SOURCE/JOB`);
  return { source, job };
}
