// What a POST makes of a receiver's answer, to a public name: the requests are intercepted in this process, so nothing is looked up and nothing leaves it.
import { Agent } from 'node:https';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CLOCK } from '../../src/clock.js';
import { type PostOptions, post } from '../../src/webhooks/post.js';

const URL_OF = new URL('https://tickets.example/hooks/qemu');
const server = setupServer();
const OPTIONS: PostOptions = {
  clock: CLOCK,
  lookup: (_name, _options, found) => found(new Error('nobody is asked'), []),
  allowPrivate: false,
  timeoutMs: 5_000,
  answerBytes: 1_000,
};

const send = (options: Partial<PostOptions> = {}) =>
  post(
    {
      url: URL_OF,
      headers: { 'X-Id': 'e:1' },
      body: '{"outcome":"cancelled"}',
      agent: new Agent(),
      signal: new AbortController().signal,
    },
    { ...OPTIONS, ...options },
  );

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

it('sends the body and the headers', async () => {
  const seen: unknown[] = [];
  server.use(
    http.post(URL_OF.href, async ({ request }) => {
      seen.push(request.headers.get('x-id'), await request.json());
      return HttpResponse.json({ thanks: true });
    }),
  );
  expect(await send()).toEqual({ kind: 'ok' });
  expect(seen).toEqual(['e:1', { outcome: 'cancelled' }]);
});

it.each([
  [204, { kind: 'ok' }],
  [302, { kind: 'failed', why: 'HTTP 302' }],
  [400, { kind: 'rejected', why: 'HTTP 400' }],
  [408, { kind: 'failed', why: 'HTTP 408' }],
  [410, { kind: 'rejected', why: 'HTTP 410' }],
  [503, { kind: 'failed', why: 'HTTP 503' }],
])('an answer %i is %j', async (status, result) => {
  server.use(
    http.post(URL_OF.href, () => new HttpResponse(null, { status, headers: { Location: 'https://else.example/' } })),
  );
  expect(await send()).toMatchObject(result);
});

it('a 429 says when to try again', async () => {
  server.use(http.post(URL_OF.href, () => new HttpResponse(null, { status: 429, headers: { 'Retry-After': '7' } })));
  expect(await send()).toEqual({ kind: 'failed', why: 'HTTP 429', retryAfterMs: 7_000 });
});

it('a receiver that does not answer, or whose connection fails, has failed', async () => {
  server.use(http.post(URL_OF.href, () => new Promise<never>(() => {})));
  expect(await send({ timeoutMs: 20 })).toEqual({ kind: 'failed', why: 'no answer within 20 ms' });
  server.use(http.post(URL_OF.href, () => HttpResponse.error()));
  expect(await send()).toMatchObject({ kind: 'failed' });
});
