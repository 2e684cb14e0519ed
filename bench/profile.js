// Where the gateway's time goes:  node profile.js [EVENTS_A_BURST] [BURSTS] [SUBSCRIBERS]    Self time by function, of one sample.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, openRig } from './rig.js';

const [events = '64', bursts = '100', subscribers = '1000'] = process.argv.slice(2);
compile();
const folder = mkdtempSync(join(tmpdir(), 'qmp-bench-profile-'));
const rig = await openRig('gateway', {
  nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'],
});
await rig.load('connect', subscribers, 1);
const { deliveries, cpu } = await rig.load('closed', bursts, events);
await rig.close();
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]), 'utf8'));
const byId = new Map(nodes.map((node) => [node.id, node]));
const self = new Map();
let busy = 0;
samples.forEach((id, at) => {
  const { functionName, url, lineNumber } = byId.get(id).callFrame;
  if (functionName === '(idle)') return;
  const key = `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
  self.set(key, (self.get(key) ?? 0) + timeDeltas[at]);
  busy += timeDeltas[at];
});
console.log(
  `${Math.round(deliveries / cpu).toLocaleString('en')} deliveries a CPU second (profiled), ${(busy / 1e6).toFixed(2)} s busy`,
);
for (const [key, time] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 28))
  console.log(`${((100 * time) / busy).toFixed(1).padStart(5)} %  ${key}`);
process.exit(0);
