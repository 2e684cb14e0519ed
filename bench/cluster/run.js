// A cluster beside a single process, on this machine, then one table.   node bench/cluster/run.js [--rounds N] [--only NAME,NAME]
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { append } from './sections/append.js';
import { edges } from './sections/edges.js';
import { fanOut } from './sections/fan-out.js';
import { idle } from './sections/idle.js';
import { latency } from './sections/latency.js';
import { opening } from './sections/opening.js';
import { takeover } from './sections/takeover.js';
import { table } from './table.js';

const SECTIONS = { latency, fanOut, append, takeover, opening, edges, idle };
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, only: { type: 'string' }, json: { type: 'string' } },
});
const results = {};
for (const name of values.only?.split(',') ?? Object.keys(SECTIONS)) {
  const section = SECTIONS[name];
  if (!section) throw new Error(`no section ${name}; there are ${Object.keys(SECTIONS).join(', ')}`);
  const began = performance.now();
  try {
    results[name] = await section({ rounds: Number(values.rounds) });
  } catch (error) {
    // One section that fails is told, and does not cost the others.
    console.error(`${name}: ${error.stack}`);
    process.exitCode = 1;
  }
  process.stderr.write(`${name} ${Math.round((performance.now() - began) / 1_000)} s\n`);
}
if (values.json) writeFileSync(values.json, JSON.stringify(results));
console.log(
  `${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}, Node ${process.versions.node}; ${values.rounds} rounds\n\n${table(results)}`,
);
process.exit();
