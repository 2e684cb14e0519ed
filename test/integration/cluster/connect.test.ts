// How a member is known to NATS, on real servers.
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectNats, loadNats, type NatsServers, openNats } from '../../../src/nats/index.js';
import { authority } from '../../support/authority.js';
import { startNats } from '../../support/nats-server.js';
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
    const [caText, cert, key] = [ca, member.cert, member.key].map((file) => readFileSync(file, 'utf8'));
    const nc = await open({ servers: [url.replace('nats:', 'tls:')], tls: { ca: caText, cert, key } });
    await nc.flush();
    await expect(open({ servers: [url], tls: { ca: caText } })).rejects.toThrow();
    await expect(open({ servers: [url], tls: { cert, key } })).rejects.toThrow(/self-signed|unable to/);
  });

  it('says once what NATS does not allow it, also where nothing is answered', async () => {
    const url = await serverOf(
      'authorization: { users: [{ user: a, password: a, permissions: { publish: { deny: "qmp.cmd.>" } } }] }',
    );
    const nats = await openNats({ servers: [url.replace('//', '//a:a@')], name: 'member 1' }, 'qmp');
    onTestFinished(() => nats.close());
    const refused: string[] = [];
    nats.watch({ changed: () => undefined, refused: (what) => refused.push(what) });
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
