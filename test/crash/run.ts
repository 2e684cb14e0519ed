// `npm run crash -- --kills N --seed S`: a gateway with a log on disk, under load from simulated and real monitors, is killed N times with SIGKILL and
// started again; its subscribers resume. Exit 0: over all its lives no gap, no duplicate, no offset with two meanings, one settlement a run.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dice } from '../chaos/dice.js';
import { GatewayProcess } from '../chaos/gateway-process.js';
import { type LiveMonitor, openQemuMonitor, openSimMonitor } from '../chaos/monitors.js';
import { freePort } from '../support/free-port.js';
import { haveQemu } from '../support/qemu.js';
import { Survivor } from './survivor.js';
import { Truth } from './truth.js';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const kills = Number(values.kills);
const SIMS = ['sim0', 'sim1', 'sim2'];
const SUBSCRIBERS = 12;
/** Milliseconds of one life of the gateway after it listens, and of what is done to the monitors. */
const LIFE_MS = [20, 900] as const;
const ACT_MS = [1, 40] as const;
const LAST_MS = 60_000;

const soon = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));
const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

async function until(what: string, is: () => boolean): Promise<void> {
  const due = Date.now() + LAST_MS;
  while (!is()) {
    if (Date.now() > due) throw new Error(`${what}: not within ${LAST_MS / 1_000} s`);
    await soon(20);
  }
}

async function main(): Promise<number> {
  say(
    `seed ${seed}, ${kills} kills, ${haveQemu ? 'a real storage daemon beside the simulated monitors' : 'no qemu-storage-daemon here'}`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'crash-'));
  // Small files, so that kills also hit their ends, the checkpoints and the removal of the oldest.
  const config = join(folder, 'gateway.yaml');
  await writeFile(config, 'limits: {logDiskBytes: 2097152, logReserveBytes: 0}\n');
  const monitors: LiveMonitor[] = [];
  for (const name of SIMS) monitors.push(await openSimMonitor(name, folder, dice(seed, name)));
  if (haveQemu) monitors.push(await openQemuMonitor('qsd0', folder, dice(seed, 'qsd0')));
  const uris = Object.fromEntries(monitors.map(({ source, uri }) => [source, uri]));
  const gateway = new GatewayProcess(resolve('dist/cli/main.js'), await freePort(), uris, [
    ...['--data', join(folder, 'data'), '--config', config],
  ]);
  const truth = new Truth();
  const survivors = Array.from(
    { length: SUBSCRIBERS },
    (_, n) => new Survivor(`subscriber ${n}`, gateway.url, truth, dice(seed, `subscriber ${n}`)),
  );
  let isPlaying = true;
  const play = async (monitor: LiveMonitor): Promise<void> => {
    const throws = dice(seed, `play ${monitor.source}`);
    while (isPlaying) {
      monitor.act();
      await soon(throws.between(...ACT_MS));
    }
  };
  const load = monitors.map((monitor) => play(monitor));
  const throws = dice(seed, 'kills');
  try {
    await gateway.start();
    for (const survivor of survivors) survivor.live();
    await until('everybody has subscribed', () => survivors.every(({ isSubscribed }) => isSubscribed));
    for (let n = 0; n < kills; n++) {
      await soon(throws.between(...LIFE_MS));
      await gateway.stop('SIGKILL');
      await gateway.start();
      if ((n + 1) % 25 === 0)
        say(`${n + 1} kills, ${truth.entries.size} events, ${truth.violations.length} violations`);
    }
    isPlaying = false;
    await Promise.all(load);
    await Promise.all(monitors.map((monitor) => monitor.rest()));
    const [first] = survivors;
    await until('everybody has everything, and every run has settled', () => {
      const last = Math.max(...truth.entries.keys());
      return survivors.every(({ offset }) => offset >= last) && first !== undefined && first.liveRuns === 0;
    });
    for (const survivor of survivors) survivor.judge();
    const settled = truth.judgeRuns();
    say(`${kills} kills, ${truth.entries.size} events, ${settled} settlements`);
    if (gateway.died !== undefined) truth.wrong(`the gateway ended by itself: ${gateway.died}`);
  } finally {
    for (const survivor of survivors) survivor.close();
    await gateway.stop('SIGKILL');
    await Promise.all(monitors.map((monitor) => monitor.close()));
    await rm(folder, { recursive: true, force: true });
  }
  for (const violation of truth.violations) console.log(violation);
  say(`${truth.violations.length} violations (seed ${seed})`);
  return truth.violations.length === 0 ? 0 : 1;
}

process.exitCode = await main();
