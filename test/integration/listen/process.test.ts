// The gateway as a process: a configuration that is read again under live subscribers, sockets of a service manager, and its own command line.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { allUp } from '../../support/app.js';
import { MAIN, run } from '../../support/cli.js';
import { openReceiver } from '../../support/receiver.js';
import { connectWire, type Wire } from '../../support/wire.js';
import { openSims } from '../stream/support.js';

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'process-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const URL_LINE = /listens at (\S+)/;

async function connect(url: string): Promise<Wire> {
  const wire = await connectWire(url);
  onTestFinished(() => wire.close());
  return wire;
}

it('sources come, go and move by SIGHUP under a live subscriber, which misses nothing; a bad file changes nothing', async () => {
  const { sims, paths } = await openSims('one', 'two', 'three');
  const config = join(folderOf(), 'gateway.yaml');
  const write = (sources: Record<string, string | undefined>, more = ''): void =>
    writeFileSync(config, `listen: 127.0.0.1:0\nsource: ${JSON.stringify(sources)}\n${more}`);
  const uri = (name: 'one' | 'two' | 'three'): string => paths[name] ?? '';
  write({ stays: uri('one'), goes: uri('two') }, 'limits: {connections: 1}\n');
  const serve = run(['serve', '--config', config]);
  const [, url = ''] = URL_LINE.exec(await serve.said(URL_LINE)) ?? [];
  const wire = await connect(url);
  const { epoch } = await wire.call('server.info', {});
  await wire.call('subscribe', {});
  const names = async (): Promise<string[]> => (await wire.call('source.list', {})).sources.map(({ name }) => name);
  expect((await names()).sort()).toEqual(['goes', 'stays']);

  write({ stays: uri('one'), comes: uri('three') }, 'logLevel: debug\nlimits: {connections: 1}\n');
  serve.child.kill('SIGHUP');
  await wire.typed('GATEWAY_SOURCE_REMOVED');
  await serve.said('the configuration was read again');
  expect((await names()).sort()).toEqual(['comes', 'stays']);
  sims.one?.jobs.start({ id: 'kept', type: 'mirror', bytesPerSecond: 1 });
  sims.three?.jobs.start({ id: 'new', type: 'mirror', bytesPerSecond: 1 });
  const seen = (job: string): boolean => wire.events.some((event) => event.job?.id === job);
  await wire.until(() => seen('kept') && seen('new'));
  await expect(connect(url)).rejects.toThrow('503');

  write({ stays: 'unix:' }, 'nonsense: 1\n');
  serve.child.kill('SIGHUP');
  const said = await serve.said('nothing was changed');
  expect(said).toContain('nonsense: no such setting');
  expect((await names()).sort()).toEqual(['comes', 'stays']);

  write({ stays: uri('two') });
  serve.child.kill('SIGHUP');
  await wire.until(() => wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_REMOVED').length >= 3);
  expect(await names()).toEqual(['stays']);
  // The limit is no longer in the file, so it is the default again.
  await connect(url);
  expect((await wire.call('server.info', {})).epoch).toBe(epoch);
  const offsets = wire.events.map(({ offset }) => offset);
  expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
  expect(wire.notifications('reset')).toEqual([]);
});

it('hosts, origins and compression are others after SIGHUP, for who comes from then on', async () => {
  const { paths } = await openSims('one');
  const config = join(folderOf(), 'gateway.yaml');
  const write = (more = ''): void =>
    writeFileSync(config, `listen: 127.0.0.1:0\nsource: {one: "${paths.one}"}\n${more}`);
  write();
  const serve = run(['serve', '--config', config]);
  const [, url = ''] = URL_LINE.exec(await serve.said(URL_LINE)) ?? [];
  const before = await connect(url);
  const origin = 'https://dash.example';
  await expect(connectWire(url, { origin })).rejects.toThrow('403');
  await expect(connectWire(url, { host: 'gw.example' })).rejects.toThrow('403');
  write('allowOrigin: https://dash.example\nallowHost: gw.example\ncompression: "on"\n');
  serve.child.kill('SIGHUP');
  const said = await serve.said('the configuration was read again');
  expect(said).not.toContain('restart');
  const [page, named] = [await connectWire(url, { origin }), await connectWire(url, { host: 'gw.example' })];
  onTestFinished(() => {
    page.close();
    named.close();
  });
  expect([before.ws.extensions, page.ws.extensions]).toEqual(['', expect.stringContaining('permessage-deflate')]);
  expect(await before.call('source.list', {})).toMatchObject({ sources: [{ name: 'one' }] });
  write();
  serve.child.kill('SIGHUP');
  await serve.said('the configuration was read again');
  await expect.poll(() => connectWire(url, { origin }).then(() => 'open', String)).toContain('403');
});

it('webhooks come, change and go by SIGHUP; neither their key nor the path of their URL is in what the gateway says', async () => {
  const { sims, paths } = await openSims('vm1');
  const [folder, receiver] = [folderOf(), await openReceiver()];
  const config = join(folder, 'gateway.yaml');
  const hook = {
    name: 'w',
    url: receiver.url,
    secretFile: 'w.key',
    allowPrivate: true,
    types: ['BLOCK_WRITE_THRESHOLD'],
  };
  // YAML takes JSON.
  const write = (webhooks: object[]): void =>
    writeFileSync(
      config,
      JSON.stringify({ listen: '127.0.0.1:0', source: paths, data: join(folder, 'data'), webhooks }),
    );
  writeFileSync(join(folder, 'w.key'), 'a-secret-that-nobody-logs');
  write([]);
  const serve = run(['serve', '--config', config]);
  const [, url = ''] = URL_LINE.exec(await serve.said(URL_LINE)) ?? [];
  const wire = await connect(url);
  await wire.call('subscribe', {});
  await allUp(wire);
  const raise = async (n: number): Promise<void> => {
    sims.vm1?.faults.emit('BLOCK_WRITE_THRESHOLD', { n });
    await wire.until(() => wire.events.some(({ data }) => (data as { n?: number }).n === n));
  };
  await raise(1);
  write([hook]);
  serve.child.kill('SIGHUP');
  await serve.said('"webhooks":{"added":["w"],"removed":[],"changed":[]}');
  receiver.answers.push(500);
  await raise(2);
  await serve.said('a webhook works again');
  write([{ ...hook, format: 'cloudevents' }]);
  serve.child.kill('SIGHUP');
  await serve.said('"changed":["w"]');
  await raise(3);
  await expect.poll(() => receiver.received.length).toBe(3);
  expect(receiver.received.map(({ body }) => [body.event?.data, body.data?.data])).toEqual([
    ...[
      [{ n: 2 }, undefined],
      [{ n: 2 }, undefined],
    ],
    [undefined, { n: 3 }],
  ]);
  write([]);
  serve.child.kill('SIGHUP');
  const said = await serve.said('"removed":["w"]');
  await raise(4);
  expect(receiver.received).toHaveLength(3);
  expect(said).not.toMatch(/nobody-logs|path-as-a-secret/);
});

describe('sockets of a service manager', () => {
  const activate = spawnSync('systemd-socket-activate', ['--version']);
  const isHere = activate.status === 0;
  if (!isHere && process.env.REQUIRE_SYSTEMD === '1') throw new Error('systemd-socket-activate is not installed');
  if (!isHere) console.warn('SKIPPED: socket activation, since systemd-socket-activate is not installed');

  it.skipIf(!isHere)('are served, a unix one without a token, and stay when the gateway ends', async () => {
    const folder = folderOf();
    const path = join(folder, 'sock');
    const [config, sources] = [join(folder, 'tokens.yaml'), 'vm1=unix:/nowhere'];
    writeFileSync(config, '[]');
    const serve = ['serve', '--listen', 'fd:3', '--source', sources, '--tokens', config];
    const gateway = run(['-l', path, process.execPath, MAIN, ...serve], ['systemd-socket-activate']);
    await gateway.said('Listening on');
    const asked = run(['sources', '--url', `unix:${path}`, '--json']);
    await gateway.said('listens at unix');
    expect([await asked.exit, asked.out()]).toEqual([0, expect.stringContaining('vm1')]);
    gateway.child.kill('SIGTERM');
    expect(await gateway.exit).toBe(0);
    expect(existsSync(path)).toBe(true);
  });

  it('beyond loopback need credentials too', async () => {
    const server = createServer();
    await once(server.listen(0, '0.0.0.0'), 'listening');
    onTestFinished(() => void server.close());
    const serve = `LISTEN_FDS=1 LISTEN_PID=$$ exec ${process.execPath} ${MAIN} serve --listen fd:3 --source a=unix:/no`;
    // The handle of a server is that of its descriptor.
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const child = spawn('sh', ['-c', serve], { stdio: ['ignore', 'ignore', 'pipe', fd] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    child.stderr?.on('data', (chunk) => {
      text += chunk;
    });
    const [code] = await once(child, 'close');
    expect([code, text]).toEqual([2, expect.stringMatching(/can be reached from other hosts: .*--tokens FILE/)]);
  });
});

it('an edge is not given the demo: it has no sources', async () => {
  const edge = run(['serve', '--demo', '--role', 'edge', '--nats', 'nats://127.0.0.1:1']);
  expect(await edge.exit).toBe(2);
  expect(edge.err()).toContain('--demo: an edge has no sources');
});

describe('check-config', () => {
  it('says what would be served, or every problem, and exits with 2', async () => {
    const config = join(folderOf(), 'gateway.yaml');
    writeFileSync(config, 'listen: [unix:/run/x, 127.0.0.1:7070]\nsource: {vm1: unix:/a}\n');
    const good = run(['check-config', '--config', config]);
    expect(await good.exit).toBe(0);
    expect(good.out()).toBe(
      'listens at unix:/run/x and 127.0.0.1:7070\nsources: vm1\nthe log is in memory\nclients are known by the mode of the socket file\n',
    );
    const hook =
      '{name: w, url: "https://hooks.example/path-as-a-secret", secret: sixteen-letters-long, types: [A, B]}';
    writeFileSync(config, `webhooks: [${hook}]\n`);
    const posts = run(['check-config', '--config', config]);
    expect(await posts.exit).toBe(0);
    expect(posts.out()).toContain('\nposts A, B to https://hooks.example as w\n');
    writeFileSync(config, 'nats: [nats://me:word@n1:4222, tls://n2]\nrole: edge\n');
    const edge = run(['check-config', '--config', config]);
    expect(await edge.exit).toBe(0);
    expect(edge.out()).toContain(
      '\nthe log is in the stream qmp\nan edge of the cluster qmp, by NATS at nats://n1:4222 and tls://n2\n',
    );
    writeFileSync(config, 'nats: nats://n1\nrole: owner\nsource: {a: unix:/a}\nmetricsListen: 127.0.0.1:9100\n');
    const owner = run(['check-config', '--config', config]);
    expect(await owner.exit).toBe(0);
    expect(owner.out()).toBe(
      'has no clients: they are those of the edges\nmetrics and health are at 127.0.0.1:9100\nsources: a\n' +
        'the log is in the stream qmp\nan owner of the cluster qmp, by NATS at nats://n1\n',
    );
    writeFileSync(config, 'listen: nowhere\nfoo: 1\n');
    const bad = run(['check-config', '--config', config]);
    expect(await bad.exit).toBe(2);
    expect(bad.err()).toMatch(/gateway.yaml:2:1: foo: no such setting\n.*gateway.yaml:1:1 listen nowhere: /);
    const json = run(['check-config', '--config', config, '--json']);
    expect(await json.exit).toBe(2);
    expect(JSON.parse(json.out())).toMatchObject({ ok: false, problems: [{}, {}].map(() => expect.any(String)) });
  });
});
