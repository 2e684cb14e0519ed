// Plain reads: GET of jobs, sources and the history as JSON, the results of the methods that POST /v1/rpc has. An error has a status of HTTP's own.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transport } from '../../access/index.js';
import { type Answer, type Refusal, refuseParams } from '../../protocol/answer.js';
import type { ErrorReason } from '../../protocol/codes.js';
import type { MethodName } from '../../protocol/methods.js';
import { type CallDeps, call } from './call.js';
import { type Kind, readQuery } from './query.js';
import { send } from './reply.js';
import { retryAfter } from './upgrade.js';

interface Read {
  method: MethodName;
  query: Readonly<Record<string, Kind>>;
  /** Members of the params that the rest of the path gives, in its order. */
  path?: readonly string[];
}

const PAGES = { limit: 'number', pageToken: 'text' } as const;
const RUNS = {
  sources: 'list',
  jobs: 'texts',
  outcomes: 'list',
  by: 'texts',
  endedAfter: 'text',
  endedBefore: 'text',
} as const;
const RUN = { method: 'job.get', query: { run: 'text' }, path: ['source', 'job'] } as const;

/** By the path below `/v1/`; with a slash at the end, of one job. */
const READS: Readonly<Record<string, Read>> = {
  sources: { method: 'source.list', query: {} },
  jobs: { method: 'job.list', query: { sources: 'list', ...PAGES } },
  'jobs/': RUN,
  history: { method: 'history.list', query: { ...RUNS, ...PAGES } },
  'history/': { ...RUN, method: 'history.get' },
};

/** What a path reads, and the params in it; `undefined`: nothing is read there. */
export function readAt(path: string): { read: Read; params: Record<string, string> } | undefined {
  const [, first = '', slash = '', rest = ''] = /^\/v1\/([a-z]+)(\/?)(.*)$/s.exec(path) ?? [];
  const name = rest === '' ? first : `${first}${slash}`;
  const read = Object.hasOwn(READS, name) ? READS[name] : undefined;
  if (!read) return undefined;
  const parts = rest === '' ? [] : rest.split('/');
  // A job's id may have slashes of its own: it is the rest of the path.
  const [head, ...tail] = parts;
  const values = read.path === undefined ? [] : [head ?? '', tail.join('/')];
  const params = (read.path ?? []).map((member, at) => [member, decode(values[at] ?? '')]);
  return { read, params: Object.fromEntries(params) as Record<string, string> };
}

/** What is no percent-encoding stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function answerRead(
  { request, response, transport }: { request: IncomingMessage; response: ServerResponse; transport: Transport },
  { read, params }: NonNullable<ReturnType<typeof readAt>>,
  url: string,
  deps: CallDeps & { cursor: () => string },
): void {
  const query = readQuery(url, read.query);
  if (!query.ok) return sendRefusal(response, refuseParams(query.why).error);
  const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method: read.method, params: { ...query.params, ...params } });
  call({ request, response, transport }, text, deps, (to, _id, answer) => reply(request, to, answer, deps.cursor()));
}

function reply(request: IncomingMessage, response: ServerResponse, answer: Answer<unknown>, cursor: string): void {
  if (!answer.ok) return sendRefusal(response, answer.error);
  if (response.destroyed) return;
  const text = `${JSON.stringify(answer.result)}\n`;
  const tag = tagOf(text, cursor);
  response.setHeader('etag', tag).setHeader('vary', 'authorization, origin');
  if (isKnown(request.headers['if-none-match'], tag))
    return void response.writeHead(304, { 'cache-control': 'no-cache' }).end();
  send(response, 200, text, 'application/json', 'no-cache');
}

/** From the cursor, and from the text: measures of jobs and samples of the history change without an entry in the log. */
function tagOf(text: string, cursor: string): string {
  return `"${cursor}-${createHash('sha256').update(text).digest('base64url').slice(0, 12)}"`;
}

/** The weak comparison of RFC 9110: a proxy that compresses marks the tag as weak. */
function isKnown(header: string | undefined, tag: string): boolean {
  const known = (header ?? '').split(',').map((each) => each.trim().replace(/^W\//, ''));
  return known.includes(tag) || known.includes('*');
}

/** HTTP's status for each reason; 500 for what is none of these. */
const STATUS: Partial<Record<ErrorReason, number>> = {
  INVALID_REQUEST: 400,
  INVALID_PARAMS: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  SOURCE_NOT_FOUND: 404,
  JOB_NOT_FOUND: 404,
  STALE_RUN: 409,
  RATE_LIMITED: 429,
  SOURCE_DOWN: 503,
  SOURCE_BUSY: 503,
  TIMEOUT: 504,
};

/** `{error: {reason, message, …}}`, with the names of the wire. */
export function sendRefusal(response: ServerResponse, { reason, message, data }: Refusal): void {
  if (response.headersSent || response.destroyed) return;
  if (reason === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer');
  const wait = data?.retryAfterMs;
  if (typeof wait === 'number')
    for (const [name, value] of Object.entries(retryAfter(wait))) response.setHeader(name, value);
  const body = { error: { reason, message, ...data } };
  send(response, STATUS[reason] ?? 500, `${JSON.stringify(body)}\n`, 'application/json');
}
