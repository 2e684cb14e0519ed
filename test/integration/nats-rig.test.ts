// The servers that other tests and programs stand on: NATS with JetStream, one or three.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { haveNats, Nats } from '../support/nats.js';

async function rig(count: 1 | 3): Promise<Nats> {
  const nats = await Nats.start(count);
  onTestFinished(() => nats.close());
  return nats;
}

describe.skipIf(!haveNats())('NATS servers for tests', () => {
  it('keep what one of them was told over SIGKILL', async () => {
    const nats = await rig(1);
    const client = await nats.connect();
    onTestFinished(() => client.close());
    const manager = await jetstreamManager(client);
    await manager.streams.add({ name: 'kept', subjects: ['kept.>'] });
    await jetstream(client).publish('kept.a', 'x');
    await nats.kill(0);
    nats.restart(0);
    const messages = async (): Promise<number | undefined> =>
      (await manager.streams.info('kept').catch(() => undefined))?.state.messages;
    await expect.poll(messages).toBe(1);
  });

  it('choose another leader when that of a stream is killed, and take the killed one back', async () => {
    const nats = await rig(3);
    const client = await nats.connect();
    onTestFinished(() => client.close());
    const manager = await jetstreamManager(client, { timeout: 2_000 });
    await manager.streams.add({ name: 'three', subjects: ['three.>'], num_replicas: 3 });
    const first = await nats.leader('three');
    if (first === undefined) throw new Error('no leader');
    await nats.kill(first);
    expect(nats.live).toHaveLength(2);
    await expect
      .poll(() => nats.leader('three'), { timeout: 15_000 })
      .toSatisfy((node) => ![first, undefined].includes(node));
    nats.restart(first);
    const lag = async (): Promise<number | undefined> => {
      const info = await manager.streams.info('three').catch(() => undefined);
      return info?.cluster?.replicas?.filter(({ current, offline }) => current && !offline).length;
    };
    await expect.poll(lag, { timeout: 15_000 }).toBe(2);
  });
});
