// Plain HTTP: health, readiness, POST /v1/rpc, event streams, plain reads, metrics and the dashboard's files.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAuthentication, type Transport } from '../../access/index.js';
import type { CallDeps } from './call.js';
import type { EventStreams } from './event-streams.js';
import type { GuardOptions } from './origin-policy.js';
import { answerPost } from './post.js';
import { answerRead, readAt } from './reads.js';
import { send } from './reply.js';
import { judgeHead, judgeNames, readTarget, type Target } from './target.js';
import { credentialsOf, type ProxyTrust, transportOf } from './transport.js';

export interface HttpDeps extends CallDeps {
  guard: GuardOptions;
  trust: ProxyTrust;
  /** Prometheus text and its content type. */
  metrics: () => Promise<{ type: string; text: string }>;
  /** Serves a static page, or calls `miss`. */
  pages: (request: IncomingMessage, response: ServerResponse, miss: () => void) => void;
  /** Whether the gateway is closing and begins nothing new. */
  isClosing: () => boolean;
  /** The parts of the gateway that are unwell, by names that say nothing of sources or clients. */
  health: () => readonly string[];
  events: Pick<EventStreams, 'owns' | 'open'>;
  /** Of the log's newest entry. */
  cursor: () => string;
  /** Whether every source is up and its QEMU answers. */
  sourcesAnswer: () => boolean;
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

export interface ServedListener {
  readonly kind: Transport['listener'];
  /** Everything, or metrics and health alone. */
  readonly serves: 'all' | 'metrics';
  /** Whether only this host reaches it: its metrics need no credentials. */
  isLocal: boolean;
}

export type ServeHttp = (listener: ServedListener) => (request: IncomingMessage, response: ServerResponse) => void;

export function serveHttp(given: HttpDeps): ServeHttp {
  // Requests that come while metrics are gathered share the result.
  let gathering: ReturnType<HttpDeps['metrics']> | undefined;
  const metrics: HttpDeps['metrics'] = () => {
    gathering ??= given.metrics().finally(() => {
      gathering = undefined;
    });
    return gathering;
  };
  const deps = { ...given, metrics };
  return (listener) => (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (deps.isClosing()) response.setHeader('connection', 'close');
    if (deps.events.owns(request.socket)) return void request.socket.destroy();
    const target = readTarget(request.url);
    if (!target) return send(response, 400, 'the request target is malformed\n');
    const head = judgeHead(request);
    if (head) return send(response, head.status, `${head.why}\n`);
    // A load balancer addresses the gateway by IP, and these two reveal nothing but a status.
    if (target.path === '/healthz') return allow(request, response, READ, () => send(response, 200, 'ok\n'));
    if (target.path === '/readyz')
      return allow(request, response, READ, () => {
        const { status, body } = readiness(target, deps);
        send(response, status, `${JSON.stringify(body)}\n`, 'application/json');
      });
    const names = judgeNames(request, target, deps.guard);
    if (names) return send(response, names.status, `${names.why}\n`);
    const { origin } = request.headers;
    const crosses = origin !== undefined && deps.guard.allowOrigins.includes(origin);
    if (crosses) response.setHeader('access-control-allow-origin', origin).setHeader('vary', 'origin');
    route({ request, response, listener, deps, crosses }, target);
  };
}

/** Whether clients should be sent here. A source that is down makes only who asks for `sources=all` go elsewhere. */
function readiness({ url }: Target, { isClosing, health, sourcesAnswer }: HttpDeps): { status: number; body: object } {
  if (isClosing()) return { status: 503, body: { status: 'closing' } };
  const all = new URLSearchParams(url.split('?')[1]).get('sources') === 'all';
  if (all && !sourcesAnswer()) return { status: 503, body: { status: 'not-ready' } };
  const degraded = health();
  return { status: 200, body: { status: 'ready', ...(degraded.length > 0 && { degraded }) } };
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  listener: ServedListener;
  deps: HttpDeps;
  /** Whether a page of another, allowed origin asks. */
  crosses: boolean;
}

function route({ request, response, listener, deps, crosses }: Exchange, { path, url }: Target): void {
  const transport = transportOf(request, path === '/v1/rpc' ? 'post' : 'http', listener.kind, deps.trust);
  if (listener.serves === 'metrics' && path !== '/metrics')
    return send(response, 404, 'this listener serves /metrics, /healthz and /readyz\n');
  switch (path) {
    case '/metrics':
      return allow(request, response, READ, () => {
        if (listener.serves === 'metrics' && listener.isLocal) return sendMetrics(response, deps);
        afterAuthentication(deps.access.authenticate(credentialsOf(request), transport), (reader) => {
          if (reader.ok && reader.result.grants.metrics) return sendMetrics(response, deps);
          if (reader.ok) return send(response, 403, 'the scope metrics is needed\n');
          response.setHeader('www-authenticate', 'Bearer');
          send(response, 401, `${reader.error.message}\n`);
        });
      });
    case '/v1':
      return allow(request, response, READ, () => {
        response.setHeader('upgrade', 'websocket').setHeader('sec-websocket-version', '13');
        send(response, 426, 'this is a WebSocket; for one request use POST /v1/rpc\n');
      });
    case '/v1/rpc':
      if (request.method === 'OPTIONS' && crosses) return preflight(response, 'POST', 'content-type, authorization');
      return allow(request, response, ['POST'], () => {
        if (!deps.isClosing()) return answerPost(request, response, transport, deps);
        response.setHeader('retry-after', '1');
        send(response, 503, 'the gateway is closing\n');
      });
    case '/v1/events':
      if (request.method === 'OPTIONS' && crosses) return preflight(response, 'GET', STREAM_HEADERS);
      return allow(request, response, ['GET'], () => deps.events.open({ request, response, transport, url }));
    default: {
      const read = readAt(path);
      if (read && request.method === 'OPTIONS' && crosses)
        return preflight(response, 'GET', 'authorization, if-none-match');
      return allow(request, response, READ, () => {
        if (read) return answerRead({ request, response, transport }, read, url, deps);
        request.url = url;
        deps.pages(request, response, () => send(response, 404, 'not found\n'));
      });
    }
  }
}

const STREAM_HEADERS = 'authorization, last-event-id, cache-control';

function preflight(response: ServerResponse, methods: string, headers: string): void {
  response.setHeader('access-control-allow-headers', headers).setHeader('access-control-allow-methods', methods);
  send(response, 204, '');
}

function sendMetrics(response: ServerResponse, deps: HttpDeps): void {
  deps.metrics().then(
    ({ type, text }) => send(response, 200, text, type),
    () => send(response, 500, 'metrics failed\n'),
  );
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
