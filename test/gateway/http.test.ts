// What HTTP requests are answered, and whom an upgrade is refused, without a network.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Posts } from '../../src/gateway/http/call.js';
import { type HttpDeps, serveHttp } from '../../src/gateway/http/routes.js';
import { NO_PROXY } from '../../src/gateway/http/transport.js';
import {
  acceptOffers,
  judgeUpgrade,
  refusedAccess,
  rejectUpgrade,
  retryAfter,
} from '../../src/gateway/http/upgrade.js';
import { Scheduler } from '../../src/gateway/scheduler.js';
import { LIMITS } from '../../src/protocol/limits.js';
import { isAnswering } from '../../src/protocol/rules.js';
import type { SourceInfo } from '../../src/protocol/types.js';
import { grantsOf, TestPolicy } from '../support/access.js';
import { type Asked, type Exchange, exchangeOf, requestOf } from '../support/http.js';
import { Sessions, type SessionsOptions, sourceOf } from '../support/sessions.js';

const GUARD = { allowHosts: ['gate.example'], allowOrigins: ['https://dash.example'] };
const LISTENER = { kind: 'tcp', serves: 'all', isLocal: true } as const;
const JSON_TYPE: [string, string] = ['Content-Type', 'application/json'];

interface Site {
  bench: Sessions;
  deps: HttpDeps;
  ask: (asked: Asked, body?: string) => Promise<Exchange>;
  gathered: () => number;
}

function open(options: SessionsOptions = {}, more: Partial<HttpDeps> = {}): Site {
  const bench = new Sessions(options);
  let gathered = 0;
  const deps: HttpDeps = {
    guard: GUARD,
    trust: NO_PROXY,
    methods: bench.deps.methods,
    logger: bench.deps.logger,
    access: bench.access,
    clock: bench.clock,
    requests: new Scheduler(bench.clock).queue(),
    recorder: bench.recorder,
    posts: new Posts(bench.limits, bench.clock, bench.recorder),
    metrics: () => {
      gathered += 1;
      return Promise.resolve({ type: 'text/plain; version=0.0.4', text: 'up 1\n' });
    },
    pages: (request, response, miss) => (request.url === '/there?a=1' ? void response.end('page') : miss()),
    events: { owns: () => false, open: ({ response }) => void response.end('stream') },
    cursor: () => bench.log.cursor,
    isClosing: () => false,
    health: () => [],
    sourcesAnswer: () => bench.sources.every(isAnswering),
    ...more,
  };
  const serve = serveHttp(deps)(LISTENER);
  const ask = async (asked: Asked, body = ''): Promise<Exchange> => {
    const exchange = exchangeOf(asked);
    serve(exchange.request, exchange.response);
    if (body !== '') exchange.request.push(body);
    exchange.request.push(null);
    await bench.turn(3);
    return exchange;
  };
  return { bench, deps, ask, gathered: () => gathered };
}

const post = (site: Site, body: string, more: Asked = {}): Promise<Exchange> =>
  site.ask({ method: 'POST', url: '/v1/rpc', ...more, headers: [JSON_TYPE, ...(more.headers ?? [])] }, body);
const request = (method: string, params: object = {}, id = 1): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

describe('plain HTTP', () => {
  it.each<[string, Asked, number, string]>([
    ['health, whatever its Host', { url: '/healthz', headers: [['Origin', 'null']] }, 200, 'ok'],
    ['health at its path with a slash', { url: '/healthz/' }, 200, 'ok'],
    ['metrics', { url: '/metrics' }, 200, 'up 1'],
    ['a page', { url: '/there?a=1' }, 200, 'page'],
    ['no page', { url: '/else' }, 404, 'not found'],
    ['a WebSocket asked for without an upgrade', { url: '/v1' }, 426, 'POST /v1/rpc'],
    ['another method', { url: '/metrics', method: 'POST' }, 405, 'GET or HEAD only'],
    ['a malformed target', { url: 'x' }, 400, 'malformed'],
    ['a target that is no URL', { url: 'http://[' }, 400, 'malformed'],
    ['a target with a password', { url: 'http://a:b@localhost/' }, 400, 'malformed'],
    ['a header given twice', { url: '/metrics', headers: [['host', 'localhost']] }, 400, 'given twice'],
    ['a foreign page', { url: '/metrics', headers: [['Origin', 'https://evil.example']] }, 403, 'not allowed'],
    ['the absolute form to a foreign name', { url: 'http://evil.example/metrics' }, 403, 'not allowed'],
    ['the absolute form to an allowed name', { url: 'http://gate.example/metrics' }, 200, 'up 1'],
  ])('%s', async (_what, asked, status, body) => {
    const answer = (await open().ask(asked)).answer();
    expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(body)]);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });

  it('metrics that fail are 500, and simultaneous requests share one collection', async () => {
    const failing = open({}, { metrics: () => Promise.reject(new Error('no')) });
    expect((await failing.ask({ url: '/metrics' })).answer().status).toBe(500);
    const site = open();
    await Promise.all([site.ask({ url: '/metrics' }), site.ask({ url: '/metrics' })]);
    expect(site.gathered()).toBe(1);
    await site.ask({ url: '/metrics' });
    expect(site.gathered()).toBe(2);
  });

  it('an allowed page of another origin gets its preflight, and a gateway that closes begins nothing', async () => {
    const origin: [string, string] = ['Origin', 'https://dash.example'];
    const { headers, status } = (await open().ask({ method: 'OPTIONS', url: '/v1/rpc', headers: [origin] })).answer();
    expect([status, headers['access-control-allow-origin']]).toEqual([204, 'https://dash.example']);
    const closing = open({}, { isClosing: () => true });
    const answer = (await post(closing, request('server.info'))).answer();
    expect([answer.status, answer.headers['retry-after'], answer.headers.connection]).toEqual([503, '1', 'close']);
  });
});

describe('readiness', () => {
  const ready = async (url: string, more: Partial<HttpDeps> = {}, sources: SourceInfo[] = []): Promise<unknown[]> => {
    const site = open({}, more);
    site.bench.sources.push(...sources);
    // As a load balancer asks: by an address, from anywhere.
    const answer = (await site.ask({ url, headers: [['Origin', 'null']] })).answer();
    return [answer.status, JSON.parse(answer.body)];
  };
  const stalled: SourceInfo = { ...sourceOf('secret'), reason: 'stalled' };

  it('is 200 with the parts that are unwell, and 503 once the gateway closes', async () => {
    expect(await ready('/readyz')).toEqual([200, { status: 'ready' }]);
    expect(await ready('/readyz/', { health: () => ['log'] })).toEqual([200, { status: 'ready', degraded: ['log'] }]);
    expect(await ready('/readyz', { isClosing: () => true })).toEqual([503, { status: 'closing' }]);
  });

  it('depends on sources only where all are asked for, and names none of them', async () => {
    expect(await ready('/readyz', {}, [stalled])).toEqual([200, { status: 'ready' }]);
    expect(await ready('/readyz?sources=all', {}, [sourceOf('a'), stalled])).toEqual([503, { status: 'not-ready' }]);
    expect(await ready('/readyz?sources=all', {}, [sourceOf('a')])).toEqual([200, { status: 'ready' }]);
    expect(await ready('/readyz?sources=some', {}, [stalled])).toEqual([200, { status: 'ready' }]);
  });

  it('is for GET and HEAD', async () => {
    const site = open();
    expect((await site.ask({ url: '/readyz', method: 'HEAD' })).answer()).toMatchObject({ status: 200, body: '' });
    expect((await site.ask({ url: '/readyz', method: 'POST' })).answer().status).toBe(405);
  });
});

describe('POST /v1/rpc', () => {
  it('accepts one request, and answers results and JSON-RPC errors with 200', async () => {
    const site = open();
    for (const [body, expected] of [
      [request('server.info'), { result: { epoch: 'e' } }],
      [request('subscribe'), { error: { data: { reason: 'METHOD_NOT_FOUND' } } }],
      [request('authenticate', { token: 'x' }), { result: { principal: 'anonymous' } }],
      ['{', { error: { data: { reason: 'PARSE_ERROR' } } }],
    ] as const) {
      const answer = (await post(site, body)).answer();
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
      expect(JSON.parse(answer.body)).toMatchObject(expected);
    }
  });

  it('accepts only JSON, up to the size of a message', async () => {
    const site = open();
    const form: Asked = { method: 'POST', url: '/v1/rpc', headers: [['Content-Type', 'text/plain']] };
    expect((await site.ask(form, request('server.info'))).answer().status).toBe(415);
    const large = (await post(site, 'x'.repeat(LIMITS.messageBytes + 1))).answer();
    expect([large.status, large.headers.connection]).toEqual([413, 'close']);
    expect(site.bench.recorder.limits).toEqual(['message_bytes']);
  });

  it('waits for its answer, and its call ends when the peer hangs up', async () => {
    const site = open();
    const exchange = await post(site, request('job.wait', { source: 'vm1', job: 'j' }));
    expect(exchange.isOpen()).toBe(true);
    const { signal } = site.bench.calls[0]?.context ?? expect.fail();
    exchange.request.socket.emit('close');
    expect(signal.aborted).toBe(true);
  });

  it('answers a list once its measures are fresh', async () => {
    const site = open();
    let renewed = (): void => undefined;
    site.bench.freshen = () => new Promise((resolve) => (renewed = resolve));
    const exchange = await post(site, request('job.list'));
    expect(exchange.isOpen()).toBe(true);
    renewed();
    await site.bench.turn(3);
    expect(JSON.parse(exchange.answer().body).result.jobs).toEqual([]);
  });

  it('of one address is limited in number at once and a second, of loopback in number alone', async () => {
    const waits = request('job.wait', { source: 'vm1', job: 'j' });
    const reason = ({ answer }: Exchange): string => JSON.parse(answer().body).error.data.reason;
    const site = open({ limits: { postsInFlight: 2 } });
    const first = await post(site, waits);
    await post(site, waits);
    expect(reason(await post(site, waits))).toBe('RATE_LIMITED');
    expect((await post(site, waits, { address: '10.0.0.2' })).isOpen()).toBe(true);
    first.request.socket.emit('close');
    expect((await post(site, waits)).isOpen()).toBe(true);
    expect(site.bench.recorder.limits).toEqual(['posts_waiting']);
    const hasty = open({ limits: { requestsPerSecond: 1, requestsBurst: 1 } });
    await post(hasty, request('server.info'));
    expect(reason(await post(hasty, request('server.info')))).toBe('RATE_LIMITED');
    expect(hasty.bench.recorder.limits).toEqual(['posts_rate']);
    for (let n = 0; n < 3; n += 1)
      expect((await post(hasty, request('server.info'), { address: '127.0.0.1' })).answer().body).toContain('epoch');
  });

  it('that read the history wait for one another if they are of one address, each for itself of loopback', async () => {
    const readings = async (address: string): Promise<number> => {
      const site = open();
      let count = 0;
      site.bench.history = {
        older() {
          count += 1;
          return new Promise(() => {});
        },
        progressOf: () => [],
      };
      for (let n = 0; n < 3; n += 1) await post(site, request('history.list'), { address });
      await site.bench.turn(3);
      return count;
    };
    expect(await readings('10.0.0.1')).toBe(1);
    expect(await readings('127.0.0.1')).toBe(3);
  });

  it('cuts a connection that pipelines without end', async () => {
    const site = open();
    const serve = serveHttp(site.deps)(LISTENER);
    const { request: first } = exchangeOf();
    for (let id = 0; id < 9; id += 1) {
      const exchange = exchangeOf({ method: 'POST', url: '/v1/rpc', headers: [JSON_TYPE] });
      Object.assign(exchange.request, { socket: first.socket });
      serve(exchange.request, exchange.response);
      exchange.request.push(request('job.wait', { source: 'vm1', job: 'j' }, id));
      exchange.request.push(null);
      await site.bench.turn(2);
    }
    expect(site.bench.calls).toHaveLength(8);
    expect(first.socket.destroyed).toBe(true);
    expect(site.bench.recorder.limits).toEqual(['posts_pipelined']);
  });

  it('is answered under the grants of its token, and without one that is known UNAUTHENTICATED', async () => {
    const site = open({ access: new TestPolicy({ ann: grantsOf('a', []) }) });
    site.bench.sources.push(sourceOf('a'), sourceOf('b'));
    const list = (headers: [string, string][]): Promise<Exchange> => post(site, request('source.list'), { headers });
    const { result } = JSON.parse((await list([['Authorization', 'Bearer ann']])).answer().body);
    expect(result.sources).toMatchObject([{ name: 'a' }]);
    for (const value of ['Bearer eve', 'Basic ann', 'Bearer ann ann'])
      expect((await list([['Authorization', value]])).answer().body, value).toContain('UNAUTHENTICATED');
  });
});

describe('an upgrade', () => {
  const good: [string, string][] = [
    ['Host', 'localhost:7070'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
  ];
  const without = (name: string): [string, string][] => good.filter(([each]) => each !== name);

  it('is accepted with the subprotocol, or without any', () => {
    for (const headers of [good, [...good, ['Sec-WebSocket-Protocol', 'other, qmp-gateway.v1']] as typeof good])
      expect(judgeUpgrade(requestOf({ url: '/v1', headers }), GUARD)).toBeUndefined();
  });

  it.each<[string, Asked, number]>([
    ['a malformed target', { url: 'x', headers: good }, 400],
    ['another path', { url: '/v2', headers: good }, 404],
    ['another method', { url: '/v1', method: 'POST', headers: good }, 405],
    ['another Host', { url: '/v1', headers: [['Host', 'evil.example'], ...without('Host')] }, 403],
    ['a Host given twice', { url: '/v1', headers: [['host', 'localhost'], ...good] }, 400],
    ['another upgrade', { url: '/v1', headers: [['Upgrade', 'h2c'], ...without('Upgrade')] }, 400],
    ['another version', { url: '/v1', headers: without('Sec-WebSocket-Version') }, 426],
    ['other subprotocols alone', { url: '/v1', headers: [...good, ['Sec-WebSocket-Protocol', 'mqtt']] }, 400],
  ])('is refused to %s', (_what, asked, status) => {
    expect(judgeUpgrade(requestOf(asked), GUARD)?.status).toBe(status);
  });

  it('passes on only the offers that are accepted', () => {
    const offers: [string, string][] = [
      ['Sec-WebSocket-Protocol', 'mqtt, qmp-gateway.v1'],
      ['Sec-WebSocket-Extensions', 'x-unknown, permessage-deflate; client_max_window_bits'],
    ];
    const taken = requestOf({ headers: offers });
    expect(acceptOffers(taken, '192.0.2.7', 'auto')).toBe(true);
    expect(taken.headers).toMatchObject({
      'sec-websocket-protocol': 'qmp-gateway.v1',
      'sec-websocket-extensions': 'permessage-deflate',
    });
    const plain = requestOf({ headers: [['Sec-WebSocket-Protocol', ' , ']] });
    expect(acceptOffers(plain, '192.0.2.7', 'auto')).toBe(false);
    expect(plain.headers).not.toHaveProperty('sec-websocket-protocol');
  });

  it('that is refused gets a whole HTTP answer, and its socket is gone', async () => {
    const socket = new PassThrough();
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    rejectUpgrade(socket, refusedAccess({ reason: 'UNAUTHENTICATED', message: 'no such token' }));
    await once(socket, 'close');
    expect(Buffer.concat(chunks).toString()).toBe(
      [
        'HTTP/1.1 401 Unauthorized',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Length: 14',
        'WWW-Authenticate: Bearer',
        'Connection: close',
        '',
        'no such token\n',
      ].join('\r\n'),
    );
    expect([retryAfter(1), retryAfter(2_500)]).toEqual([{ 'Retry-After': '1' }, { 'Retry-After': '3' }]);
  });
});

it('an answer that comes after the first, or after the peer has gone, is dropped', async () => {
  const site = open();
  const exchange = await site.ask({ url: '/healthz' });
  const before = exchange.answer().body;
  const { send } = await import('../../src/gateway/http/reply.js');
  send(exchange.response as ServerResponse, 500, 'late\n');
  expect(exchange.answer().body).toBe(before);
});
