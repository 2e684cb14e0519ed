// Listeners: unix sockets and their files, TLS and client certificates, several at once, one for metrics alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { newToken } from '../../../src/access/index.js';
import { type App, start } from '../../../src/app.js';
import { type ConfigInput, readConfig } from '../../../src/config/index.js';
import { authority } from '../../support/authority.js';
import { Wire } from '../../support/wire.js';

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'listen-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const read = (flags: ConfigInput) => {
  const config = readConfig({ listen: ['127.0.0.1:0'], ...flags }, {});
  if (!config.ok) throw new Error(config.problems.join('\n'));
  return config.config;
};

async function open(flags: ConfigInput): Promise<App> {
  const app = await start(read(flags), pino({ level: 'silent' }));
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= app.close();
    return closed;
  };
  onTestFinished(close);
  return { ...app, close };
}

async function connect(url: string, options: object = {}): Promise<Wire> {
  const ws = new WebSocket(url, 'qmp-gateway.v1', options);
  const wire = new Wire(ws);
  await once(ws, 'open');
  onTestFinished(() => wire.close());
  return wire;
}

/** The status, and the body. */
async function get(ask: () => ReturnType<typeof httpRequest>): Promise<[number, string]> {
  const request = ask();
  request.end();
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return [response.statusCode, text];
}

it('a unix listener has the mode that was set, needs no token, and its file goes at the end', async () => {
  const folder = folderOf();
  const path = join(folder, 'sock');
  const tokens = join(folder, 'tokens.yaml');
  writeFileSync(tokens, '[]');
  const app = await open({ listen: [`unix:${path}`, '127.0.0.1:0'], socketMode: '0600', tokens });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(app.urls).toEqual([`unix:${path}`, app.url]);
  const wire = await connect(`ws+unix:${path}:/v1`);
  expect(await wire.call('source.list', {})).toEqual({ sources: [] });
  const far = await connect(app.url.replace('http', 'ws').concat('v1'));
  expect(await far.ask('source.list', {})).toMatchObject({ error: { data: { reason: 'UNAUTHENTICATED' } } });
  await app.close();
  expect(existsSync(path)).toBe(false);
});

it('a socket file whose process was killed is replaced; one that is in use, or no socket, is not', async () => {
  const folder = folderOf();
  const path = join(folder, 'sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const killed = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  await expect(open({ listen: [`unix:${path}`] })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  killed.kill('SIGKILL');
  await once(killed, 'close');
  expect(existsSync(path)).toBe(true);
  await open({ listen: [`unix:${path}`] });
  await connect(`ws+unix:${path}:/v1`);
  writeFileSync(join(folder, 'file'), 'precious');
  await expect(open({ listen: [`unix:${join(folder, 'file')}`] })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('precious');
});

it('where one of several listeners cannot be opened, none is', async () => {
  const busy = createServer();
  await once(busy.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void busy.close());
  const { port } = busy.address() as { port: number };
  const path = join(folderOf(), 'sock');
  await expect(open({ listen: [`unix:${path}`, `127.0.0.1:${port}`] })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(existsSync(path)).toBe(false);
});

it('a listener for metrics has nothing else, and needs no token on this host', async () => {
  const folder = folderOf();
  const [metrics, tokens] = [join(folder, 'metrics'), join(folder, 'tokens.yaml')];
  writeFileSync(tokens, '[]');
  const app = await open({ metricsListen: `unix:${metrics}`, tokens });
  expect([app.urls, app.metricsUrl]).toEqual([[app.url], `unix:${metrics}`]);
  const own = (path: string) => get(() => httpRequest({ socketPath: metrics, path }));
  expect(await own('/metrics')).toEqual([200, expect.stringContaining('qmp_gateway_connections 0')]);
  expect(await own('/healthz')).toEqual([200, 'ok\n']);
  expect((await own('/'))[0]).toBe(404);
  expect((await own('/v1/rpc'))[0]).toBe(404);
  expect((await get(() => httpRequest(`${app.url}metrics`)))[0]).toBe(401);
  const ws = new WebSocket(`ws+unix:${metrics}:/v1`);
  const [error] = await once(ws, 'error');
  expect(String(error)).toContain('404');
});

it('TLS serves pages and WebSockets, and a certificate that is renewed is that of new connections', async () => {
  const { folder, ca, issue } = authority();
  const first = issue('first', '/CN=first');
  const app = await open({ tlsCert: first.cert, tlsKey: first.key });
  expect(app.url).toMatch(/^https:/);
  const trusted = { ca: readFileSync(ca) };
  const subjectOf = async (): Promise<string> => {
    const request = httpsRequest(`${app.url}healthz`, { ...trusted, agent: new Agent({ maxCachedSessions: 0 }) });
    request.end();
    const [{ socket }] = await once(request, 'response');
    return socket.getPeerCertificate().subject.CN;
  };
  expect(await subjectOf()).toBe('first');
  const wire = await connect(app.url.replace('https', 'wss').concat('v1'), trusted);
  const second = issue('second', '/CN=second');
  app.reload(read({ tlsCert: second.cert, tlsKey: second.key }));
  expect(await subjectOf()).toBe('second');
  expect(() => read({ tlsCert: first.cert, tlsKey: second.key })).toThrow(/--tls-cert.*key/i);
  expect(await wire.call('source.list', {})).toEqual({ sources: [] });
  expect(folder).toBeTruthy();
});

it('a client certificate of the authority is the principal of its subject; another one, or none, is nobody', async () => {
  const { folder, ca, issue } = authority();
  const server = issue('server', '/CN=server');
  const config = join(folder, 'gateway.yaml');
  const settings = 'certificates:\n  - {subject: "CN=backup,O=Example", name: backup, read: ["vm*"]}\n';
  writeFileSync(config, `tlsCert: server.pem\ntlsKey: server.key\ntlsClientCa: ca.pem\n${settings}`);
  expect(server.cert).toBe(join(folder, 'server.pem'));
  const app = await open({ config, source: ['vm1=unix:/no/1', 'secret=unix:/no/2'] });
  const url = app.url.replace('https', 'wss').concat('v1');
  const as = (name: string, subject: string, by?: string): Promise<Wire> => {
    const { cert, key } = issue(name, subject, by);
    return connect(url, { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) });
  };
  const names = async (wire: Wire): Promise<unknown> => {
    const { result, error } = await wire.ask('source.list', {});
    return error ? error.data?.reason : (result as { sources: { name: string }[] }).sources.map(({ name }) => name);
  };
  const backup = await as('backup', '/CN=backup/O=Example');
  expect(await names(backup)).toEqual(['vm1']);
  expect(await names(await as('forged', '/CN=backup/O=Example', 'other'))).toBe('UNAUTHENTICATED');
  expect(await names(await as('comma', '/CN=backup,O=Example'))).toBe('UNAUTHENTICATED');
  expect(await names(await connect(url, { ca: readFileSync(ca) }))).toBe('UNAUTHENTICATED');
  writeFileSync(
    config,
    `${readFileSync(config, 'utf8')}  - {subject: "CN=new"}\n`.replace('read: ["vm*"]', 'read: []'),
  );
  app.reload(read({ config, source: ['vm1=unix:/no/1', 'secret=unix:/no/2'] }));
  expect(await names(backup)).toEqual([]);
});

it('certificates of an authority that is taken back count for nothing, on present connections too; its others stay', async () => {
  const { folder, ca, issue } = authority();
  issue('server', '/CN=server');
  const config = join(folder, 'gateway.yaml');
  const both = join(folder, 'both.pem');
  const write = (clientCa: string): void => {
    const entry = 'certificates:\n  - {subject: "CN=*,OU=a,O=Example,OU=b", read: ["vm*"]}\n';
    writeFileSync(config, `tlsCert: server.pem\ntlsKey: server.key\ntlsClientCa: ${clientCa}\n${entry}`);
  };
  writeFileSync(both, readFileSync(ca, 'utf8') + readFileSync(join(folder, 'other.pem'), 'utf8'));
  write('both.pem');
  const flags = { config, source: ['vm1=unix:/no/1'] };
  const app = await open(flags);
  const url = app.url.replace('https', 'wss').concat('v1');
  const known = (by: string) => {
    const { cert, key } = issue(`of-${by}`, '/CN=ann/OU=a/O=Example/OU=b', by);
    return { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
  };
  const [ours, theirs] = [known('ca'), known('other')];
  const wires = [await connect(url, ours), await connect(url, theirs)];
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const sources = (): Promise<[number, string]> =>
    get(() => httpsRequest(`${app.url}v1/sources`, { ...theirs, agent }));
  expect((await sources())[0]).toBe(200);
  const [first, second] = wires;
  for (const wire of wires) expect(await wire.call('source.list', {})).toMatchObject({ sources: [{ name: 'vm1' }] });
  write('ca.pem');
  expect(app.reload(read(flags)).needRestart).toEqual([]);
  expect(await second?.end()).toMatchObject({ code: 4403 });
  expect((await sources())[0]).toBe(401);
  expect(await first?.call('source.list', {})).toMatchObject({ sources: [{ name: 'vm1' }] });
  // Whether clients are asked for a certificate is settled when a listener is made.
  writeFileSync(join(folder, 'tokens.yaml'), '[]');
  writeFileSync(config, 'tlsCert: server.pem\ntlsKey: server.key\ntokens: tokens.yaml\n');
  expect(app.reload(read(flags)).needRestart).toEqual(['tlsClientCa']);
});

it('a token from the token file works beside a unix listener', async () => {
  const folder = folderOf();
  const { token, sha256 } = newToken();
  writeFileSync(join(folder, 't'), `- {name: ci, sha256: ${sha256}, read: [vm1]}\n`);
  const path = join(folder, 'sock');
  await open({ listen: [`unix:${path}`], tokens: join(folder, 't'), source: ['vm1=unix:/no/1', 'vm2=unix:/no/2'] });
  const wire = await connect(`ws+unix:${path}:/v1`, { headers: { authorization: `Bearer ${token}` } });
  const { sources } = await wire.call('source.list', {});
  expect(sources.map(({ name }) => name)).toEqual(['vm1']);
});
