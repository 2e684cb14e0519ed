// The shared stream, where a server of NATS answers that has a former stream of the same name still.
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { JetStreamStream } from '../../src/nats/stream.js';
import { subjectsOf } from '../../src/nats/subjects.js';

const NOW = '11223344';

const stored = (id: string, seq: number, text: string): unknown => ({
  seq,
  subject: 'qmp.ev.a',
  time: new Date(0),
  header: new Map([['Nats-Msg-Id', id]]),
  string: () => text,
});

/** @param near what a replica has. @param cluster of the stream, as the server that answers knows it. */
function streamOf(near: unknown, cluster: { leader?: string } | undefined = { leader: 'n0' }): JetStreamStream {
  const manager = {
    direct: { getMessage: async () => near },
    streams: {
      getMessage: async () => stored(`${NOW}.writer.1`, 7, 'of the leader'),
      info: async () => ({
        config: { name: 'qmp', description: `qmp-gateway epoch=${NOW}` },
        state: { first_seq: 1, last_seq: 7 },
        cluster,
      }),
    },
  };
  return new JetStreamStream(
    {} as NatsConnection,
    {} as JetStreamClient,
    manager as unknown as JetStreamManager,
    subjectsOf('qmp'),
  );
}

describe('a stream that was made anew', () => {
  it.each([
    ['of it', `${NOW}.writer.1`, 'of the replica'],
    ['of the stream before', 'aabbccdd.writer.1', 'of the leader'],
    ['of a version that does not name the stream', 'writer.1', 'of the replica'],
  ])('where a replica has a message %s', async (_what, id, body) => {
    const stream = streamOf(stored(id, 7, 'of the replica'));
    await stream.state();
    expect(await stream.read(7)).toMatchObject({ body });
    expect(await stream.next('a', 7)).toMatchObject({ body });
  });

  it('a replica that leaves messages out is not believed', async () => {
    const stream = streamOf(stored(`${NOW}.writer.1`, 9, 'of the replica'));
    await stream.state();
    expect(await stream.next('a', 7, ({ seq }) => seq === 7)).toMatchObject({ body: 'of the leader' });
    expect(await stream.next('a', 7, ({ seq }) => seq === 9)).toMatchObject({ body: 'of the replica' });
  });

  it('is not what a server without a leader says, and is where one server is all there is', async () => {
    await expect(streamOf(null, {}).state()).rejects.toThrow('the stream qmp has no leader');
    await expect(streamOf(null, undefined).state()).resolves.toEqual({ epoch: NOW, firstSeq: 1, lastSeq: 7 });
  });
});
