// The examples for nginx and Caddy on the real ones: a path prefix, TLS, Host and Origin, WebSockets, compression, and addresses of clients.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { run } from '../support/cli.js';
import { freePort } from '../support/free-port.js';
import { have } from '../support/required.js';
import { Wire } from '../support/wire.js';

interface Proxy {
  port: number;
  ca: Buffer;
}

interface Site {
  folder: string;
  cert: string;
  key: string;
  port: number;
}

/** A folder, a port, and a certificate for `host`. */
async function prepareSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [cert, key] = [join(folder, 'host.pem'), join(folder, 'host.key')];
  const ssl = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=host', '-addext', 'subjectAltName=DNS:host'];
  execFileSync('openssl', [...ssl, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
  return { folder, cert, key, port: await freePort() };
}

/** Resolves when it listens. @param why what it says if it does not. */
async function runProxy(
  { port, cert, folder }: Site,
  program: string,
  args: string[],
  why: () => string,
): Promise<Proxy> {
  // Caddy keeps what it stores under its home.
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const output = openSync(join(folder, 'output'), 'w');
  const proxy = spawn(program, args, { stdio: ['ignore', output, output], env });
  onTestFinished(async () => {
    if (proxy.exitCode === null) {
      proxy.kill('SIGTERM');
      await once(proxy, 'exit');
    }
  });
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return { port, ca: readFileSync(cert) };
    if (proxy.exitCode !== null) throw new Error(why());
  }
}

/** The example with the places of this test. */
async function openNginx(gateway: number): Promise<Proxy> {
  const at = await prepareSite();
  const { folder, cert, key, port } = at;
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
  return runProxy(at, 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], () =>
    readFileSync(join(folder, 'error'), 'utf8'),
  );
}

async function openCaddy(gateway: number): Promise<Proxy> {
  const at = await prepareSite();
  const { folder, cert, key, port } = at;
  const site = readFileSync('packaging/examples/Caddyfile', 'utf8')
    .replace(/^host \{$/m, `host:${port} {\n\tbind 127.0.0.1\n\ttls ${cert} ${key}`)
    .replace('127.0.0.1:7070', `127.0.0.1:${gateway}`);
  writeFileSync(join(folder, 'Caddyfile'), `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
  return runProxy(at, 'caddy', ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')], () =>
    readFileSync(join(folder, 'output'), 'utf8'),
  );
}

describe.each([
  { name: 'nginx', isHere: have('nginx', 'REQUIRE_NGINX'), open: openNginx },
  { name: 'caddy', isHere: have('caddy', 'REQUIRE_CADDY'), open: openCaddy },
])('the example for $name', ({ isHere, open: openProxy }) => {
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
      const [, at] = /listens at http:\S+:(\d+)/.exec(await gateway.said(/listens at .*\n/)) ?? [];
      const { port, ca } = await openProxy(Number(at));
      const to = { ca, host: '127.0.0.1', port, servername: 'host' };

      const get = async (path: string): Promise<[number, string]> => {
        const asked = request({ ...to, path, headers: { host: `host:${port}` } }).end();
        const [response] = await once(asked, 'response');
        let text = '';
        for await (const chunk of response) text += chunk;
        return [response.statusCode, text];
      };
      expect(await get('/qmp/')).toEqual([200, expect.stringContaining('<title>')]);
      expect(await get('/qmp')).toEqual([expect.toSatisfy((status) => [301, 302].includes(status)), expect.anything()]);
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
      // An event stream is not held back.
      const stream = request({
        ...to,
        path: '/qmp/v1/events',
        headers: { host: `host:${port}`, authorization: 'Bearer secret' },
      });
      onTestFinished(() => void stream.destroy());
      const [streamed] = await once(stream.end(), 'response');
      let blocks = '';
      streamed
        .on('error', () => undefined)
        .on('data', (chunk: Buffer) => {
          blocks += chunk.toString();
        });
      await expect.poll(() => blocks).toContain('event: snapshot');
      expect(streamed.statusCode).toBe(200);

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
});
