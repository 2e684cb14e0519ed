// Plain HTTP: health, POST /v1/rpc, metrics and the dashboard's files.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerOf } from './bearer.js';
import type { GuardOptions } from './origin-policy.js';
import { answerPost, type PostDeps } from './post.js';
import { send } from './reply.js';
import { judgeHead, judgeNames, readTarget, type Target } from './target.js';

export interface HttpDeps extends PostDeps {
  guard: GuardOptions;
  /** Prometheus text and its content type. */
  metrics: () => Promise<{ type: string; text: string }>;
  /** Serves a static page, or calls `miss`. */
  pages: (request: IncomingMessage, response: ServerResponse, miss: () => void) => void;
  /** Whether the gateway is closing and begins nothing new. */
  isClosing: () => boolean;
}

/** `'self'` is the page's own origin, WebSockets included (CSP 3); styles are the build's files. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy':
    "default-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

const READ = ['GET', 'HEAD'];

export function serveHttp(given: HttpDeps): (request: IncomingMessage, response: ServerResponse) => void {
  // Requests that come while metrics are gathered share the result.
  let gathering: ReturnType<HttpDeps['metrics']> | undefined;
  const metrics: HttpDeps['metrics'] = () => {
    gathering ??= given.metrics().finally(() => {
      gathering = undefined;
    });
    return gathering;
  };
  const deps = { ...given, metrics };
  return (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (deps.isClosing()) response.setHeader('connection', 'close');
    const target = readTarget(request.url);
    if (!target) return send(response, 400, 'the request target is malformed\n');
    const head = judgeHead(request);
    if (head) return send(response, head.status, `${head.why}\n`);
    // A load balancer addresses the gateway by IP, and /healthz reveals nothing else.
    if (target.path === '/healthz') return allow(request, response, READ, () => send(response, 200, 'ok\n'));
    const names = judgeNames(request, target, deps.guard);
    if (names) return send(response, names.status, `${names.why}\n`);
    const { origin } = request.headers;
    const crosses = origin !== undefined && deps.guard.allowOrigins.includes(origin);
    if (crosses) response.setHeader('access-control-allow-origin', origin).setHeader('vary', 'origin');
    route(request, response, target, deps, crosses);
  };
}

function route(
  request: IncomingMessage,
  response: ServerResponse,
  { path, url }: Target,
  deps: HttpDeps,
  crosses: boolean,
): void {
  switch (path) {
    case '/metrics':
      return allow(request, response, READ, () => {
        const reader = deps.access.authenticate(
          { token: bearerOf(request) },
          { kind: 'http', address: request.socket.remoteAddress },
        );
        if (!reader.ok) {
          response.setHeader('www-authenticate', 'Bearer');
          return send(response, 401, `${reader.error.message}\n`);
        }
        if (!reader.result.grants.metrics) return send(response, 403, 'the scope metrics is needed\n');
        deps.metrics().then(
          ({ type, text }) => send(response, 200, text, type),
          () => send(response, 500, 'metrics failed\n'),
        );
      });
    case '/v1':
      return allow(request, response, READ, () => {
        response.setHeader('upgrade', 'websocket').setHeader('sec-websocket-version', '13');
        send(response, 426, 'this is a WebSocket; for one request use POST /v1/rpc\n');
      });
    case '/v1/rpc':
      if (request.method === 'OPTIONS' && crosses) {
        response
          .setHeader('access-control-allow-headers', 'content-type, authorization')
          .setHeader('access-control-allow-methods', 'POST');
        return send(response, 204, '');
      }
      return allow(request, response, ['POST'], () => {
        if (!deps.isClosing()) return answerPost(request, response, deps);
        response.setHeader('retry-after', '1');
        send(response, 503, 'the gateway is closing\n');
      });
    default:
      return allow(request, response, READ, () => {
        request.url = url;
        deps.pages(request, response, () => send(response, 404, 'not found\n'));
      });
  }
}

function allow(
  request: IncomingMessage,
  response: ServerResponse,
  methods: readonly string[],
  serve: () => void,
): void {
  if (methods.includes(request.method ?? '')) return serve();
  response.setHeader('allow', methods.join(', '));
  send(response, 405, `${methods.join(' or ')} only\n`);
}
