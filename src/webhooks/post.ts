// One POST: no redirect is followed, the answer's text is not used, and everything ends within the time-out.
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../clock.js';
import { addressOf, isPublic } from './address.js';
import type { Result } from './delivery.js';
import { PRIVATE } from './lookup.js';

export interface PostRequest {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
  agent: http.Agent;
  signal: AbortSignal;
}

export interface PostOptions {
  clock: Clock;
  lookup: LookupFunction;
  allowPrivate: boolean;
  timeoutMs: number;
  /** Bytes of the answer after which it is cut: its status is all that counts. */
  answerBytes: number;
}

export type Post = (request: PostRequest, options: PostOptions) => Promise<Result>;

/** Never rejects. */
export async function post(request: PostRequest, options: PostOptions): Promise<Result> {
  // A literal address is looked up by nobody.
  const address = addressOf(request.url);
  if (address !== undefined && !options.allowPrivate && !isPublic(address)) return { kind: 'failed', why: PRIVATE };
  const first = await attempt(request, options);
  // A receiver may close a connection that it kept open at the moment at which it is used again.
  const last = first === 'stale' ? await attempt(request, options) : first;
  return last === 'stale' ? { kind: 'failed', why: 'the connection was closed' } : last;
}

function attempt(request: PostRequest, options: PostOptions): Promise<Result | 'stale'> {
  const { url, headers, body, agent, signal } = request;
  const { clock, lookup, timeoutMs, answerBytes } = options;
  return new Promise((resolve) => {
    const module = url.protocol === 'https:' ? https : http;
    const bytes = Buffer.from(body);
    const sent = module.request(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Length': String(bytes.length) },
      agent,
      lookup,
      signal,
    });
    let answer: IncomingMessage | undefined;
    let isOver = false;
    const stop = clock.after(timeoutMs, () => end({ kind: 'failed', why: `no answer within ${timeoutMs} ms` }));
    const end = (result: Result | 'stale'): void => {
      if (isOver) return;
      isOver = true;
      stop();
      resolve(answer ? resultOf(answer, clock) : result);
      // One whose answer has ended keeps its connection.
      if (!answer?.complete) sent.destroy();
    };
    sent.on('response', (response) => {
      answer = response;
      let received = 0;
      response.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > answerBytes) end({ kind: 'ok' });
      });
      for (const event of ['end', 'close', 'error'] as const) response.on(event, () => end({ kind: 'ok' }));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      end(isStale ? 'stale' : { kind: 'failed', why: whyOf(error) });
    });
    sent.end(bytes);
  });
}

/** Connecting to several addresses fails with one error for each, and no text of its own. */
const whyOf = (error: NodeJS.ErrnoException): string =>
  error.message || String((error as unknown as AggregateError).errors?.[0] ?? error.code);

function resultOf({ statusCode: status = 0, headers }: IncomingMessage, clock: Clock): Result {
  if (status >= 200 && status < 300) return { kind: 'ok' };
  const why = `HTTP ${status}`;
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) return { kind: 'rejected', why };
  return { kind: 'failed', why, retryAfterMs: retryAfterOf(headers['retry-after'], clock) };
}

/** Seconds, or a date. */
function retryAfterOf(text: string | undefined, clock: Clock): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - clock.date();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
