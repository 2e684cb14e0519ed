// Plain HTTP: health, one-shot RPC, metrics and the pages. In: requests that the guard has let pass. Out: answers; nothing streams here.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, type Refusal, refuse } from '../protocol/answer.js';
import { LIMITS } from '../protocol/limits.js';
import type { RpcId } from '../protocol/methods.js';
import { checkParams, isMethod } from '../protocol/schemas.js';
import { readEnvelope } from './envelope.js';
import { type GuardOptions, judgeHost, judgeOrigin } from './guard.js';
import { errorText, resultText } from './messages.js';
import { isStreamMethod, type PlainMethods } from './rpc.js';

export interface HttpDeps {
  guard: GuardOptions;
  methods: PlainMethods;
  /** Prometheus text and its content type. */
  metrics: () => Promise<{ type: string; text: string }>;
  /** Serves a static page, or calls `miss`. */
  pages: (request: IncomingMessage, response: ServerResponse, miss: () => void) => void;
  by: string;
}

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

export function serveHttp(deps: HttpDeps): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const { host, origin } = request.headers;
    const verdict = [judgeHost(host, deps.guard), judgeOrigin(origin, host, deps.guard)].find((each) => !each.ok);
    if (verdict && !verdict.ok) return send(response, 403, `${verdict.why}\n`);
    const allowed = origin !== undefined && deps.guard.allowOrigins.includes(origin);
    if (allowed) response.setHeader('access-control-allow-origin', origin).setHeader('vary', 'origin');
    const path = (request.url ?? '/').split('?', 1)[0];
    switch (path) {
      case '/healthz':
        return send(response, 200, 'ok\n');
      case '/metrics':
        deps.metrics().then(
          ({ type, text }) => send(response, 200, text, type),
          () => send(response, 500, 'metrics failed\n'),
        );
        return;
      case '/v1':
        response.setHeader('upgrade', 'websocket');
        return send(response, 426, 'this is a WebSocket; for one request use POST /v1/rpc\n');
      case '/v1/rpc':
        if (request.method === 'OPTIONS' && allowed) {
          response
            .setHeader('access-control-allow-headers', 'content-type, authorization')
            .setHeader('access-control-allow-methods', 'POST');
          return send(response, 204, '');
        }
        return rpc(request, response, deps);
      default:
        if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'GET only\n');
        return deps.pages(request, response, () => send(response, 404, 'not found\n'));
    }
  };
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, status === 204 ? {} : { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

/** 405, 413 and 415 are the transport's; a JSON-RPC error is a 200. */
function rpc(request: IncomingMessage, response: ServerResponse, deps: HttpDeps): void {
  if (request.method !== 'POST') return send(response, 405, 'POST only\n');
  // A form of a foreign page can't set this type without a preflight.
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    return send(response, 415, 'content-type must be application/json\n');
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= LIMITS.messageBytes) chunks.push(chunk);
    else if (!response.headersSent) {
      response.setHeader('connection', 'close');
      send(response, 413, `at most ${LIMITS.messageBytes} bytes\n`);
      request.resume();
    }
  });
  request.on('end', () => {
    if (bytes > LIMITS.messageBytes) return;
    answerRpc(Buffer.concat(chunks).toString('utf8'), deps).then(
      (text) => send(response, 200, text, 'application/json'),
      () => send(response, 500, 'internal error\n'),
    );
  });
}

async function answerRpc(text: string, { methods, by }: HttpDeps): Promise<string> {
  const envelope = readEnvelope(text);
  if (!envelope.ok) return errorText(envelope.id, envelope.error);
  const { id, method, params } = envelope;
  const refused = (error: Refusal): string => errorText(id as RpcId, error);
  if (!isMethod(method)) return refused(refuse('METHOD_NOT_FOUND', `no method ${method.slice(0, 64)}`).error);
  if (isStreamMethod(method)) return refused(refuse('METHOD_NOT_FOUND', `${method} needs a WebSocket`).error);
  const checked = checkParams(method, params);
  if (!checked.ok)
    return refused(
      refuse('INVALID_PARAMS', checked.problems.join('; ').slice(0, 1_000), { problems: checked.problems }).error,
    );
  // checkParams has given this method its own params; the compiler can't follow the name.
  const call = methods[method] as (params: object, by: string) => Promise<Answer<unknown>>;
  const answer = await call(checked.params, by);
  return answer.ok ? resultText(id, answer.result) : refused(answer.error);
}
