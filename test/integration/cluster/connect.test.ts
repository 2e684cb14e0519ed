// How a member is known to NATS, on real servers.
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectNats, loadNats, type NatsServers, openNats } from '../../../src/nats/index.js';
import { authority } from '../../support/authority.js';
import { newFolder } from '../../support/folder.js';
import { natsOperator } from '../../support/nats-operator.js';
import { startNats } from '../../support/nats-server.js';
import { startProxy } from '../../support/proxy.js';
import { have } from '../../support/required.js';

async function open(options: Omit<NatsServers, 'name'>) {
  const nc = await connectNats({ ...options, name: 'member 1' });
  onTestFinished(() => nc.close());
  return nc;
}

async function serverOf(config: string): Promise<string> {
  const server = await startNats(config);
  onTestFinished(server.stop);
  return server.url;
}

describe.skipIf(!have('nats-server', 'REQUIRE_NATS'))('a connection', () => {
  it('has the user and the password of the URL, in which special characters are percent-encoded', async () => {
    const url = await serverOf('authorization: { user: "a@b", password: "p/w:1" }');
    const nc = await open({ servers: [url.replace('//', '//a%40b:p%2Fw%3A1@')], inboxPrefix: '_INBOX_me' });
    nc.subscribe('ping', { callback: (_error, each) => void each.respond(each.reply ?? '') });
    expect((await nc.request('ping')).string()).toMatch(/^_INBOX_me\./);
    await expect(open({ servers: [url] })).rejects.toThrow(/authorization/i);
  });

  it('shows its certificate to a server that asks for one, and believes the authority that it was given', async () => {
    const { ca, issue } = authority();
    const [server, member] = [issue('server', '/CN=nats'), issue('member', '/CN=member')];
    const url = await serverOf(
      `tls: { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca}", verify: true }`,
    );
    const { cert, key } = member;
    const nc = await open({ servers: [url.replace('nats:', 'tls:')], tls: { ca, cert, key } });
    await nc.flush();
    await expect(open({ servers: [url], tls: { ca } })).rejects.toThrow();
    await expect(open({ servers: [url], tls: { cert, key } })).rejects.toThrow(/self-signed|unable to/);
  });

  it('reads the files of its certificate for each connection, so that they can be replaced', async () => {
    const { ca, issue } = authority();
    const [server, first, second] = [issue('server', '/CN=nats'), issue('a', '/CN=a'), issue('b', '/CN=b')];
    const url = await serverOf(
      `tls: { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca}", verify_and_map: true }
       authorization: { users: [{ user: "CN=b", permissions: { publish: "of-b" } }, { user: "CN=a" }] }`,
    );
    const files = { ca, cert: join(newFolder(), 'cert.pem'), key: join(newFolder(), 'key.pem') };
    const use = ({ cert, key }: { cert: string; key: string }): void => {
      copyFileSync(cert, files.cert);
      copyFileSync(key, files.key);
    };
    use(first);
    const nc = await open({ servers: [url.replace('nats:', 'tls:')], tls: files });
    const seen: string[] = [];
    void (async () => {
      for await (const status of nc.status()) seen.push(status.type);
    })();
    use(second);
    await nc.reconnect();
    await expect.poll(() => seen).toContain('reconnect');
    nc.publish('of-a');
    await expect.poll(() => seen).toContain('error');
  });

  it('has the JWT of a credentials file; of a user that has expired it reads the next one', async () => {
    const operator = natsOperator();
    const url = await serverOf(operator.config);
    const credsFile = join(newFolder(), 'member.creds');
    writeFileSync(credsFile, operator.creds(Math.ceil(Date.now() / 1_000) + 1));
    let dials = 0;
    const { port } = await startProxy(() => {
      dials += 1;
      return Number(new URL(url).port);
    });
    const nats = await openNats(
      { servers: [`nats://127.0.0.1:${port}`], credsFile, name: 'member 1', refusedMs: 300 },
      'qmp',
    );
    onTestFinished(() => nats.close());
    await nats.ensure('e1', { maxBytes: 1_024 * 1_024, maxAgeMs: 3_600_000, replicas: 1 });
    const seen: string[] = [];
    nats.watch({
      changed: (isConnected) => seen.push(isConnected ? 'back' : 'lost'),
      refused: (what) => seen.push(what),
      rejected: (why) => seen.push(why),
    });
    await expect.poll(() => dials).toBeGreaterThan(5);
    await expect.poll(() => nats.isConnected()).toBe(false);
    // Half a file, as one is that is just being written.
    writeFileSync(credsFile, operator.creds().slice(0, 400));
    const before = dials;
    await expect.poll(() => dials).toBeGreaterThan(before + 3);
    writeFileSync(credsFile, operator.creds());
    await expect.poll(() => nats.isConnected()).toBe(true);
    // In the second of its end the server may let it in, and then not. Nothing is said twice in a row.
    expect(seen[0]).toMatch(/expired/i);
    expect(seen.at(-1)).toBe('back');
    expect(seen.filter((each, index) => each === seen[index - 1])).toEqual([]);
    await nats.ensure('e1', { maxBytes: 1_024 * 1_024, maxAgeMs: 3_600_000, replicas: 1 });
    writeFileSync(credsFile, natsOperator().creds());
    await expect(open({ servers: [url], credsFile })).rejects.toThrow(/authorization/i);
  });

  it('says once what NATS does not allow it, also where nothing is answered', async () => {
    const url = await serverOf(
      'authorization: { users: [{ user: a, password: a, permissions: { publish: { deny: "qmp.cmd.>" } } }] }',
    );
    const nats = await openNats({ servers: [url.replace('//', '//a:a@')], name: 'member 1' }, 'qmp');
    onTestFinished(() => nats.close());
    const refused: string[] = [];
    nats.watch({ changed: () => undefined, refused: (what) => refused.push(what), rejected: () => undefined });
    for (const subject of ['qmp.cmd.a', 'qmp.cmd.a', 'qmp.cmd.b']) nats.bus.publish(subject, {});
    await expect.poll(() => refused.length).toBe(2);
    expect(refused).toEqual([expect.stringContaining('"qmp.cmd.a"'), expect.stringContaining('"qmp.cmd.b"')]);
  });

  it('to tls:// is none where the server has no TLS', async () => {
    const url = await serverOf('');
    await expect(open({ servers: [url.replace('nats:', 'tls:')] })).rejects.toThrow(/tls/i);
    await open({ servers: [url] });
  });
});

it('packages of NATS that are not installed are named', async () => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  await expect(loadNats(() => Promise.reject(missing))).rejects.toThrow('npm install @nats-io/transport-node');
  const other = new Error('another');
  await expect(loadNats(() => Promise.reject(other))).rejects.toBe(other);
});
