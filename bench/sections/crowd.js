// 1,000 monitors and 10,000 subscribers, each of one monitor's events: memory a connection, idle CPU; then all 10,000 of a gateway cut
// off at once and resumed at once, with 1,000 events missed by each.
import { readFileSync } from 'node:fs';
import { openRig } from '../rig.js';
import { spread } from '../samples.js';

const CLIENTS = 10_000;
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
      // Pings come every 20 s, bookmarks every 15 s: a minute has all of them.
      if (kind === 'gateway') cpu = (await rig.load('idle', 60)).cpu / 60;
    } finally {
      await rig.close();
    }
  }
  return { memory, cpu };
}

async function resume(rounds) {
  const rig = await openRig('gateway');
  const samples = [];
  try {
    await rig.load('connect', CLIENTS, 1);
    await rig.inside('watch');
    for (let round = 0; round < Math.min(rounds, 7); round++) {
      await rig.load('drop');
      await rest(2_500);
      await rig.load('feed', 1_000);
      await rig.inside();
      const { seconds, cpu } = await rig.load('resume', CLIENTS, 1_000);
      samples.push({ seconds, cpu, ...(await rig.inside()) });
    }
  } finally {
    await rig.close();
  }
  const of = (name) => spread(samples.map((sample) => sample[name]));
  return { seconds: of('seconds'), cpu: of('cpu'), delayP99: of('p99'), delayMax: of('max') };
}
