// What sources cost while nothing happens: an owner renews the lock of each every second.
import { cpuOf, memoryOf, Rig, rest } from '../processes.js';
import { add } from '../samples.js';

export async function idle({ rounds, seconds = 5 }) {
  const figures = {};
  for (const servers of [1, 3])
    for (const sources of [20, 1_000]) {
      const rig = new Rig();
      try {
        await rig.load('monitors.js', rig.folder, sources);
        await rig.nats(servers);
        const owner = await rig.owner('o1', ...rig.sources(sources));
        const edge = await rig.edge('e1');
        await rig.isUp(edge, sources);
        for (let round = 0; round < rounds; round += 1) {
          await rest(1_000);
          const before = [(await rig.natsUse()).cpu, cpuOf(owner.pid), cpuOf(edge.pid)];
          await rest(seconds * 1_000);
          const after = [(await rig.natsUse()).cpu, cpuOf(owner.pid), cpuOf(edge.pid)];
          const [nats, own, edges] = after.map((cpu, at) => ((cpu - before[at]) / seconds) * 100);
          add(figures, [`${sources} sources, ${servers} NATS`], {
            ...{ natsPercent: nats, ownerPercent: own, edgePercent: edges, ownerMemory: memoryOf(owner.pid) / 2 ** 20 },
          });
        }
      } finally {
        await rig.close();
      }
    }
  return figures;
}
