// How fast an owner writes: all monitors send at once, and the clock stops when the stream has passed on the last event. NATS may lose what it passes
// on; such a round is left out, and told.
import { connect } from '@nats-io/transport-node';
import { cpuOf, Rig, until } from '../processes.js';
import { add } from '../samples.js';

/** Within the buffers of a source, so that nothing is dropped. */
const EVENTS = 20_000;

export async function append({ rounds }) {
  const figures = {};
  for (const servers of [1, 3])
    for (const sources of [1, 20]) {
      const rig = new Rig();
      try {
        const monitors = await rig.load('monitors.js', rig.folder, sources);
        await rig.nats(servers);
        const owner = await rig.owner('o1', ...rig.sources(sources));
        const edge = await rig.edge('e1');
        await rig.isUp(edge, sources);
        const [event, written, messages] = [Buffer.from('"BLOCK_WRITE_THRESHOLD"'), [0], [0]];
        const client = await connect({ servers: rig.nodes.map(({ url }) => url) });
        client.subscribe('qmp.live.*', {
          callback: (_error, { data }) => {
            const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
            for (let at = bytes.indexOf(event); at >= 0; at = bytes.indexOf(event, at + event.length)) written[0] += 1;
            messages[0] += 1;
          },
        });
        for (let round = -1; round < rounds; round += 1) {
          [written[0], messages[0]] = [0, 0];
          const [cpu, began] = [cpuOf(owner.pid), performance.now()];
          await monitors('burst', { events: EVENTS / sources });
          const isWhole = await until('the stream', () => written[0] >= EVENTS, 20_000).catch(() => false);
          if (!isWhole)
            console.error(`${sources} sources, ${servers} NATS: ${written[0]} of ${EVENTS} events were seen`);
          const seconds = (performance.now() - began) / 1_000;
          if (round < 0 || !isWhole) continue;
          add(figures, [`${sources} ${sources === 1 ? 'source' : 'sources'}, ${servers} NATS`], {
            perSecond: EVENTS / seconds,
            perCpuSecond: EVENTS / (cpuOf(owner.pid) - cpu),
            entriesAMessage: EVENTS / messages[0],
          });
        }
        await client.close();
      } finally {
        await rig.close();
      }
    }
  return figures;
}
