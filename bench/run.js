// All sections in one run, then one table.   node run.js [--rounds N] [--only NAME,NAME]
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { compile, haveNats } from './rig.js';
import { abort } from './sections/abort.js';
import { compression } from './sections/compression.js';
import { crowd } from './sections/crowd.js';
import { disk } from './sections/disk.js';
import { fanOut } from './sections/fan-out.js';
import { filters } from './sections/filters.js';
import { growth } from './sections/growth.js';
import { ingest } from './sections/ingest.js';
import { latency } from './sections/latency.js';
import { quiet } from './sections/quiet.js';
import { tail } from './sections/tail.js';
import { rowsOf, table } from './table.js';

const SECTIONS = { fanOut, quiet, filters, latency, ingest, crowd, abort, growth, compression, disk, tail };
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, only: { type: 'string' } } });
const rounds = Number(values.rounds);
const names = values.only?.split(',') ?? Object.keys(SECTIONS);

compile();
if (!haveNats) console.log('NATS: skipped, no nats-server here (apt-get install -y nats-server)');
const results = {
  taken: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}, Node ${process.versions.node}`,
  rounds,
};
for (const name of names) {
  const section = SECTIONS[name];
  if (!section) throw new Error(`no section ${name}; there are ${Object.keys(SECTIONS).join(', ')}`);
  const began = performance.now();
  try {
    results[name] = await section({ rounds });
  } catch (error) {
    // One section that fails is told, and does not cost the others.
    console.error(`${name}: ${error.stack}`);
    process.exitCode = 1;
  }
  process.stderr.write(`${name} ${Math.round((performance.now() - began) / 1000)} s\n`);
}
if (!values.only) writeFileSync(new URL('results.json', import.meta.url), `${JSON.stringify(results, undefined, 1)}\n`);
console.log(table(rowsOf(results)));
process.exit();
