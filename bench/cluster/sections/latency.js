// From the monitor's write to the subscriber's socket: one process, an owner and an edge over one server of NATS, and over three.
import { quantile } from '../../rig.js';
import { Rig, rest } from '../processes.js';
import { add } from '../samples.js';

const SOURCES = 20;
const SUBSCRIBERS = 200;
const READERS = 10;

const SHAPES = {
  'one process': async (rig) => rig.gateway(...rig.sources(SOURCES)),
  'owner and edge': (rig) => clustered(rig, 1),
  'owner and edge, three NATS': (rig) => clustered(rig, 3),
};

async function clustered(rig, servers) {
  await rig.nats(servers);
  await rig.owner('o1', ...rig.sources(SOURCES));
  return rig.edge('e1');
}

export async function latency({ rounds, seconds = 4 }) {
  const shapes = [];
  try {
    for (const [name, open] of Object.entries(SHAPES)) {
      const rig = new Rig();
      const monitors = await rig.load('monitors.js', rig.folder, SOURCES);
      const gateway = await open(rig);
      await rig.isUp(gateway, SOURCES);
      const viewers = await rig.load('viewers.js');
      await viewers('open', { port: gateway.port, count: SUBSCRIBERS, read: READERS });
      shapes.push({ name, rig, monitors, viewers });
    }
    const figures = {};
    for (let round = -1; round < rounds; round += 1)
      for (const perSecond of [100, 1_000])
        for (const { name, monitors, viewers } of shapes) {
          await viewers('came');
          await monitors('pace', { perSecond });
          await rest(round < 0 ? 1_000 : seconds * 1_000);
          await monitors('pace', { perSecond: 0 });
          await rest(200);
          const { came } = await viewers('came');
          if (round < 0) continue;
          const late = came.map(([, , ms]) => ms);
          add(figures, [name, perSecond], { p50: quantile(late, 0.5), p99: quantile(late, 0.99) });
        }
    return figures;
  } finally {
    for (const { rig } of shapes) await rig.close();
  }
}
