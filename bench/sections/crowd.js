// 1,000 monitors and 10,000 subscribers, each of one monitor's events: memory a connection, idle CPU; then all 10,000 of a gateway cut
// off at once and resumed at once, with 1,000 events missed by each.
import { readFileSync } from 'node:fs';
import { openRig } from '../rig.js';
import { interleave, ratio, spread } from '../samples.js';

const CLIENTS = 10_000;
const PEERS = { bare: 'bare Node, replaying', ws: 'ws, replaying' };
const rssOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function crowd({ rounds }) {
  return { idle: await idle(), resume: await resume(rounds) };
}

async function idle() {
  const memory = {};
  let cpu;
  for (const [kind, sources] of [
    ['gateway', 1_000],
    ['ws loop', 1],
    ['uWebSockets.js', 1],
  ]) {
    const rig = await openRig(kind, { sources });
    try {
      if (kind === 'gateway') await rig.inside();
      const before = rssOf(rig.pid);
      await rig.load('connect', CLIENTS, sources, 64, sources > 1 ? 1 : 0);
      await rest(2_000);
      if (kind === 'gateway') await rig.inside();
      memory[kind] = (rssOf(rig.pid) - before) / CLIENTS / 1024;
      // Bookmarks come every 15 s, a ping with every second one: a minute has all of them.
      if (kind === 'gateway') cpu = (await rig.load('idle', 60)).cpu / 60;
    } finally {
      await rig.close();
    }
  }
  return { memory, cpu };
}

/** Beside the limit of Node, the same bytes to as many sockets: without a handshake but for one write, and with that of `ws`, on Node's own HTTP. */
async function resume(rounds) {
  const rigs = [];
  try {
    for (const kind of ['gateway', ...Object.values(PEERS)]) rigs.push(await openRig(kind));
    const [gateway] = rigs;
    await gateway.load('connect', CLIENTS, 1);
    for (const rig of rigs) await rig.inside('watch');
    const samples = await interleave(rigs, Math.min(rounds, 7), async (rig) => {
      await rig.load('drop');
      await rest(2_500);
      await rig.load('feed', 1_000);
      await rig.inside();
      const { seconds, cpu } = await rig.load('resume', CLIENTS, 1_000);
      const inside = await rig.inside();
      await rig.load('drop');
      return { seconds, cpu, ...inside };
    });
    const of = (kind, name) => samples[kind].map((sample) => sample[name]);
    const own = (name) => spread(of('gateway', name));
    const peer = (kind) => ({
      seconds: spread(of(kind, 'seconds')),
      ratio: ratio(of('gateway', 'seconds'), of(kind, 'seconds')),
      delayMax: spread(of(kind, 'max')),
      delayRatio: ratio(of('gateway', 'max'), of(kind, 'max')),
    });
    return {
      ...{ seconds: own('seconds'), cpu: own('cpu'), delayP99: own('p99'), delayMax: own('max') },
      peers: Object.fromEntries(Object.entries(PEERS).map(([name, kind]) => [name, peer(kind)])),
    };
  } finally {
    for (const rig of rigs) await rig.close();
  }
}
