import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ClientState } from '../../src/client/state.js';
import { cursor, subscribed } from './support/fixtures.js';
import { listen, start } from './support/start.js';

const auth = (expiresAt: string | null = null) => ({ principal: 'ann', scopes: ['read'], expiresAt });

describe('the connection that reconnects', () => {
  it('offers the subprotocol and says where it stands', async () => {
    const { client, far, open } = start();
    const phases: string[] = [];
    client.onState(({ phase }) => phases.push(phase));
    await open();
    expect(far.last()).toMatchObject({ url: 'ws://gateway.test/v1', protocols: 'qmp-gateway.v1' });
    far.last().notify('bookmark', { cursor: cursor(7), time: '' });
    expect(client.state).toMatchObject({ phase: 'open', epoch: 'k3f9' });
    client.close();
    expect(phases).toEqual(['connecting', 'open', 'open', 'closed']);
    expect(far.last().closedWith).toBe(1000);
  });

  it('honours bye, and says attempt and reason while it waits', async () => {
    const { client, clock, far, open } = start();
    await open();
    clock.chance = 0.5;
    far.last().notify('bye', { code: 1012, reason: 'drain', retryAfterMs: 7_000 });
    far.last().drop(1006);
    expect(client.state).toEqual({
      phase: 'waiting',
      attempt: 1,
      retryAt: clock.time + 7_500,
      reason: { cause: 'bye', code: 1012, detail: 'drain', retryAfterMs: 7_000 },
    });
    await clock.advance(7_499);
    expect(far.sockets).toHaveLength(1);
    await clock.advance(1);
    expect(far.sockets).toHaveLength(2);
  });

  it('backs off further while connections die young, and starts over after 10 s of health', async () => {
    const { client, clock, far, open } = start();
    clock.chance = 1;
    const waits: number[] = [];
    const fail = async (healthMs: number) => {
      await clock.advance(healthMs);
      far.last().drop(1006);
      if (client.state.phase === 'waiting') waits.push(client.state.retryAt - clock.time);
      await clock.advance(waits.at(-1) ?? 0);
      await open();
    };
    await open();
    for (const healthMs of [0, 0, 9_999, 10_000, 0]) await fail(healthMs);
    expect(waits).toEqual([1_000, 2_000, 4_000, 1_000, 2_000]);
  });

  it('calls a connection dead after 40 s without a frame; any frame counts', async () => {
    const { client, clock, far, open } = start();
    await open();
    await clock.advance(39_000);
    far.last().notify('bookmark', { cursor: cursor(1), time: '' });
    await clock.advance(39_000);
    expect(client.state.phase).toBe('open');
    await clock.advance(5_000);
    expect(far.sockets[0]?.closedWith).toBe(1000);
    expect(far.sockets.length).toBe(2);
  });

  it('judges a frozen tab by the wall clock when it wakes', async () => {
    const { client, clock, open, far } = start();
    await open();
    clock.chance = 0.9;
    clock.freeze(60_000);
    expect(client.state.phase).toBe('open');
    clock.wake();
    expect(client.state).toMatchObject({ phase: 'waiting', reason: { cause: 'silent', code: 4510 } });
    clock.freeze(60_000);
    clock.wake();
    expect(far.sockets).toHaveLength(2);
  });

  it('gives up a socket that never opens', async () => {
    const { client, clock } = start();
    await clock.advance(0);
    const states: ClientState[] = [];
    client.onState((state) => states.push(state));
    await clock.advance(15_000);
    expect(states[0]).toMatchObject({ phase: 'waiting', reason: { cause: 'unreachable' } });
  });

  it.each(['not json', '{"jsonrpc":"2.0"}'])('drops a connection that says %j', async (text) => {
    const { client, far, open } = start();
    await open();
    far.last().say(text);
    expect(client.state).toMatchObject({ phase: 'waiting', reason: { cause: 'garbled' } });
  });

  it.each([1002, 1003, 1007, 1009, 4401, 4403, 4408])('is closed for good by %i', async (code) => {
    const { client, clock, far, open } = start();
    await open();
    const { observer, heard } = listen();
    client.subscribe({}, observer);
    const call = client.info();
    far.last().drop(code, 'no');
    await expect(call).rejects.toMatchObject({ reason: 'CLIENT_CLOSED', data: { code } });
    await clock.advance(0);
    expect(client.state).toMatchObject({ phase: 'closed', reason: { code } });
    await expect(client.info()).rejects.toMatchObject({ reason: 'CLIENT_CLOSED' });
    expect(() => client.subscribe({}, observer)).toThrow(expect.objectContaining({ reason: 'CLIENT_CLOSED' }));
    expect(heard.filter((item) => item !== 'error CLIENT_CLOSED')).toEqual([]);
  });

  it('leaves nothing behind when it is closed, in whatever phase', async () => {
    for (const phase of ['open', 'waiting']) {
      const { client, clock, far, open } = start();
      await open();
      if (phase === 'waiting') far.last().drop(1006);
      expect(client.state.phase).toBe(phase);
      client.close();
      client.close();
      expect(clock.pending).toBe(0);
    }
  });

  it('does not let a listener that throws harm the others', async () => {
    const { client, clock, open } = start();
    client.onState(() => {
      throw new Error('mine');
    });
    const other = vi.fn();
    client.onState(other);
    await open();
    expect(other).toHaveBeenCalledTimes(2);
    expect(clock.reported).toHaveLength(2);
  });
});

describe('credentials', () => {
  it('come first on every connection; requests wait for them', async () => {
    const { client, far, open } = start({ token: 'secret' });
    void client.info().catch(() => {});
    await open();
    expect(client.state.phase).toBe('authenticating');
    expect(far.last().sent.map(({ method }) => method)).toEqual(['authenticate']);
    far.last().answer('authenticate', auth());
    expect(client.state).toMatchObject({ phase: 'open', principal: 'ann' });
    expect(far.last().sent.map(({ method }) => method)).toEqual(['authenticate', 'server.info']);
  });

  it.each(['UNAUTHENTICATED', 'INVALID_PARAMS'])(
    'are requested again after 4401, and a token that was refused (%s) is never sent twice',
    async (reason) => {
      const tokens = ['old', 'new', 'new'];
      const { client, far, open } = start({ token: async () => tokens.shift() ?? '' });
      await open();
      far.last().drop(4401, 'expired');
      await open();
      expect(far.last().of('authenticate')[0]?.params).toEqual({ token: 'new' });
      far.last().refuse('authenticate', { data: { reason } });
      expect(client.state.phase).toBe('waiting');
      await open();
      expect(far.last().sent).toEqual([]);
      expect(client.state).toMatchObject({ phase: 'closed', reason: { cause: 'refused' } });
    },
  );

  it('that cannot be fetched are a reason to try later', async () => {
    const { client, clock, open } = start({ token: () => Promise.reject(new Error('offline')) });
    clock.chance = 0.9;
    await open();
    expect(client.state).toMatchObject({ phase: 'waiting', reason: { cause: 'token', detail: 'Error: offline' } });
  });

  it('are renewed in place before they expire', async () => {
    let count = 0;
    const { client, clock, far, open } = start({ token: () => `t${++count}` });
    await open();
    far.last().answer('authenticate', auth(new Date(clock.time + 20_000).toISOString()));
    await clock.advance(15_999);
    expect(count).toBe(1);
    await clock.advance(1);
    expect(far.last().of('authenticate')[1]?.params).toEqual({ token: 't2' });
    far.last().answer('authenticate', auth());
    expect(client.state.phase).toBe('open');
  });

  it('that are refused for the moment are renewed later, on the same line', async () => {
    let count = 0;
    const { client, clock, far, open } = start({ token: () => `t${++count}` });
    await open();
    far.last().answer('authenticate', auth(new Date(clock.time + 20_000).toISOString()));
    await clock.advance(16_000);
    far.last().refuse('authenticate', { code: -32029, data: { reason: 'RATE_LIMITED', retryAfterMs: 6_000 } });
    await clock.advance(5_999);
    expect([count, client.state.phase]).toEqual([2, 'open']);
    await clock.advance(1);
    expect([count, far.sockets.length]).toEqual([3, 1]);
  });

  it('that are not answered end the connection', async () => {
    const { client, clock, open } = start({ token: 'secret' });
    await open();
    clock.chance = 0.9;
    await clock.advance(15_000);
    expect(client.state).toMatchObject({ phase: 'waiting', reason: { cause: 'unanswered' } });
  });
});

it('counts the connection as dead when subscribe is not answered', async () => {
  const { client, clock, far, open } = start();
  const { observer, heard } = listen();
  client.subscribe({}, observer);
  await open();
  clock.chance = 0.9;
  await clock.advance(15_000);
  expect(client.state).toMatchObject({ phase: 'waiting', reason: { cause: 'unanswered' } });
  await open(1_000);
  far.last().answer('subscribe', subscribed(5));
  await clock.advance(0);
  expect(heard).toEqual(['snapshot initial k3f9:5']);
});

it.each([{ url: 'http://x' }, { url: 'ws://' }, { WebSocket: undefined as never }, { timeoutMs: 0 }])(
  'refuses a bad option: %j',
  (options) => {
    // Node 22 and later, and every browser, have one.
    vi.stubGlobal('WebSocket', undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(() => start(options)).toThrow(expect.objectContaining({ reason: 'INVALID_OPTION' }));
  },
);
