// `cluster status` as a process, on a real server of NATS with members that only answer.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { MemberStatus } from '../../../src/cluster/index.js';
import { run } from '../../support/cli.js';
import { newFolder } from '../../support/folder.js';
import { freePort } from '../../support/free-port.js';
import { type NatsServer, startNats } from '../../support/nats-server.js';
import { have } from '../../support/required.js';

const OWNER: MemberStatus = {
  ...{ v: 1, member: 'rack1:17', role: 'owner', version: '0.2.0', pid: 17, since: '2026-11-29T08:00:00Z' },
  sources: [
    { name: 'vm1', state: 'up', waitingBytes: 0 },
    { name: 'vm2', state: 'down', waitingBytes: 4_096 },
  ],
  edge: null,
};
const EDGE: MemberStatus = {
  ...{ v: 1, member: 'edge1:4', role: 'edge', version: '0.2.0', pid: 4, since: '2026-11-29T08:00:01Z', sources: [] },
  edge: { head: 4_096, lagMs: 2, connections: 3, url: 'http://127.0.0.1:7070/', webhooks: [] },
};

async function ask(url: string, ...more: string[]) {
  const asked = run(['cluster', 'status', '--nats', url, '--utc', ...more]);
  return { code: await asked.exit, out: asked.out(), err: asked.err() };
}

/** A member that answers; it takes a request as members do, which ignore what is no message of theirs. */
async function answer(nc: NatsConnection, cluster: string, texts: readonly string[]): Promise<void> {
  nc.subscribe(`${cluster}.ctl.status`, {
    callback: (_error, request) => {
      if (request.json<{ v: number }>().v === 1) for (const text of texts) request.respond(text);
    },
  });
  await nc.flush();
}

describe.skipIf(!have('nats-server', 'REQUIRE_NATS'))('cluster status', () => {
  let server: NatsServer;
  let nc: NatsConnection;

  beforeAll(async () => {
    server = await startNats('server_name: n1');
    nc = await connect({ servers: server.url });
    const { streams } = await jetstreamManager(nc);
    for (const name of ['qmp', 'empty']) await streams.add({ name, subjects: [`${name}.ev.>`] });
    for (const text of ['a', 'b']) await jetstream(nc).publish('qmp.ev.vm1', text);
    await answer(nc, 'qmp', [JSON.stringify(EDGE), 'what?', JSON.stringify(OWNER)]);
  });
  afterAll(async () => {
    await nc?.close();
    await server?.stop();
  });

  it('prints owners with their sources, edges, and the stream', async () => {
    const { code, out, err } = await ask(server.url);
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n').map((line) => line.replace(/\d+ B/, 'N B'))).toEqual([
      'OWNER     SOURCE  STATE  WAITING   VERSION  SINCE',
      'rack1:17  vm1     up     N B       0.2.0    2026-11-29 08:00:00Z',
      'rack1:17  vm2     down   4.00 KiB  0.2.0    2026-11-29 08:00:00Z',
      '',
      'EDGE     HEAD  LAG   CONNECTIONS  URL                     VERSION  SINCE',
      'edge1:4  4096  2 ms  3            http://127.0.0.1:7070/  0.2.0    2026-11-29 08:00:01Z',
      '',
      expect.stringMatching(/^STREAM +MESSAGES +SIZE +FIRST +LAST +LEADER +REPLICAS$/),
      expect.stringMatching(/^qmp +2 +N B +1 +2 +n1 +none$/),
      '',
    ]);
  });

  it('prints one JSON object for programs', async () => {
    const { code, out } = await ask(server.url, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      cluster: 'qmp',
      members: [EDGE, OWNER],
      stream: {
        ...{ name: 'qmp', messages: 2, bytes: expect.any(Number), first: 1, last: 2, leader: 'n1', replicas: [] },
        ...{ version: expect.stringMatching(/^2\.\d+\.\d+/), isFenced: true },
      },
    });
  });

  it('takes the settings of a member, from its file or the environment', async () => {
    const file = join(newFolder(), 'gateway.yaml');
    writeFileSync(file, `nats: ${server.url}\nrole: edge\ncluster: qmp\nlisten: fd:3\ntokens: not-readable\n`);
    const byFile = run(['cluster', 'status', '--config', file, '--json']);
    expect([await byFile.exit, byFile.err()]).toEqual([0, '']);
    const byVariable = run(['cluster', 'status'], undefined, { QMP_GATEWAY_NATS: server.url });
    expect(await byVariable.exit).toBe(0);
    const nowhere = run(['cluster', 'status']);
    expect(await nowhere.exit).toBe(2);
    expect(nowhere.err()).toContain('which cluster? --nats');
  });

  it('shows a stream whose members do not answer, and exits with 1', async () => {
    const { code, out, err } = await ask(server.url, '--cluster', 'empty', '--wait', '100ms');
    expect(code).toBe(1);
    expect(out).toMatch(/^no owner answers\n\nno edge answers\n\nSTREAM .*\nempty +0 +0 B +\d+ +0 +n1 +none\n$/);
    expect(err).toContain('no member of the cluster empty answers within 100 ms');
  });

  it('says that there is no such stream, no JetStream, or no server', async () => {
    const missing = await ask(server.url, '--cluster', 'other');
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/^qmp-gateway: NATS at nats:\S+ has no stream other: .*\n {2}hint: /);
    const nobody = await ask(`nats://me:of-mine@127.0.0.1:${await freePort()}`);
    expect(nobody.code).toBe(4);
    expect(nobody.err).toMatch(/^qmp-gateway: no server of NATS at nats:\/\/127\.0\.0\.1:\d+: .*\n$/);
    expect(nobody.err).not.toContain('of-mine');
    const config =
      'accounts: { A: { users: [{ user: a, password: a }] }, B: { jetstream: enabled, users: [{ user: b, password: b }] } }';
    const plain = await startNats(config);
    onTestFinished(plain.stop);
    const none = await ask(plain.url.replace('//', '//a:a@'));
    expect([none.code, none.err]).toEqual([
      1,
      expect.stringMatching(/^qmp-gateway: NATS at \S+ has no JetStream that answers: /),
    ]);
    const wrong = await ask(plain.url.replace('//', '//a:b@'));
    expect([wrong.code, wrong.err]).toEqual([
      1,
      expect.stringMatching(/^qmp-gateway: NATS at \S+ refuses: Authorization /i),
    ]);
  });

  it('needs no more than the permissions of the page, and says which user lacks them', async () => {
    const page = /```conf\n([\s\S]*?)```/.exec(readFileSync('docs/CLUSTER.md', 'utf8'))?.[1] ?? '';
    const words = { OWNER_PASSWORD: 'of-owners', EDGE_PASSWORD: 'of-edges', STATUS_PASSWORD: 'of@status' };
    const strict = await startNats(page, words);
    onTestFinished(strict.stop);
    const owner = await connect({ servers: strict.url, user: 'owner', pass: words.OWNER_PASSWORD });
    onTestFinished(() => owner.close());
    await (await jetstreamManager(owner)).streams.add({ name: 'qmp', subjects: ['qmp.ev.>'] });
    await answer(owner, 'qmp', [JSON.stringify(OWNER)]);
    const edge = await connect({ servers: strict.url, user: 'edge', pass: words.EDGE_PASSWORD });
    onTestFinished(() => edge.close());
    await answer(edge, 'qmp', [JSON.stringify(EDGE)]);
    const asked = await ask(strict.url.replace('//', '//status:of%40status@'), '--json');
    expect([asked.code, asked.err]).toEqual([0, '']);
    expect(JSON.parse(asked.out)).toMatchObject({ members: [EDGE, OWNER], stream: { name: 'qmp' } });
    const other = await ask(strict.url.replace('//', '//edge:of-edges@'));
    expect(other.code).toBe(1);
    expect(other.err).toMatch(/^qmp-gateway: NATS at \S+ refuses: .*\n {2}hint: .*docs\/CLUSTER\.md/);
  });
});
