// Deliveries for a second of CPU: of one process that does everything, and of an edge; bursts of 64 events to 1,000 subscribers.
import { cpuOf, Rig, rest } from '../processes.js';
import { add } from '../samples.js';

const SUBSCRIBERS = 1_000;
const EVENTS = 64;
const BURSTS = 40;

export async function fanOut({ rounds }) {
  const shapes = [];
  try {
    for (const name of ['one process', 'edge']) {
      const rig = new Rig();
      const monitors = await rig.load('monitors.js', rig.folder, 1);
      if (name === 'edge') await rig.nats(1);
      const owner = name === 'edge' ? await rig.owner('o1', ...rig.sources(1)) : undefined;
      const gateway = owner ? await rig.edge('e1') : await rig.gateway(...rig.sources(1));
      await rig.isUp(gateway, 1);
      const viewers = await rig.load('viewers.js');
      await viewers('open', { port: gateway.port, count: SUBSCRIBERS, read: 0 });
      shapes.push({ name, rig, monitors, viewers, gateway, owner });
    }
    const figures = {};
    let sent = Object.fromEntries(shapes.map(({ name }) => [name, 0]));
    for (let round = -1; round < rounds; round += 1)
      for (const { name, monitors, viewers, gateway, owner } of shapes) {
        const [began, beganOwner] = [cpuOf(gateway.pid), owner && cpuOf(owner.pid)];
        for (let n = 0; n < BURSTS; n += 1) {
          await viewers('seek', { last: sent[name] + EVENTS });
          sent = { ...sent, [name]: (await monitors('burst', { at: 0, events: EVENTS })).last };
          await viewers('awaited');
        }
        await rest(50);
        if (round < 0) continue;
        const perCpuSecond = (BURSTS * EVENTS * SUBSCRIBERS) / (cpuOf(gateway.pid) - began);
        const ownerCpu = owner && ((cpuOf(owner.pid) - beganOwner) * 1e6) / (BURSTS * EVENTS);
        add(figures, [name], { perCpuSecond, ...(owner && { ownerCpu }) });
      }
    return figures;
  } finally {
    for (const { rig } of shapes) await rig.close();
  }
}
