// An owner and an edge over NATS, a client with a JWT, and a process that has taken the edge's place at NATS.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CommandReplied, CommandRequest } from '../../../src/cluster/words.js';
import type { ConfigInput } from '../../../src/config/index.js';
import { startApp, type TestApp } from '../../support/app.js';
import { newFolder } from '../../support/folder.js';
import { FOREIGN, issueJwt, JWT_SETTINGS } from '../../support/jwt.js';
import { type NatsServer, startNats } from '../../support/nats-server.js';
import { have } from '../../support/required.js';
import { connectWire, type Wire } from '../../support/wire.js';
import { openSims } from '../stream/support.js';

interface Cluster {
  owner: TestApp;
  /** A client of the edge with that token. */
  client(token: string): Promise<Wire>;
  /** What the owner says to a request that no edge has made. */
  forge(request: Partial<CommandRequest>): Promise<unknown>;
  /** Jobs of vm1 that were cancelled. */
  cancels(): number;
}

const tokenOf = (sub: string, control: string[], more: Parameters<typeof issueJwt>[3] = {}): Promise<string> =>
  issueJwt(Date.now(), sub, { control }, more);

describe.skipIf(!have('nats-server', 'REQUIRE_NATS'))('an owner with the keys of an issuer', () => {
  let server: NatsServer;
  let nc: NatsConnection;

  beforeAll(async () => {
    server = await startNats();
    nc = await connect({ servers: server.url });
  });
  afterAll(async () => {
    await nc?.close();
    await server?.stop();
  });

  async function openCluster(cluster: string, ofOwner: ConfigInput = {}): Promise<Cluster> {
    const key = join(newFolder(), 'issuer.pem');
    writeFileSync(key, JWT_SETTINGS.keys.text);
    const { issuer: jwtIssuer, audience: jwtAudience } = JWT_SETTINGS;
    const shared = { nats: [server.url], cluster, jwtKey: key, jwtIssuer, jwtAudience };
    const { sims, paths } = await openSims('vm1', 'vm2');
    for (const sim of Object.values(sims)) sim.jobs.start({ id: 'drive0', type: 'mirror', bytesPerSecond: 1 });
    const alone = { listen: undefined, metricsListen: '127.0.0.1:0', role: 'owner', member: 'rack1' };
    const owner = await startApp(paths, {}, { ...shared, ...alone, ...ofOwner });
    const edge = await startApp({}, {}, { ...shared, role: 'edge', member: 'edge1' });
    return {
      owner,
      client: async (token) => {
        const wire = await connectWire(edge.url, { authorization: `Bearer ${token}` });
        onTestFinished(() => wire.close());
        return wire;
      },
      forge: async (request) => {
        const params = { source: 'vm1', job: 'drive0' };
        const body = { v: 1, id: `forged ${Math.random()}`, method: 'job.abort', params, by: 'ann', leftMs: 5_000 };
        const reply = await nc.request(`${cluster}.cmd.vm1`, JSON.stringify({ ...body, ...request }), {
          timeout: 6_000,
        });
        const { answer } = reply.json<CommandReplied>();
        return answer.ok ? 'ok' : answer.error.reason;
      },
      cancels: () => (sims.vm1?.record ?? []).filter(({ event }) => event === 'BLOCK_JOB_CANCELLED').length,
    };
  }

  /** Resolves when the edge has its source from the stream. */
  const isUp = (wire: Wire): Promise<unknown> =>
    expect
      .poll(async () => (await wire.call('source.list', {})).sources.map(({ state }) => state), { timeout: 10_000 })
      .toEqual(['up']);

  const aborted = async (wire: Wire, source: string): Promise<unknown> => {
    const { result, error } = await wire.ask('job.abort', { source, job: 'drive0', sync: true });
    return result ? (result as { status: string }).status : error?.data?.reason;
  };

  it('carries out what a token grants, and nothing that an edge only says', async () => {
    const { client, forge, owner, cancels } = await openCluster('believed');
    const ann = await client(await tokenOf('ann', ['vm1']));
    await isUp(ann);
    expect(await forge({ token: await tokenOf('ann', ['*'], { key: FOREIGN }) })).toBe('UNAUTHENTICATED');
    expect(await forge({ token: await tokenOf('ann', ['vm1']), by: 'root' })).toBe('UNAUTHENTICATED');
    expect(await forge({ token: await issueJwt(Date.now(), 'ann', { read: ['vm1'] }) })).toBe('FORBIDDEN');
    expect(cancels()).toBe(0);
    expect(await aborted(ann, 'vm2')).toBe('SOURCE_NOT_FOUND');
    expect(await aborted(ann, 'vm1')).toBe('settled');
    expect(cancels()).toBe(1);
    const { sources } = await ann.call('source.list', {});
    expect(sources).toMatchObject([{ name: 'vm1', state: 'up', owner: 'rack1' }]);
    const admin = await issueJwt(Date.now(), 'admin', {}, { qmp: { metrics: true } });
    const metrics = await fetch(`${owner.metricsUrl}metrics`, { headers: { authorization: `Bearer ${admin}` } });
    const lines = (await metrics.text()).split('\n');
    expect(lines).toContain('qmp_gateway_cluster_sources{state="owned"} 2');
    expect(lines).toContain('qmp_gateway_cluster_takeovers_total 0');
    expect(lines).not.toContain('qmp_gateway_cluster_append_duration_seconds_count 0');
    expect(lines.filter((line) => line.startsWith('qmp_gateway_cluster_fold'))).toEqual([]);
  });

  it('that requires one does nothing for who has none', async () => {
    const { client, forge, cancels } = await openCluster('strict', { requireJwt: true });
    const ann = await client(await tokenOf('ann', ['vm1']));
    await isUp(ann);
    expect(await forge({})).toBe('UNAUTHENTICATED');
    expect(cancels()).toBe(0);
    expect(await aborted(ann, 'vm1')).toBe('settled');
  });
});
