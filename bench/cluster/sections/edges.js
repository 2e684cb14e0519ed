// What one more edge costs: CPU of each part and bytes that NATS sends, at 1,000 events a second and 50 subscribers an edge.
import { cpuOf, Rig, rest } from '../processes.js';
import { add } from '../samples.js';

const SOURCES = 20;
const PER_SECOND = 1_000;
const SUBSCRIBERS = 50;

export async function edges({ rounds, seconds = 5 }) {
  const figures = {};
  const rig = new Rig();
  try {
    const monitors = await rig.load('monitors.js', rig.folder, SOURCES);
    await rig.nats(1);
    const owner = await rig.owner('o1', ...rig.sources(SOURCES));
    const all = [];
    for (const name of ['e1', 'e2', 'e3']) {
      const edge = await rig.edge(name);
      await rig.isUp(edge, SOURCES);
      const viewers = await rig.load('viewers.js');
      await viewers('open', { port: edge.port, count: SUBSCRIBERS, read: 0 });
      all.push(edge);
      await rest(1_000);
      for (let round = 0; round < rounds; round += 1) {
        const use = async () => ({
          nats: await rig.natsUse(),
          owner: cpuOf(owner.pid),
          edges: all.map(({ pid }) => cpuOf(pid)),
        });
        const idle = await use();
        await rest(seconds * 500);
        const before = await use();
        await monitors('pace', { perSecond: PER_SECOND });
        await rest(seconds * 1_000);
        await monitors('pace', { perSecond: 0 });
        await rest(100);
        const after = await use();
        const percent = (cpu) => (cpu / seconds) * 100;
        const sum = ({ nats, owner: own, edges: of }) => nats.cpu + own + of.reduce((total, cpu) => total + cpu, 0);
        const used = after.edges.map((cpu, at) => cpu - before.edges[at]);
        add(figures, [`${all.length} ${all.length === 1 ? 'edge' : 'edges'}`], {
          ownerPercent: percent(after.owner - before.owner),
          natsPercent: percent(after.nats.cpu - before.nats.cpu),
          edgePercent: percent(used.reduce((total, cpu) => total + cpu, 0) / all.length),
          bytesAnEvent: (after.nats.bytes - before.nats.bytes) / (seconds * PER_SECOND),
          idlePercent: percent((sum(before) - sum(idle)) * 2),
        });
      }
    }
    return figures;
  } finally {
    await rig.close();
  }
}
