// The example for nginx on the real one: a path prefix, TLS, Host and Origin, WebSockets, compression, and addresses of clients.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { run } from '../support/cli.js';
import { have } from '../support/required.js';
import { Wire } from '../support/wire.js';

const isHere = have('nginx', 'REQUIRE_NGINX');

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** The example with the places of this test. */
async function openNginx(gateway: number): Promise<{ port: number; ca: Buffer }> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [cert, key] = [join(folder, 'host.pem'), join(folder, 'host.key')];
  const ssl = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=host', '-addext', 'subjectAltName=DNS:host'];
  execFileSync('openssl', [...ssl, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
  const port = await freePort();
  const site = readFileSync('packaging/examples/nginx.conf', 'utf8')
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace('/etc/ssl/host.pem', cert)
    .replace('/etc/ssl/host.key', key)
    .replace('127.0.0.1:7070', `127.0.0.1:${gateway}`);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${folder}/${each};`,
  );
  const main = `daemon off; pid ${folder}/pid; error_log ${folder}/error;
events {}
http { access_log off; ${paths.join(' ')}
${site} }`;
  writeFileSync(join(folder, 'nginx.conf'), main);
  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  onTestFinished(async () => {
    nginx.kill('SIGTERM');
    await once(nginx, 'exit');
  });
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return { port, ca: readFileSync(cert) };
    if (nginx.exitCode !== null) throw new Error(readFileSync(join(folder, 'error'), 'utf8'));
  }
}

it.skipIf(!isHere)(
  'serves the page and WebSockets under a path, and the gateway knows the client’s address',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'gateway.yaml');
    writeFileSync(
      file,
      `listen: 127.0.0.1:0
source: {vm1: unix:/nowhere}
allowHost: host
trustProxy: 127.0.0.1
compression: "on"
proxyUserHeader: X-Forwarded-User
proxyGroupsHeader: X-Forwarded-Groups
proxyGroups: {ops: {control: ["*"]}}
tokens: tokens.yaml
`,
    );
    const sha256 = execFileSync('sh', ['-c', 'printf secret | sha256sum'], { encoding: 'utf8' }).slice(0, 64);
    writeFileSync(join(folder, 'tokens.yaml'), `- {name: ci, sha256: ${sha256}, control: ["*"]}\n`);
    const gateway = run(['serve', '--config', file]);
    const [, at] = /listens at http:\S+:(\d+)/.exec(await gateway.said('try:')) ?? [];
    const { port, ca } = await openNginx(Number(at));
    const to = { ca, host: '127.0.0.1', port, servername: 'host' };

    const get = async (path: string): Promise<[number, string]> => {
      const asked = request({ ...to, path, headers: { host: `host:${port}` } }).end();
      const [response] = await once(asked, 'response');
      let text = '';
      for await (const chunk of response) text += chunk;
      return [response.statusCode, text];
    };
    expect(await get('/qmp/')).toEqual([200, expect.stringContaining('<title>')]);
    expect(await get('/qmp/healthz')).toEqual([200, 'ok\n']);
    expect((await get('/qmp/metrics'))[0]).toBe(401);

    const open = async (headers: Record<string, string>, origin: string): Promise<WebSocket> => {
      const ws = new WebSocket(`wss://host:${port}/qmp/v1`, 'qmp-gateway.v1', {
        ca,
        headers,
        origin,
        // Not the proxy's own address.
        localAddress: '127.0.0.2',
        lookup: (_host, _options, done) => done(null, '127.0.0.1', 4),
      });
      await once(ws, 'open');
      return ws;
    };
    const own = `https://host:${port}`;
    const ws = await open({ authorization: 'Bearer secret', 'x-forwarded-for': '203.0.113.9' }, own);
    const wire = new Wire(ws);
    onTestFinished(() => wire.close());
    expect(ws.extensions).toContain('permessage-deflate');
    await wire.ask('job.abort', { source: 'vm1', job: 'j' });
    await gateway.said('"audit":"abort"');
    const lines = gateway.err().trim().split('\n');
    const audit = lines.map((line) => JSON.parse(line)).find((line) => line.audit === 'abort');
    // What the client itself wrote into the header is not believed.
    expect(audit).toMatchObject({ principal: 'ci', address: '127.0.0.2' });
    const forged = new Wire(await open({ 'x-forwarded-user': 'root', 'x-forwarded-groups': 'ops' }, own));
    onTestFinished(() => forged.close());
    expect(await forged.ask('source.list', {})).toMatchObject({ error: { data: { reason: 'UNAUTHENTICATED' } } });
    await expect(open({}, 'https://evil.example')).rejects.toThrow('403');
  },
);
