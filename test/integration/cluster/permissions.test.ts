// The configuration of docs/CLUSTER.md on a real server: what each role can do, and what NATS refuses it.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { connect, type Msg, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNats } from '../../../src/nats/index.js';
import { NATS_PASSWORDS, NATS_PERMISSIONS } from '../../support/nats-permissions.js';
import { type NatsServer, startNats } from '../../support/nats-server.js';
import { have } from '../../support/required.js';

const OF: Record<string, string> = {
  owner: NATS_PASSWORDS.OWNER_PASSWORD,
  'owner-vm1': NATS_PASSWORDS.OWNER_PASSWORD,
  edge: NATS_PASSWORDS.EDGE_PASSWORD,
  status: NATS_PASSWORDS.STATUS_PASSWORD,
};

/** A handler that answers each request. */
const answer =
  (textOf: (request: string) => string) =>
  (_error: Error | null, each: Msg): void => {
    each.respond(textOf(each.string()));
  };

describe.skipIf(!have('nats-server', 'REQUIRE_NATS'))('with the permissions of the page', () => {
  let server: NatsServer;
  const connections = new Map<string, NatsConnection>();
  const refused = new Map<string, string[]>();

  /** The connection of a user; a second name for it is another connection. */
  function as(name: string): NatsConnection {
    const found = connections.get(name);
    if (!found) throw new Error(`nobody is ${name}`);
    return found;
  }

  async function enter(name: string): Promise<void> {
    const user = name.replace(/ .*/, '');
    const inboxPrefix = user === 'status' ? '_INBOX_status' : '_INBOX';
    const nc = await connect({ servers: server.url, user, pass: OF[user] as string, inboxPrefix, reconnect: false });
    const seen: string[] = [];
    connections.set(name, nc);
    refused.set(name, seen);
    void (async () => {
      for await (const status of nc.status())
        if (status.type === 'error' && status.error instanceof PermissionViolationError)
          seen.push(`${status.error.operation} ${status.error.subject}`);
    })();
  }

  beforeAll(async () => {
    server = await startNats(NATS_PERMISSIONS, NATS_PASSWORDS);
    for (const name of ['owner', 'owner 2', 'owner-vm1', 'edge', 'edge 2', 'status']) await enter(name);
    const streams = (await jetstreamManager(as('owner'))).streams;
    await streams.add({
      name: 'qmp',
      description: 'qmp-gateway epoch=aabbccdd',
      subjects: ['qmp.ev.>'],
      allow_direct: true,
      republish: { src: 'qmp.ev.>', dest: 'qmp.live.>' },
    });
    await new Kvm(as('owner')).create('qmp_owners', { ttl: 3_000 });
    for (const name of ['owner', 'owner-vm1']) await openWebhooks(name);
  });

  afterAll(async () => {
    for (const nc of connections.values()) await nc.close();
    await server?.stop();
  });

  /** As a member opens them. */
  async function openWebhooks(name: string): Promise<{ positions: KV; locks: KV }> {
    const kvm = new Kvm(jetstream(as(name), { checkAPI: false }));
    const locks = await kvm.create('qmp_webhook_locks', { ttl: 3_000, allow_direct: false });
    return { locks, positions: await kvm.create('qmp_webhooks', { allow_direct: false }) };
  }

  const stream = async (bucket = 'qmp') => (await jetstreamManager(as('owner'))).streams.info(bucket);

  async function isRefused(name: string, what: string): Promise<void> {
    await as(name).flush();
    await expect.poll(() => refused.get(name)).toContain(what);
  }

  describe('an owner', () => {
    it('appends events, fenced, and reads them again', async () => {
      const ack = await jetstream(as('owner')).publish('qmp.ev.vm9', 'a', { expect: { lastSubjectSequence: 0 } });
      await expect(
        jetstream(as('owner')).publish('qmp.ev.vm9', 'b', { expect: { lastSubjectSequence: 0 } }),
      ).rejects.toThrow(/wrong last sequence/);
      const manager = await jetstreamManager(as('owner'));
      const read = await manager.direct.getMessage('qmp', { seq: ack.seq });
      expect([read?.subject, read?.string()]).toEqual(['qmp.ev.vm9', 'a']);
    });

    it('locks a source in the bucket, renews the lock, and lets it go', async () => {
      const bucket = await new Kvm(as('owner 2')).create('qmp_owners', { ttl: 3_000 });
      const revision = await bucket.create('vm9', 'owner');
      await expect(bucket.create('vm9', 'another')).rejects.toThrow();
      await bucket.update('vm9', 'owner', revision);
      expect((await bucket.get('vm9'))?.string()).toBe('owner');
      await bucket.delete('vm9');
      expect((await bucket.get('vm9'))?.operation).toBe('DEL');
    });

    it('of one source gets its commands, appends its events and holds its lock', async () => {
      const commands = as('owner-vm1').subscribe('qmp.cmd.vm1', { callback: answer(() => 'done') });
      await as('owner-vm1').flush();
      expect((await as('edge').request('qmp.cmd.vm1', 'abort')).string()).toBe('done');
      commands.unsubscribe();
      expect(await jetstream(as('owner-vm1')).publish('qmp.ev.vm1', 'x')).toMatchObject({ stream: 'qmp' });
      const bucket = await new Kvm(as('owner-vm1')).create('qmp_owners', { ttl: 3_000 });
      await bucket.create('vm1', 'owner-vm1');
      expect((await bucket.get('vm1'))?.string()).toBe('owner-vm1');
    });

    it('of one source gets no other’s commands, appends no other’s events and holds no other’s lock', async () => {
      const name = 'owner-vm1';
      for (const subject of ['qmp.cmd.vm2', 'qmp.cmd.>']) {
        as(name).subscribe(subject, { callback: () => undefined });
        await isRefused(name, `subscription ${subject}`);
      }
      for (const subject of ['qmp.ev.vm2', 'qmp.progress.vm2', '$KV.qmp_owners.vm2']) {
        as(name).publish(subject, 'x');
        await isRefused(name, `publish ${subject}`);
      }
    });

    it('can neither delete nor purge nor change the stream, nor send commands', async () => {
      for (const subject of ['DELETE.qmp', 'PURGE.qmp', 'UPDATE.qmp', 'MSG.DELETE.qmp', 'DELETE.KV_qmp_owners']) {
        as('owner').publish(`$JS.API.STREAM.${subject}`, '{}');
        await isRefused('owner', `publish $JS.API.STREAM.${subject}`);
      }
      as('owner').publish('qmp.cmd.vm2', 'x');
      await isRefused('owner', 'publish qmp.cmd.vm2');
    });

    it('hears that it may not give the stream another epoch', async () => {
      const url = server.url.replace('//', `//owner:${OF.owner}@`);
      const nats = await openNats({ servers: [url], name: 'o1' }, 'qmp');
      expect(await nats.stream.renew('aabbccdd')).toBe('forbidden');
      await nats.close();
    });
  });

  describe('an edge', () => {
    it('sees events and progress as they come', async () => {
      const seen: string[] = [];
      for (const subject of ['qmp.live.>', 'qmp.progress.>'])
        as('edge').subscribe(subject, {
          callback: (_error, each) => void seen.push(`${each.subject} ${each.headers?.get('Nats-Sequence') ?? '-'}`),
        });
      await as('edge').flush();
      const { seq } = await jetstream(as('owner')).publish('qmp.ev.vm3', 'x');
      as('owner').publish('qmp.progress.vm3', 'x');
      await expect.poll(() => seen.toSorted()).toEqual([`qmp.live.vm3 ${seq}`, 'qmp.progress.vm3 -']);
    });

    it('reads the stream: what it is, and messages by number and by source, many at once', async () => {
      const { seq } = await jetstream(as('owner')).publish('qmp.ev.vm4', 'first');
      for (let n = 0; n < 99; n += 1) await jetstream(as('owner')).publish('qmp.ev.vm4', `${n}`);
      const manager = await jetstreamManager(as('edge'), { checkAPI: false });
      expect((await manager.streams.info('qmp')).config.name).toBe('qmp');
      const direct = await manager.direct.getMessage('qmp', { seq });
      const last = await manager.direct.getMessage('qmp', { last_by_subj: 'qmp.ev.vm4' });
      const next = await manager.direct.getMessage('qmp', { seq: 1, next_by_subj: 'qmp.ev.vm4' });
      const copy = await manager.streams.getMessage('qmp', { seq });
      expect([direct, last, next, copy].map((each) => each?.string())).toEqual(['first', '98', 'first', 'first']);
      const all = await Promise.all(
        Array.from({ length: 100 }, (_, at) => manager.direct.getMessage('qmp', { seq: seq + at })),
      );
      expect([all[0]?.string(), all[99]?.string()]).toEqual(['first', '98']);
    });

    it('sends commands, and says who is gone and which progress it wants', async () => {
      const seen: string[] = [];
      const commands = as('owner').subscribe('qmp.cmd.>', {
        callback: answer((text) => `done ${text}`),
      });
      for (const owner of ['owner', 'owner 2'])
        as(owner).subscribe('qmp.ctl.*', { callback: (_error, each) => void seen.push(`${owner} ${each.subject}`) });
      for (const owner of ['owner', 'owner 2']) await as(owner).flush();
      expect((await as('edge').request('qmp.cmd.vm5', 'pause')).string()).toBe('done pause');
      for (const subject of ['qmp.ctl.gone', 'qmp.ctl.demand']) as('edge').publish(subject, '{}');
      await expect.poll(() => seen).toHaveLength(4);
      commands.unsubscribe();
    });

    it('can append no events, neither by publishing nor by having the server answer there', async () => {
      const before = (await stream()).state.messages;
      const buckets = (await stream('KV_qmp_owners')).state.last_seq;
      for (const subject of ['qmp.ev.vm6', 'qmp.progress.vm6', 'qmp.live.vm6', '$KV.qmp_owners.vm6']) {
        as('edge').publish(subject, 'x');
        await isRefused('edge', `publish ${subject}`);
      }
      const echo = as('owner').subscribe('qmp.cmd.vm6', { callback: answer(() => 'x') });
      await as('owner').flush();
      for (const reply of ['qmp.ev.vm6', '$KV.qmp_owners.vm6']) {
        for (const request of ['DIRECT.GET.qmp', 'STREAM.MSG.GET.qmp', 'STREAM.MSG.GET.KV_qmp_webhooks'])
          as('edge').publish(`$JS.API.${request}`, JSON.stringify({ seq: 1 }), { reply });
        as('edge').publish('$KV.qmp_webhooks.other', 'x', { reply });
        as('edge').publish('qmp.cmd.vm6', 'x', { reply });
      }
      as('edge').publish('$JS.API.CONSUMER.CREATE.qmp', '{}');
      await isRefused('edge', 'publish $JS.API.CONSUMER.CREATE.qmp');
      // The server has handled all that was sent before an answer to what was sent later.
      expect((await as('edge').request('qmp.cmd.vm6', 'last')).string()).toBe('x');
      expect((await stream()).state.messages).toBe(before);
      expect((await stream('KV_qmp_owners')).state.last_seq).toBe(buckets);
      echo.unsubscribe();
    });

    it('locks a webhook, and replaces its position unless another edge has', async () => {
      const [one, two] = [await openWebhooks('edge'), await openWebhooks('edge 2')];
      const lock = await one.locks.create('w', 'edge');
      await expect(two.locks.create('w', 'edge 2')).rejects.toThrow();
      const renewed = await one.locks.update('w', 'edge', lock);
      const first = await one.positions.create('w', 'e:1');
      const read = await two.positions.get('w');
      expect([read?.string(), read?.revision]).toEqual(['e:1', first]);
      await two.positions.update('w', 'e:2', first);
      await expect(one.positions.update('w', 'e:3', first)).rejects.toThrow(/wrong last sequence/);
      await one.locks.delete('w', { previousSeq: renewed });
      await two.locks.create('w', 'edge 2');
    });

    it('sees no commands of other edges', async () => {
      as('edge 2').subscribe('qmp.cmd.>', { callback: () => undefined });
      await isRefused('edge 2', 'subscription qmp.cmd.>');
      as('edge 2').subscribe('>', { callback: () => undefined });
      await isRefused('edge 2', 'subscription >');
    });

    it('can change neither the stream nor the buckets', async () => {
      for (const what of [
        'DELETE.qmp',
        'PURGE.qmp',
        'UPDATE.qmp',
        'CREATE.other',
        'MSG.DELETE.qmp',
        'INFO.KV_qmp_owners',
        'CREATE.KV_qmp_webhooks',
        'UPDATE.KV_qmp_webhooks',
        'DELETE.KV_qmp_webhook_locks',
        'PURGE.KV_qmp_webhooks',
      ]) {
        as('edge').publish(`$JS.API.STREAM.${what}`, '{}');
        await isRefused('edge', `publish $JS.API.STREAM.${what}`);
      }
    });
  });

  it('owners say to edges which sources they hold, and edges say it to nobody', async () => {
    const held: string[] = [];
    for (const name of ['edge', 'owner 2'])
      as(name).subscribe('qmp.ctl.hold', { callback: (_error, each) => void held.push(`${name} ${each.string()}`) });
    for (const name of ['edge', 'owner 2']) await as(name).flush();
    as('edge').publish('qmp.ctl.hold', 'of an edge');
    await isRefused('edge', 'publish qmp.ctl.hold');
    as('owner').publish('qmp.ctl.hold', 'x');
    await expect.poll(() => held.toSorted()).toEqual(['edge x', 'owner 2 x']);
  });

  describe('the status', () => {
    it('is answered by every member, and reads how the stream is', async () => {
      for (const name of ['owner', 'owner-vm1', 'edge', 'edge 2'])
        as(name).subscribe('qmp.ctl.status', { callback: answer(() => name) });
      for (const name of ['owner', 'owner-vm1', 'edge', 'edge 2']) await as(name).flush();
      const answers: string[] = [];
      for await (const each of await as('status').requestMany('qmp.ctl.status', '', {
        strategy: 'count',
        maxMessages: 4,
      }))
        answers.push(each.string());
      expect(answers.toSorted()).toEqual(['edge', 'edge 2', 'owner', 'owner-vm1']);
      const manager = await jetstreamManager(as('status'), { checkAPI: false });
      expect((await manager.streams.info('qmp')).config.name).toBe('qmp');
    });

    it('sends and reads nothing else', async () => {
      for (const subject of ['qmp.cmd.vm1', 'qmp.ctl.gone', 'qmp.js.DIRECT.GET', 'qmp.ev.vm1']) {
        as('status').publish(subject, '{}');
        await isRefused('status', `publish ${subject}`);
      }
      for (const subject of ['qmp.live.>', 'qmp.cmd.>', '_INBOX.>']) {
        as('status').subscribe(subject, { callback: () => undefined });
        await isRefused('status', `subscription ${subject}`);
      }
    });
  });
});
