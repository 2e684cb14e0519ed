// How the command line reaches a gateway: from a URL with anything that can be wrong to the gateway, or to a line that says what is wrong.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttp, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gapLine, socketUrl } from '../../src/cli/remote.js';
import { whyUnreachable } from '../../src/cli/unreachable.js';
import { startSimulator } from '../../src/simulator/index.js';
import { allUp, startApp } from '../support/app.js';
import { run } from '../support/cli.js';
import { openPath } from '../support/path-proxy.js';
import { startProxy } from '../support/proxy.js';
import { haveQemu } from '../support/qemu.js';
import { openRig, slowMirror } from '../support/rig.js';

describe('--url', () => {
  it.each([
    ['http://127.0.0.1:7070', 'ws://127.0.0.1:7070/v1'],
    ['http://127.0.0.1:7070/', 'ws://127.0.0.1:7070/v1'],
    ['https://host/qmp/', 'wss://host/qmp/v1'],
    ['https://host/qmp', 'wss://host/qmp/v1'],
    ['https://host/qmp/v1', 'wss://host/qmp/v1'],
    ['https://host/qmp/v1/', 'wss://host/qmp/v1'],
    ['https://host/qmp/#/job/vm1/a', 'wss://host/qmp/v1'],
    ['https://host/qmp/?key=1', 'wss://host/qmp/v1?key=1'],
    ['ws://host:7070/v1', 'ws://host:7070/v1'],
    ['wss://host/qmp/', 'wss://host/qmp/v1'],
    ['wss://host/own-name', 'wss://host/own-name'],
  ])('%s is the socket %s', (given, expected) => expect(socketUrl(given)).toBe(expected));

  it('that is none is refused with an example', () =>
    expect(() => socketUrl('127.0.0.1:7070')).toThrow('not a URL, as http://127.0.0.1:7070'));

  it('of a socket that is not there is no refused connection', () =>
    expect(whyUnreachable('unix:/nope', 'connect ENOENT /nope')).toContain('there is no such socket'));

  it('a cursor past the end of the log is not called too old', () => {
    const gap = { reason: 'retention', after: 'e:99', cursor: 'e:7' } as const;
    expect(gapLine(gap)).toBe('gap: the log has not come to e:99; it goes on after e:7');
    expect(gapLine({ ...gap, after: 'e:1' })).toContain('older than what the gateway keeps');
  });

  it('reaches a gateway under a path', async () => {
    const app = await startApp({});
    const url = await openPath(app.url, '/qmp/');
    const sources = run(['sources', '--url', url]);
    expect(await sources.exit).toBe(0);
  });
});

async function listening<Kind extends Server>(server: Kind): Promise<number> {
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as { port: number }).port;
}

/** It makes the key and the certificate that nobody has signed. */
const haveOpenssl = spawnSync('openssl', ['version']).status === 0;

async function ownCertificate(): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'cert-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [keyout, out] = [join(folder, 'key'), join(folder, 'cert')];
  const asked = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...asked, '-subj', '/CN=localhost', '-keyout', keyout, '-out', out], { stdio: 'ignore' });
  return { key: readFileSync(keyout, 'utf8'), cert: readFileSync(out, 'utf8') };
}

async function why(url: string): Promise<string> {
  const jobs = run(['jobs', '--url', url]);
  expect(await jobs.exit).toBe(4);
  expect(jobs.out()).toBe('');
  const [line = '', ...more] = jobs.err().trimEnd().split('\n');
  expect(more).toEqual([]);
  expect(line).toContain(`no gateway at ${url}: `);
  return line;
}

describe('says what is wrong', () => {
  const status =
    (code: number): RequestListener =>
    (_request, response) =>
      void response.writeHead(code).end();

  it.each([
    [403, /HTTP 403: refused; .*--allow-host/],
    [404, /HTTP 404: no gateway at this path/],
    [401, /HTTP 401: .*credentials/],
    [502, /HTTP 502: the proxy reaches no gateway/],
    [418, /HTTP 418: no WebSocket/],
  ])('HTTP %d', async (code, words) => {
    const server = createHttp(status(code));
    server.on('upgrade', (_request: IncomingMessage, socket) =>
      socket.end(`HTTP/1.1 ${code} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
    );
    expect(await why(`http://127.0.0.1:${await listening(server)}/qmp/`)).toMatch(words);
  });

  it('says that nothing listens', async () => {
    const server = createHttp();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await why(`http://127.0.0.1:${port}`)).toMatch(
      /connection refused \(is "qmp-gateway serve" running there\?\)/,
    );
    expect(await why(`http://localhost:${port}`)).toMatch(/connection refused/);
  });

  it.skipIf(!haveOpenssl)('a certificate that is not trusted, and TLS where there is none', async () => {
    const tls = await listening(createHttps(await ownCertificate()));
    expect(await why(`https://127.0.0.1:${tls}/qmp/`)).toMatch(
      /certificate is not trusted; NODE_EXTRA_CA_CERTS.*self-signed/,
    );
    const plain = await listening(createHttp());
    expect(await why(`https://127.0.0.1:${plain}/`)).toMatch(/no TLS is spoken there: use http:/);
    expect(await why(`http://127.0.0.1:${tls}/`)).toMatch(/is TLS needed|HTTP 400/);
  });
});

describe('once it was reached', () => {
  it('events goes on over restarts: from where it was, the gap said, each event of the new log', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'remote-'));
    const path = join(folder, 'vm.sock');
    const simulator = await startSimulator({ listen: { path } });
    onTestFinished(async () => {
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    });
    let app = await startApp({ vm1: `unix:${path}` });
    const proxy = await startProxy(() => app.port);
    const events = run([
      'events',
      '--json',
      '--type',
      'GATEWAY_JOB_SETTLED',
      '--url',
      `http://127.0.0.1:${proxy.port}`,
    ]);
    const settled = (): string[] =>
      events
        .out()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).job.id);
    const finish = (id: string): void => {
      simulator.jobs.start({ id, type: 'mirror', len: 1 << 20, bytesPerSecond: 1 });
      simulator.jobs.cancel(id);
    };
    await allUp(await app.wire());
    await expect
      .poll(async () => /live_subscriptions 1/.test(await (await fetch(`${app.url}metrics`)).text()))
      .toBe(true);
    finish('first');
    await expect.poll(settled).toEqual(['first']);
    proxy.cut();
    finish('while-cut');
    await expect.poll(settled).toEqual(['first', 'while-cut']);
    expect(events.err()).toMatch(/^connection lost/);
    expect(events.err()).not.toContain('gap');
    await app.close();
    app = await startApp({ vm1: `unix:${path}` });
    await allUp(await app.wire());
    finish('restarted');
    await expect.poll(settled, { timeout: 20_000 }).toEqual(['first', 'while-cut', 'restarted']);
    expect(events.err()).toMatch(
      /^gap: events after \w+:\d+ and up to \w+:0 may be missing here\. The gateway began a new log/m,
    );
    await expect.poll(() => events.err()).toMatch(/connected again\n[\s\S]*connected again\n/);
    events.child.kill('SIGINT');
    expect(await events.exit).toBe(0);
  });

  it.skipIf(!haveQemu)('abort: a stopped QEMU is 3, an ended job is no job, a lost line is 5', async () => {
    const rig = await openRig();
    await slowMirror(rig, 'drive0');
    await rig.wire.call('job.get', { source: 'vm1', job: 'drive0' });
    const proxy = await startProxy(() => rig.app.port);
    const url = ['--url', `http://127.0.0.1:${proxy.port}`];
    rig.qemu.stop();
    const bound = run(['abort', 'vm1', 'drive0', '--sync', '--timeout', '400ms', ...url]);
    expect(await bound.exit).toBe(3);
    expect(bound.err()).toMatch(/TIMEOUT[\s\S]*may still carry it out/);
    // The cancel was sent, and QEMU carries it out.
    rig.qemu.cont();
    await rig.wire.typed('BLOCK_JOB_CANCELLED', 'drive0');
    await rig.wire.typed('GATEWAY_JOB_SETTLED', 'drive0');
    const late = run(['abort', 'vm1', 'drive0', '--sync', ...url]);
    expect(await late.exit).toBe(1);
    expect(late.err()).toMatch(/JOB_NOT_FOUND/);

    await slowMirror(rig, 'drive1');
    await rig.wire.call('job.get', { source: 'vm1', job: 'drive1' });
    rig.qemu.stop();
    const lost = run(['abort', 'vm1', 'drive1', '--sync', ...url]);
    await rig.wire.typed('GATEWAY_COMMAND', 'drive1');
    proxy.cut();
    expect(await lost.exit).toBe(5);
    expect(lost.err()).toMatch(/CONNECTION_LOST/);
    rig.qemu.cont();
  });

  it('jobs says which sources it can’t know of: exit 1 where none is up', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'remote-'));
    const path = join(folder, 'vm.sock');
    const simulator = await startSimulator({ listen: { path } });
    onTestFinished(async () => {
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    });
    const app = await startApp({ up: `unix:${path}`, away: 'unix:/nonexistent/vm.sock' });
    const wire = await app.wire();
    await expect
      .poll(async () => (await wire.call('source.list', {})).sources.map(({ state }) => state))
      .toEqual(['up', 'down']);
    const all = run(['jobs', '--url', app.url]);
    expect(await all.exit).toBe(0);
    expect(all.out()).toBe('no jobs\n');
    expect(all.err()).toMatch(/^away is down \(absent\): its jobs are unknown/);
    for (const more of [[], ['--json']]) {
      const down = run(['jobs', '--source', 'aw*', '--url', app.url, ...more]);
      expect(await down.exit).toBe(1);
      expect(down.out()).toBe('');
      expect(down.err()).toMatch(/no source is up[\s\S]*away is down \(absent\)/);
    }
    const none = run(['jobs', '--source', 'nowhere', '--url', app.url]);
    expect(await none.exit).toBe(1);
    expect(none.err()).toMatch(/no source matches nowhere/);
  });
});
