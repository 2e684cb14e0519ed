// Simulated monitors in one process, each with two jobs that run for ever and one that comes and goes.   monitors.mjs FOLDER FROM TO [flapping]
// A line on stdin: `cut` ends every connection at once.
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [folder, from, to, kind] = process.argv.slice(2);
const { startSimulator } = await import(new URL('../../dist/simulator/index.js', import.meta.url).href);
const path = (at) => `${folder}/vm${at}.sock`;
const range = Array.from({ length: to - from }, (_, at) => Number(from) + at);

if (kind === 'flapping') {
  // Greets and hangs up.
  const greeting = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 }, package: '' }, capabilities: [] } };
  for (const at of range) {
    rmSync(path(at), { force: true });
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(`${JSON.stringify(greeting)}\r\n`);
    }).listen(path(at));
  }
} else {
  const sims = [];
  for (const at of range) {
    const sim = await startSimulator({ listen: { path: path(at) } });
    for (const id of ['copy', 'backup'])
      sim.jobs.start({ id, type: id === 'copy' ? 'mirror' : 'backup', len: 2 ** 40, bytesPerSecond: 1 << 20 });
    sims.push(sim);
  }
  // A twentieth of them begin a short job each second: six events each.
  let turn = 0;
  setInterval(() => {
    turn += 1;
    for (let at = turn % 20; at < sims.length; at += 20)
      sims[at].jobs.start({ id: `short${turn}`, type: 'stream', len: 1 << 20, bytesPerSecond: 1 << 22 });
  }, 1_000);
  createInterface({ input: process.stdin }).on('line', async (line) => {
    if (line === 'cut') await Promise.all(sims.map((sim) => sim.faults.restart()));
  });
}
process.stdout.write('ready\n');
