// `npm run cluster:chaos -- --seed N --minutes M --kills K`: three NATS nodes, two owners of the same sources, three edges, clients that move between
// them, and K faults of each kind; then the checker's verdict. Exit 0: no violation. Everything random comes from the seed, which is printed.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { check } from './checker.js';
import { Cluster } from './cluster.js';
import { Play } from './play.js';
import { SimsProcess } from './processes.js';
import type { ClusterRecord, Violation } from './record.js';
import { printVerdict } from './report.js';
import { schedule } from './schedule.js';
import { serveSims } from './sims.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '5' },
    /** Of each kind. */
    kills: { type: 'string', default: '3' },
    /** How often the stream is deleted. */
    deletions: { type: 'string', default: '0' },
    /** Only these kinds, separated by commas. */
    only: { type: 'string' },
    'log-level': { type: 'string', default: 'warn' },
    /** A folder that gets all that each member says, for a look at what went wrong. */
    logs: { type: 'string' },
    sources: { type: 'string', default: '20' },
    clients: { type: 'string', default: '300' },
    /** Events a second over all sources. */
    rate: { type: 'string', default: '1000' },
    /** Only prints what would be done. */
    plan: { type: 'boolean', default: false },
    /** Of the process with the monitors: its folder. */
    sims: { type: 'string' },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const durationMs = Number(values.minutes) * 60_000;
const names = Array.from({ length: Number(values.sources) }, (_, n) => `sim${n}`);
const OWNERS = 2;
const EDGES = 3;

async function main(): Promise<number> {
  const [kills, deletions] = [Number(values.kills), Number(values.deletions)];
  const faults = schedule({
    seed,
    durationMs,
    kills,
    owners: OWNERS,
    edges: EDGES,
    deletions,
    only: values.only?.split(','),
  });
  console.log(`seed ${seed}, ${durationMs / 1_000} s, ${faults.length} faults, ${values.clients} clients`);
  if (values.plan) {
    for (const fault of faults) console.log(JSON.stringify(fault));
    return 0;
  }
  if (values.logs) await mkdir(values.logs, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'cluster-'));
  const flags = ['--seed', String(seed), '--sources', values.sources, '--rate', values.rate];
  const sims = await SimsProcess.start(folder, flags);
  const sources = Object.fromEntries(names.map((name) => [name, `unix:${join(folder, name)}`]));
  const cluster = await Cluster.open({
    main: resolve('dist/cli/main.js'),
    sources,
    logLevel: values['log-level'],
    logs: values.logs,
    owners: OWNERS,
    edges: EDGES,
  });
  const play = await Play.open({ seed, durationMs, faults, cluster, sims, names, clients: Number(values.clients) });
  try {
    await play.begin();
    await play.run();
    const record = await play.finish();
    const violations = [...check(record), ...play.died()];
    printVerdict(record, violations, seed);
    if (values.logs) await keep(values.logs, record, violations);
    if (violations.length > 0) printProcesses(cluster);
    return violations.length === 0 ? 0 : 1;
  } catch (error) {
    printProcesses(cluster);
    for (const { who, what } of play.died()) console.log(`${who}: ${what}`);
    console.log(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
    return 1;
  } finally {
    play.close();
    sims.close();
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every violation, and the stream without its entries. */
async function keep(folder: string, { streams }: ClusterRecord, violations: readonly Violation[]): Promise<void> {
  const lines = (each: readonly unknown[]): string => each.map((one) => `${JSON.stringify(one)}\n`).join('');
  await writeFile(join(folder, 'violations.jsonl'), lines(violations));
  for (const { epoch, messages } of streams) {
    const brief = messages.map(({ entries, ...message }) => ({ ...message, entries: entries.length }));
    await writeFile(join(folder, `stream-${epoch}.jsonl`), lines(brief));
  }
}

/** The last that each process said. */
function printProcesses({ nodes, nats }: Cluster): void {
  for (const { member } of nodes) console.log(`${member.name}: ${member.said.slice(-1_500)}`);
  for (const report of nats.reports) console.log(report);
}

if (values.sims !== undefined) await serveSims(values.sims, seed, names, Number(values.rate) / names.length);
else process.exit(await main());
