// Clients that present what they should not, against a gateway as a process: each is refused by name, and who is known is not disturbed.
import { spawnSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, exportSPKI, type JWTPayload, SignJWT } from 'jose';
import { expect, it, onTestFinished } from 'vitest';
import { newToken } from '../../../src/access/index.js';
import { type Run, run } from '../../support/cli.js';
import { connectWire, type Wire } from '../../support/wire.js';
import { openSims } from '../stream/support.js';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const [OURS, NEXT] = [pair(), pair()];
const ISSUER = 'https://issuer.example';

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An issuer whose keys the test changes. */
async function openIssuer() {
  const state = { keys: [] as object[], asked: 0 };
  const server = createServer((_request, response) => {
    state.asked += 1;
    response.end(JSON.stringify({ keys: state.keys }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/jwks`, state };
}

const jwkOf = async (kid: string, key: KeyObject): Promise<object> => ({ ...(await exportJWK(key as never)), kid });

function jwt(claims: JWTPayload, kid = '1', key = OURS.privateKey): Promise<string> {
  const all = { iss: ISSUER, aud: 'gw', sub: 'ann', exp: Math.floor(Date.now() / 1_000) + 600, ...claims };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new SignJWT(given).setProtectedHeader({ alg: 'ES256', kid }).sign(key as never);
}

interface Served {
  gateway: Run;
  url: string;
  wire: () => Promise<Wire>;
}

async function serve(...flags: string[]): Promise<Served> {
  const { sims, paths } = await openSims('one', 'two');
  for (const sim of Object.values(sims)) sim.jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
  const sources = [`vm1=${paths.one}`, `secret=${paths.two}`].flatMap((source) => ['--source', source]);
  const gateway = run(['serve', '--listen', '127.0.0.1:0', ...sources, '--log-level', 'trace', ...flags]);
  const [, url = ''] = /listens at (http:\S+)/.exec(await gateway.said(/listens at .*\n/)) ?? [];
  const wire = async (): Promise<Wire> => {
    const opened = await connectWire(url);
    onTestFinished(() => opened.close());
    return opened;
  };
  return { gateway, url, wire };
}

const reasonOf = ({ error }: { error?: { data?: { reason?: unknown } } }): unknown => error?.data?.reason;
const seenBy = async (wire: Wire): Promise<string[]> =>
  (await wire.call('source.list', {})).sources.map(({ name }) => name);

it('JWTs that are forged, for others, without an end or of a shared secret are refused; a key that has just come is found', async () => {
  const issuer = await openIssuer();
  issuer.state.keys = [await jwkOf('1', OURS.publicKey)];
  const { gateway, url, wire } = await serve(
    ...['--jwt-jwks', issuer.url, '--jwt-issuer', ISSUER, '--jwt-audience', 'gw'],
  );
  const scopes = { qmp: { control: ['vm*'] } };
  const good = await jwt(scopes);
  const [head = '', body = '', signature = ''] = good.split('.');
  const text = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const hs = `${text({ alg: 'HS256', kid: '1' })}.${body}`;
  const secret = await exportSPKI(OURS.publicKey as never);
  const forged: Record<string, string> = {
    'alg none': `${text({ alg: 'none' })}.${body}.`,
    'no signature': `${head}.${body}.`,
    'the public key as a secret': `${hs}.${createHmac('sha256', secret).update(hs).digest('base64url')}`,
    'another body': `${head}.${text({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), qmp: { control: ['*'] } })}.${signature}`,
    'of another key': await jwt(scopes, '1', NEXT.privateKey),
    'for another audience': await jwt({ ...scopes, aud: 'other' }),
    'of another issuer': await jwt({ ...scopes, iss: 'https://evil.example' }),
    'without an end': await jwt({ ...scopes, exp: undefined as never }),
    'that has ended': await jwt({ ...scopes, exp: 1_000 }),
    'of nobody': await jwt({ ...scopes, sub: undefined as never }),
    'without scopes': await jwt({}),
  };
  const hostile = await wire();
  for (const [what, token] of Object.entries(forged)) {
    expect(reasonOf(await hostile.ask('authenticate', { token })), what).toBe('UNAUTHENTICATED');
    await expect(connectWire(url, { authorization: `Bearer ${token}` }), what).rejects.toThrow('401');
  }
  expect(reasonOf(await hostile.ask('source.list', {}))).toBe('UNAUTHENTICATED');
  // The requests behind it in one read are executed under it, although its verification takes a while.
  const ann = await wire();
  const answers = await Promise.all([
    ann.ask('authenticate', { token: good }),
    ann.ask('source.list', {}),
    ann.ask('job.abort', { source: 'secret', job: 'j' }),
  ]);
  expect(answers[0]).toMatchObject({ result: { principal: 'ann', scopes: ['control:vm*'] } });
  expect(answers[1]).toMatchObject({ result: { sources: [{ name: 'vm1' }] } });
  expect(reasonOf(answers[2] ?? {})).toBe('SOURCE_NOT_FOUND');
  const { asked } = issuer.state;
  issuer.state.keys = [await jwkOf('2', NEXT.publicKey)];
  const rotated = await wire();
  expect(await rotated.ask('authenticate', { token: await jwt(scopes, '2', NEXT.privateKey) })).toHaveProperty(
    'result',
  );
  expect(issuer.state.asked).toBe(asked + 1);
  expect(await seenBy(ann)).toEqual(['vm1']);
  const said = gateway.out() + gateway.err();
  for (const token of [good, ...Object.values(forged)]) expect(said).not.toContain(token);
});

it('names, globs and tags of clients widen nothing, and write no line of their own into the log', async () => {
  const { token, sha256 } = newToken();
  const tokens = join(folderOf(), 'tokens.yaml');
  writeFileSync(tokens, `- {name: ci, sha256: ${sha256}, read: ["vm*"], control: ["vm1"]}\n`);
  const { gateway, wire } = await serve('--tokens', tokens);
  const ci = await wire();
  await ci.call('authenticate', { token });
  for (const sources of [['*'], ['secret'], ['s*', 'vm1'], ['*ecre?'], ['vm*\u0000', 'secret']]) {
    const { jobs } = await ci.call('job.list', { sources });
    expect(jobs.filter(({ source }) => source !== 'vm1')).toEqual([]);
    const { result } = await ci.ask('subscribe', { sources, tag: 'control:*' });
    expect(JSON.stringify(result ?? '')).not.toContain('"secret"');
  }
  const nasty = 'x\n{"level":60,"msg":"forged"}\r\u001b[31m';
  await ci.ask('job.abort', { source: 'vm1', job: nasty });
  await ci.ask('job.abort', { source: nasty, job: 'j' });
  expect(await ci.ask('job.abort', { source: 'secret', job: 'j' })).toEqual(
    expect.objectContaining({ error: expect.objectContaining({ message: 'no source secret' }) }),
  );
  await gateway.said(/"audit":"abort".*"source":"secret"/);
  for (const line of gateway.err().trim().split('\n')) expect(JSON.parse(line).msg).not.toBe('forged');
});

it('two principals with one filter share no frame that one of them may not see; a cursor of the other opens nothing', async () => {
  const [wide, narrow] = [newToken(), newToken()];
  const tokens = join(folderOf(), 'tokens.yaml');
  const entries = [
    `{name: wide, sha256: ${wide.sha256}, control: ["*"]}`,
    `{name: narrow, sha256: ${narrow.sha256}, read: [vm1]}`,
  ];
  writeFileSync(tokens, `- ${entries.join('\n- ')}\n`);
  const { gateway, wire } = await serve('--tokens', tokens);
  const [one, two] = [await wire(), await wire()];
  await one.call('authenticate', { token: wide.token });
  await two.call('authenticate', { token: narrow.token });
  const { cursor } = await one.call('server.info', {});
  const ids = await Promise.all(
    [one, two].map(async (each) => (await each.call('subscribe', { after: cursor })).subscription),
  );
  expect(ids[0]).not.toBe(ids[1]);
  await one.call('job.pause', { source: 'secret', job: 'j' });
  await one.call('job.pause', { source: 'vm1', job: 'j' });
  const ofVm1 = (wanted: Wire): boolean =>
    wanted.events.some(({ source, type }) => source === 'vm1' && type === 'GATEWAY_COMMAND');
  await one.until(() => ofVm1(one));
  await two.until(() => ofVm1(two));
  expect(one.events.some(({ source }) => source === 'secret')).toBe(true);
  const three = await wire();
  await three.call('authenticate', { token: narrow.token });
  await three.call('subscribe', { after: cursor });
  await three.until(() => ofVm1(three));
  for (const each of [two, three]) expect(JSON.stringify(each.frames)).not.toContain('"secret"');
  // Widened and narrowed while it is connected.
  writeFileSync(tokens, `- ${entries[1]?.replace('[vm1]', '["*"]')}\n`);
  gateway.child.kill('SIGHUP');
  await two.until(() => two.notifications('reset').length === 1);
  expect(two.notifications('reset')[0]).toMatchObject({ reason: 'grants' });
  await one.until(() => one.closed !== undefined);
  expect(one.closed?.code).toBe(4403);
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: another user at a unix listener, since only root can become another');

it.skipIf(!isRoot)('a unix listener of mode 0660 is closed to another user', async () => {
  const folder = folderOf();
  chmodSync(folder, 0o755);
  const path = join(folder, 'sock');
  const { gateway } = await serve('--listen', `unix:${path}`);
  expect(gateway.out()).toContain(`unix:${path}`);
  const code = (id: number): string => {
    const script = `require('net').connect(${JSON.stringify(path)}).on('error', (e) => { console.log(e.code); }).on('connect', function () { console.log('in'); this.destroy(); })`;
    return spawnSync(process.execPath, ['-e', script], { uid: id, gid: id, encoding: 'utf8' }).stdout.trim();
  };
  expect([code(65_534), code(0)]).toEqual(['EACCES', 'in']);
});
