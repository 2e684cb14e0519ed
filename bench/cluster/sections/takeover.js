// The longest silence of a source as a client of an edge sees it: its owner is killed, or told to end, and a standby takes over. Or the stream's
// leader among the servers of NATS is killed.
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Rig, rest, until } from '../processes.js';
import { add } from '../samples.js';

const SOURCES = 20;
const PER_SECOND = 1_000;

export async function takeover({ rounds }) {
  const figures = {};
  for (const [name, servers, inflict] of [
    ['owner killed, 1 NATS', 1, ({ owner }) => owner.child.kill('SIGKILL')],
    ['owner ended by SIGTERM, 1 NATS', 1, ({ owner }) => owner.child.kill('SIGTERM')],
    ['owner killed, 3 NATS', 3, ({ owner }) => owner.child.kill('SIGKILL')],
    ["stream's leader killed, 3 NATS", 3, killLeader],
  ])
    for (let round = 0; round < rounds; round += 1) {
      const rig = new Rig();
      try {
        const monitors = await rig.load('monitors.js', rig.folder, SOURCES);
        await rig.nats(servers);
        const owner = await rig.owner('o1', ...rig.sources(SOURCES));
        const edge = await rig.edge('e1');
        await rig.isUp(edge, SOURCES);
        // Later, so that it is the standby of all.
        await rig.owner('o2', ...rig.sources(SOURCES));
        const viewers = await rig.load('viewers.js');
        await viewers('open', { port: edge.port, count: 1, read: 1 });
        await monitors('pace', { perSecond: PER_SECOND });
        await rest(5_000 + Math.random() * 1_000);
        await inflict({ rig, owner });
        const at = Date.now();
        const last = new Map();
        const silent = new Map();
        await until('every source again', async () => {
          for (const [source, now] of (await viewers('came')).came) {
            silent.set(source, Math.max(silent.get(source) ?? 0, now - (last.get(source) ?? now)));
            last.set(source, now);
          }
          return Date.now() > at + 8_000 && [...last.values()].every((each) => each > Date.now() - 300);
        });
        const all = [...silent.values()];
        add(figures, [name], { first: Math.min(...all), all: Math.max(...all) });
      } finally {
        await rig.close();
      }
    }
  return figures;
}

async function killLeader({ rig }) {
  const client = await connect({ servers: rig.nodes.map(({ url }) => url) });
  const { cluster } = await (await jetstreamManager(client)).streams.info('qmp');
  await client.close();
  rig.nodes[Number(cluster.leader.slice(1))].child.kill('SIGKILL');
}
