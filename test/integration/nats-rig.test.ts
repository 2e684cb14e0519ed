// The NATS server with JetStream that other tests stand on. Three of them, with kills of the leader, are what the chaos of a cluster runs on.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { haveNats, Nats } from '../support/nats.js';

describe.skipIf(!haveNats())('A NATS server for tests', () => {
  it('keeps what it was told over SIGKILL', async () => {
    const nats = await Nats.start();
    onTestFinished(() => nats.close());
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
});
