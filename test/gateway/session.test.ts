// One connection's requests from text to answer, without a socket: what is refused, what waits for what, and what ends with it.
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/protocol/limits.js';
import type { Message } from '../support/far-end.js';
import { type Client, jobOf, Sessions, sourceOf } from '../support/sessions.js';

const TARGET = { source: 'vm1', job: 'j' };
const SETTLED = { status: 'settled', ...TARGET, cursor: 'e:3' };

const open = (options: ConstructorParameters<typeof Sessions>[0] = {}): { bench: Sessions; client: Client } => {
  const bench = new Sessions(options);
  return { bench, client: bench.client() };
};

const last = (client: Client): Message => client.end.messages.at(-1);
const reasonOf = ({ error }: Message): string | undefined => error?.data.reason;

describe('a request', () => {
  it.each([
    ['is not JSON', '{', null, 'PARSE_ERROR'],
    ['is a batch', '[]', null, 'INVALID_REQUEST'],
    ['is no object', '1', null, 'INVALID_REQUEST'],
    ['has no id', '{"jsonrpc":"2.0","method":"server.info"}', null, 'INVALID_REQUEST'],
    ['has another version', '{"jsonrpc":"1.0","id":1,"method":"server.info"}', 1, 'INVALID_REQUEST'],
    ['has no method', '{"jsonrpc":"2.0","id":1}', 1, 'INVALID_REQUEST'],
    ['has a member too many', '{"jsonrpc":"2.0","id":1,"method":"server.info","more":1}', 1, 'INVALID_REQUEST'],
    ['has params by position', '{"jsonrpc":"2.0","id":1,"method":"server.info","params":[]}', 1, 'INVALID_PARAMS'],
    ['names no method', '{"jsonrpc":"2.0","id":"a","method":"query-block"}', 'a', 'METHOD_NOT_FOUND'],
    ['has unknown params', '{"jsonrpc":"2.0","id":1,"method":"job.list","params":{"x":1}}', 1, 'INVALID_PARAMS'],
  ])('that %s is refused, and executes nothing', async (_what, text, id, reason) => {
    const { bench, client } = open();
    client.receive(text);
    await bench.turn();
    expect(client.end.messages).toMatchObject([{ id, error: { data: { reason } } }]);
    expect(bench.calls).toEqual([]);
  });

  it('whose id is in flight is refused, and free again once it is answered', async () => {
    const { bench, client } = open();
    const request = { jsonrpc: '2.0', id: 7, method: 'job.wait', params: TARGET };
    client.receive(request);
    client.receive(request);
    await bench.turn();
    expect(client.end.messages).toMatchObject([{ id: 7, error: { data: { reason: 'INVALID_REQUEST' } } }]);
    bench.calls[0]?.answer({ ok: true, result: TARGET });
    await bench.turn();
    client.receive(request);
    await bench.turn();
    expect(bench.calls).toHaveLength(2);
  });

  it('beyond those that may wait is refused until one is answered', async () => {
    const { bench, client } = open();
    for (let n = 0; n < LIMITS.inFlight; n += 1) client.send('job.wait', TARGET);
    await bench.turn();
    expect(reasonOf(await client.call('server.info', {}))).toBe('RATE_LIMITED');
    expect(bench.recorder.limits).toEqual(['requests_in_flight']);
    bench.calls[0]?.answer({ ok: true, result: TARGET });
    await bench.turn();
    expect((await client.call('server.info', {})).result).toHaveProperty('epoch', 'e');
  });

  it('has its own bound, or the default, counted from receipt', async () => {
    const { bench, client } = open();
    client.send('job.wait', { ...TARGET, timeoutMs: 500 });
    client.send('job.abort', TARGET);
    await bench.turn();
    expect(bench.calls.map(({ context }) => context.deadline - context.receivedAt)).toEqual([500, 30_000]);
  });

  it('that meets a bug of the gateway gets INTERNAL_ERROR, and the log its method and stack, once', async () => {
    const { bench, client } = open();
    bench.freshen = () => {
      throw new TypeError('secret');
    };
    const { error } = await client.call('job.list', {});
    expect(error.data).toEqual({ reason: 'INTERNAL_ERROR' });
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(bench.lines).toMatchObject([{ method: 'job.list', err: expect.any(TypeError) }]);
    expect((bench.errors[0] as Error).stack).toContain('secret\n    at ');
  });

  it('that comes too early is refused with the time to wait, and a client that goes on is reported', async () => {
    const { bench, client } = open({
      limits: { requestsPerSecond: 10, requestsBurst: 1, refusalsPerSecond: 1, refusalsBurst: 2 },
    });
    expect(await client.call('server.info', {})).toHaveProperty('result');
    for (let n = 0; n < 3; n += 1)
      expect((await client.call('server.info', {})).error.data).toEqual({ reason: 'RATE_LIMITED', retryAfterMs: 100 });
    expect(client.asked).toEqual(['abused 1000']);
    expect(bench.recorder.limits).toEqual(['requests_rate', 'requests_rate', 'requests_rate', 'refusals_rate']);
    await bench.clock.advance(100);
    expect(await client.call('server.info', {})).toHaveProperty('result');
  });
});

describe('job.list', () => {
  it('waits for fresh measures, and answers in pages by source and job', async () => {
    const { bench, client } = open();
    for (const job of ['b', 'c', 'a']) bench.jobs.push(jobOf('vm1', job));
    let renewed = (): void => undefined;
    bench.freshen = () => new Promise((resolve) => (renewed = resolve));
    const first = client.call('job.list', { limit: 2 });
    await bench.turn(3);
    expect(client.end.messages).toEqual([]);
    renewed();
    const { jobs, pageToken } = (await first).result;
    expect(jobs.map(({ job }: Message) => job)).toEqual(['a', 'b']);
    bench.freshen = () => undefined;
    const { result } = await client.call('job.list', { limit: 2, pageToken });
    expect(result.jobs.map(({ job }: Message) => job)).toEqual(['c']);
    expect(result).not.toHaveProperty('pageToken');
  });

  it('refuses a token that it has not given', async () => {
    const { client } = open();
    const { error } = await client.call('job.list', { pageToken: 'x' });
    expect(error?.data).toEqual({ reason: 'INVALID_PARAMS', problems: ['pageToken: malformed'] });
  });

  it('says where the log is, with what each method needs to know first', async () => {
    const { bench, client } = open();
    bench.sources.push(sourceOf('vm1'));
    bench.append('vm1', 'RESUME');
    expect((await client.call('server.info', {})).result).toMatchObject({ version: '0.0.0', cursor: 'e:1' });
    expect((await client.call('source.list', {})).result.sources).toEqual(bench.sources);
    expect((await client.call('authenticate', { token: 'any' })).result).toEqual({
      principal: 'anonymous',
      scopes: ['*'],
      expiresAt: null,
    });
  });
});

describe('the answer of a settled run', () => {
  /** Subscribed, its socket full, and an answer due at `e:3` while two events wait. */
  async function parked(): Promise<{ bench: Sessions; client: Client; id: number }> {
    const { bench, client } = open({ limits: { highWaterBytes: 1_000 } });
    await client.call('subscribe', {});
    const id = client.send('job.wait', { ...TARGET, timeoutMs: 1_000 });
    client.end.stop();
    for (let n = 0; n < 3; n += 1) {
      bench.append('vm1', 'RESUME', undefined, { pad: 'x'.repeat(2_000) });
      await bench.turn();
    }
    bench.calls[0]?.answer({ ok: true, result: SETTLED });
    await bench.turn();
    return { bench, client, id };
  }

  it('comes after every event up to its cursor, also to a client that read late', async () => {
    const { bench, client, id } = await parked();
    client.end.take();
    await bench.turn(10);
    const at = client.end.messages.findIndex((message) => message.id === id);
    const offsets = client.end.messages
      .slice(0, at)
      .flatMap(({ params }) => params?.events ?? [])
      .map(({ offset }: Message) => offset);
    expect(offsets).toEqual([1, 2, 3]);
  });

  it('comes when the subscription that it waited for is given up', async () => {
    const { bench, client, id } = await parked();
    client.send('unsubscribe', {
      subscription: client.end.messages.find(({ result }) => result?.subscription)?.result.subscription,
    });
    client.end.take();
    expect(client.end.answer(id)?.result).toMatchObject({ status: 'settled' });
    expect(bench.hub.subscribers).toBe(0);
  });

  it('comes at its bound at the latest', async () => {
    const { bench, client, id } = await parked();
    expect(bench.clock.pending).toBeGreaterThan(0);
    await bench.clock.advance(1_000);
    client.end.take();
    const at = client.end.messages.findIndex((message) => message.id === id);
    expect(at).toBeGreaterThan(0);
    expect(client.end.messages.slice(0, at).flatMap(({ params }) => params?.events ?? [])).toHaveLength(1);
  });

  it('is dropped with its connection, whose timers and signal end', async () => {
    const { bench, client } = await parked();
    client.send('job.wait', TARGET);
    await bench.turn();
    const { signal } = bench.calls.at(-1)?.context ?? expect.fail();
    client.session.close();
    client.session.close();
    expect(signal.aborted).toBe(true);
    expect([bench.hub.subscribers, bench.clock.pending]).toEqual([0, 0]);
    expect(bench.hub.of(client.session).size).toBe(0);
    bench.calls.at(-1)?.answer({ ok: true, result: TARGET });
    await bench.turn();
    client.end.take();
    expect(last(client)).not.toHaveProperty('id', 3);
  });
});
