// One webhook in the settings of two edges, over a real NATS server with the permissions of docs/CLUSTER.md: one of them posts it, and the other goes on when that one ends, or is killed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Tuning } from '../../../src/app.js';
import { type Simulator, startSimulator } from '../../../src/simulator/index.js';
import { allUp, startApp, type TestApp } from '../../support/app.js';
import { type Run, run } from '../../support/cli.js';
import { newFolder } from '../../support/folder.js';
import { NATS_PASSWORDS, NATS_PERMISSIONS } from '../../support/nats-permissions.js';
import { startNats } from '../../support/nats-server.js';
import { openReceiver, type Received, type Receiver } from '../../support/receiver.js';
import { have } from '../../support/required.js';
import { metric } from '../stream/support.js';

const FAST = { ttlMs: 600, holdMs: 100, retryMs: 20 };

interface Cluster {
  receiver: Receiver;
  /** Settings of an edge. */
  flags: (member: string) => { nats: string; cluster: string; member: string; role: string; config: string };
  /** @param member its webhook is the one of every other. */
  edge(member: string): Promise<TestApp>;
  /** Jobs that end at once. */
  settle(...ids: string[]): void;
}

async function openCluster(tuning: Partial<Tuning>, permissions = NATS_PERMISSIONS): Promise<Cluster> {
  const nats = await startNats(permissions, NATS_PASSWORDS);
  onTestFinished(nats.stop);
  const folder = newFolder();
  const path = join(folder, 'vm1.sock');
  const sim: Simulator = await startSimulator({ listen: { path } });
  onTestFinished(() => sim.close());
  const receiver = await openReceiver();
  const config = join(folder, 'edge.yaml');
  const hook = { name: 'a.hook', url: receiver.url, secret: 'a-secret-that-nobody-logs', allowPrivate: true };
  // YAML takes JSON.
  writeFileSync(config, JSON.stringify({ webhooks: [hook] }));
  const of = (member: string, role: 'owner' | 'edge') => {
    const password = { owner: NATS_PASSWORDS.OWNER_PASSWORD, edge: NATS_PASSWORDS.EDGE_PASSWORD }[role];
    return { nats: nats.url.replace('//', `//${role}:${password}@`), cluster: 'qmp', member, role };
  };
  await startApp({ vm1: `unix:${path}` }, tuning, { ...of('o1', 'owner'), listen: undefined });
  const flags = (member: string) => ({ ...of(member, 'edge'), config });
  return {
    receiver,
    flags,
    edge: async (member) => {
      const app = await startApp({}, tuning, flags(member));
      const wire = await app.wire();
      await expect.poll(async () => (await wire.call('source.list', {})).sources).toHaveLength(1);
      await allUp(wire);
      return app;
    },
    settle: (...ids) => {
      for (const id of ids) sim.jobs.start({ id, type: 'backup', len: 1_024, bytesPerSecond: 1_048_576 });
    },
  };
}

/** An edge as a process, which posts the webhook. */
async function holderOf(flags: ReturnType<Cluster['flags']>): Promise<Run> {
  const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const edge = run(['serve', '--listen', '127.0.0.1:0', ...given]);
  await edge.said('this member posts the webhook');
  return edge;
}

const idOf = ({ body }: Received): string => body.event?.job?.id ?? JSON.stringify(body);
const idsOf = ({ received }: Receiver): string[] => received.map(idOf);

const posts = (app: TestApp): Promise<number> =>
  metric(app.url, 'qmp_gateway_webhook_deliveries_total{webhook="a.hook",result="ok"}');

describe.skipIf(!have('nats-server', 'REQUIRE_NATS'))('a webhook in the settings of two edges', () => {
  it('is posted by one of them, and by the other once that one has closed: each settlement once', async () => {
    const { receiver, edge, settle } = await openCluster({ cluster: FAST });
    const [one, two] = [await edge('e1'), await edge('e2')];
    settle('j0', 'j1', 'j2');
    await expect.poll(() => idsOf(receiver).toSorted()).toEqual(['j0', 'j1', 'j2']);
    await expect.poll(async () => (await posts(one)) + (await posts(two))).toBe(3);
    const [holder, standby] = (await posts(one)) > 0 ? [one, two] : [two, one];
    expect(await posts(standby)).toBe(0);
    expect(await metric(standby.url, 'qmp_gateway_webhook_lag_seconds{webhook="a.hook"}')).toBe(0);
    expect(await metric(standby.url, 'qmp_gateway_webhook_posting{webhook="a.hook"}')).toBe(0);
    await holder.close();
    settle('j3', 'j4');
    await expect.poll(() => idsOf(receiver).toSorted()).toEqual(['j0', 'j1', 'j2', 'j3', 'j4']);
    expect(await posts(standby)).toBe(2);
  });

  it('is posted no more by one that stood still, once it has seen that another does', async () => {
    const { receiver, flags, edge, settle } = await openCluster({});
    const first = await holderOf(flags('e1'));
    await edge('e2');
    settle('j0');
    await expect.poll(() => idsOf(receiver)).toEqual(['j0']);
    first.child.kill('SIGSTOP');
    settle('j1');
    await expect.poll(() => idsOf(receiver)).toContain('j1');
    first.child.kill('SIGCONT');
    await first.said('another member posts the webhook, or may');
    settle('j2');
    settle('j3');
    await expect
      .poll(() =>
        idsOf(receiver)
          .filter((id) => id === 'j2' || id === 'j3')
          .toSorted(),
      )
      .toEqual(['j2', 'j3']);
  });

  it('is taken over from one that is killed: what that one had not delivered is posted, and what comes meanwhile', async () => {
    const { receiver, flags, edge, settle } = await openCluster({});
    const first = await holderOf(flags('e1'));
    const second = await edge('e2');
    settle('j0');
    await expect.poll(() => idsOf(receiver)).toEqual(['j0']);
    // It gets no answer to this one.
    receiver.answers.push(() => void first.child.kill('SIGKILL'));
    settle('j1');
    await first.exit;
    receiver.received.length = 0;
    settle('j2', 'j3');
    // The position that had been saved may be older than the first of them.
    const others = (): Set<string> => new Set(idsOf(receiver).filter((id) => id !== 'j0'));
    await expect.poll(others).toEqual(new Set(['j1', 'j2', 'j3']));
    expect(await posts(second)).toBeGreaterThanOrEqual(3);
  });

  it('waits where no owner may make its buckets, and owners and edges do the rest of their work', async () => {
    const permissions = NATS_PERMISSIONS.replaceAll('STREAM.CREATE.KV_qmp_webhook', 'STREAM.CREATE.KV_other');
    const { receiver, edge, settle } = await openCluster({ cluster: FAST }, permissions);
    const wire = await (await edge('e1')).wire();
    await wire.call('subscribe', {});
    settle('j0');
    await wire.typed('GATEWAY_JOB_SETTLED', 'j0');
    expect(receiver.received).toEqual([]);
  });
});
