// A gateway that asks who one is, on real sockets: who gets in, what is said to whom does not, and when one has to go.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { newToken, type TokenEntry } from '../../src/access/index.js';
import { start, type Tuning } from '../../src/app.js';
import { readConfig } from '../../src/config/index.js';
import { allUp } from '../support/app.js';
import { connectWire, type Wire } from '../support/wire.js';
import { openSims, rawSocket } from './stream/support.js';

interface Guarded {
  url: string;
  /** By the name of their principal. */
  tokens: Record<string, string>;
  entries: TokenEntry[];
  replace(entries: readonly TokenEntry[]): void;
  /** What the operator reads. */
  lines: string[];
  wire(name?: string): Promise<Wire>;
}

async function openGuarded(
  principals: Record<string, Partial<TokenEntry>>,
  gateway: Tuning['gateway'] = {},
): Promise<Guarded> {
  const { sims, paths } = await openSims('vm1', 'vm2');
  for (const [name, sim] of Object.entries(sims))
    sim.jobs.start({ id: `of-${name}`, type: 'mirror', bytesPerSecond: 1 });
  const tokens: Record<string, string> = {};
  const entries = Object.entries(principals).map(([name, more]) => {
    const { token, sha256 } = newToken();
    tokens[name] = token;
    return { name, sha256, read: [], control: [], metrics: false, ...more };
  });
  const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // YAML takes JSON.
  await writeFile(join(folder, 'tokens.yml'), JSON.stringify(entries));
  const source = Object.entries(paths).map(([name, uri]) => `${name}=${uri}`);
  const read = readConfig({ listen: '127.0.0.1:0', source, tokens: join(folder, 'tokens.yml') }, {});
  if (!read.ok) throw new Error(read.problems.join());
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const app = await start(read.config, pino({ level: 'trace' }, sink), {
    gateway,
    source: { baseMs: 5, maxMs: 20 },
  });
  onTestFinished(() => app.close());
  return {
    url: app.url,
    tokens,
    entries,
    lines,
    replace: (next) => void app.reload({ ...read.config, access: { ...read.config.access, tokens: next } }),
    wire: async (name) => {
      const wire = await connectWire(app.url);
      onTestFinished(() => wire.close());
      if (name !== undefined) await wire.call('authenticate', { token: tokens[name] ?? '' });
      return wire;
    },
  };
}

const reasonOf = ({ error }: { error?: { data?: { reason?: unknown } } }): unknown => error?.data?.reason;

it('nothing is answered before the token, and what its scopes grant after it', async () => {
  const guarded = await openGuarded({ ann: { control: ['vm1'] } });
  const wire = await guarded.wire();
  for (const method of ['server.info', 'source.list', 'subscribe'] as const)
    expect(reasonOf(await wire.ask(method, {}))).toBe('UNAUTHENTICATED');
  expect(reasonOf(await wire.ask('authenticate', { token: 'wrong' }))).toBe('UNAUTHENTICATED');
  expect(await wire.call('authenticate', { token: guarded.tokens.ann ?? '' })).toEqual({
    principal: 'ann',
    scopes: ['control:vm1'],
    expiresAt: null,
  });
  const { sources } = await wire.call('source.list', {});
  expect(sources.map(({ name }) => name)).toEqual(['vm1']);
  expect(reasonOf(await wire.ask('job.abort', { source: 'vm2', job: 'of-vm2' }))).toBe('SOURCE_NOT_FOUND');
});

it('a request by HTTP carries its token; health and the page need none', async () => {
  const { url, tokens } = await openGuarded({ ann: { read: ['*'] }, ops: { metrics: true } });
  const get = async (path: string, token?: string) =>
    (await fetch(`${url}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })).status;
  expect([await get('healthz'), await get('')]).toEqual([200, expect.not.toSatisfy((status) => status === 401)]);
  expect([await get('metrics'), await get('metrics', tokens.ann), await get('metrics', tokens.ops)]).toEqual([
    401, 403, 200,
  ]);
  const post = async (token?: string) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const body = '{"jsonrpc":"2.0","id":1,"method":"source.list"}';
    return (await fetch(`${url}v1/rpc`, { method: 'POST', headers, body })).json();
  };
  expect(reasonOf((await post()) as object)).toBe('UNAUTHENTICATED');
  expect(reasonOf((await post('wrong')) as object)).toBe('UNAUTHENTICATED');
  expect(await post(tokens.ann)).toMatchObject({ result: { sources: [{ name: 'vm1' }, { name: 'vm2' }] } });
});

it('who says nothing has some seconds, and of too many the oldest goes', async () => {
  const slow = await openGuarded({}, { authenticateMs: 50 });
  expect(await (await rawSocket(slow.url)).code()).toBe(4408);
  const crowded = await openGuarded({ ann: {} }, { unauthenticated: 2 });
  const known = await crowded.wire('ann');
  const [first, second] = [await rawSocket(crowded.url), await crowded.wire()];
  await crowded.wire();
  expect(await first.code()).toBe(4408);
  expect(reasonOf(await second.ask('server.info', {}))).toBe('UNAUTHENTICATED');
  await known.call('server.info', {});
});

it('a token that ends is said to end, then closed with 4401; another one renews in place', async () => {
  const guarded = await openGuarded({ ann: { read: ['*'] }, bob: { read: ['*'] } });
  const [leaving, staying] = [await guarded.wire('ann'), await guarded.wire('ann')];
  await staying.call('subscribe', {});
  const expires = new Date(Date.now() + 1_000).toISOString();
  guarded.replace(guarded.entries.map((entry) => (entry.name === 'ann' ? { ...entry, expires } : entry)));
  for (const wire of [leaving, staying])
    expect(await wire.until(() => wire.notifications('expiring')[0])).toEqual({ expiresAt: expires });
  await staying.call('authenticate', { token: guarded.tokens.bob ?? '' });
  expect(await leaving.end()).toMatchObject({ code: 4401 });
  await staying.call('server.info', {});
  expect(reasonOf(await (await guarded.wire()).ask('authenticate', { token: guarded.tokens.ann ?? '' }))).toBe(
    'UNAUTHENTICATED',
  );
});

it('a file that is read again narrows at once, and revokes at once', async () => {
  const guarded = await openGuarded({ ann: { read: ['*'] }, bob: { read: ['*'] } });
  const [ann, bob] = [await guarded.wire('ann'), await guarded.wire('bob')];
  const before = await ann.call('subscribe', {});
  await bob.call('subscribe', {});
  const [first] = guarded.entries;
  if (!first) throw new Error('no entry');
  guarded.replace([{ ...first, read: ['vm1'] }]);
  const reset = await ann.until(() => ann.notifications('reset')[0]);
  expect(reset).toMatchObject({ reason: 'grants', subscription: before.subscription });
  expect(new Set(reset.jobs.map(({ source }) => source))).toEqual(new Set(['vm1']));
  expect(await bob.end()).toMatchObject({ code: 4403 });
});

it('each verb that somebody asks for is a line of the operator’s log, refused ones too', async () => {
  const guarded = await openGuarded({ ann: { control: ['vm1'], read: ['vm2'] } });
  const wire = await guarded.wire('ann');
  await allUp(wire);
  await wire.call('job.pause', { source: 'vm1', job: 'of-vm1' });
  await wire.ask('job.abort', { source: 'vm2', job: 'of-vm2', force: true });
  await wire.ask('job.get', { source: 'vm1', job: 'of-vm1' });
  const audited = guarded.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'audit');
  expect(audited).toMatchObject([
    { audit: 'pause', principal: 'ann', address: '127.0.0.1', source: 'vm1', job: 'of-vm1', result: 'requested' },
    { audit: 'abort', principal: 'ann', source: 'vm2', args: { force: true }, result: 'FORBIDDEN' },
  ]);
  expect(audited[0].run).toMatch(/:\d+$/);
});

it('no token is in the log, of whoever', async () => {
  const guarded = await openGuarded({ ann: { control: ['*'] } });
  const wire = await guarded.wire('ann');
  await wire.ask('authenticate', { token: 'qmpgw_wrong-and-secret' });
  await fetch(`${guarded.url}metrics`, { headers: { authorization: 'Bearer qmpgw_other-secret' } });
  await wire.ask('job.abort', { source: 'vm1', job: 'of-vm1' });
  await expect.poll(() => guarded.lines.length).toBeGreaterThan(0);
  const log = guarded.lines.join('');
  for (const secret of [guarded.tokens.ann ?? '', 'wrong-and-secret', 'other-secret'])
    expect(log).not.toContain(secret);
});
