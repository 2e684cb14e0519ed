// All sections in one run, then one table.   node run.js [--rounds N] [--only NAME,NAME]
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { compile, haveNats } from './rig.js';
import { fanOut } from './sections/fan-out.js';
import { rowsOf, table } from './table.js';

const SECTIONS = { fanOut };
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
  process.stderr.write(`${name} …\n`);
  results[name] = await section({ rounds });
}
if (!values.only) writeFileSync(new URL('results.json', import.meta.url), `${JSON.stringify(results, undefined, 1)}\n`);
console.log(table(rowsOf(results)));
process.exit(0);
