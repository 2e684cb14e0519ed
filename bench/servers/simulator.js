// A simulated QEMU:  simulator.js PATH    A line on stdin starts a job of that id.
import { createInterface } from 'node:readline';
import { startSimulator } from '../../dist/simulator/index.js';
import { ready } from './feed.js';

const simulator = await startSimulator({ listen: { path: process.argv[2] } });
createInterface({ input: process.stdin }).on('line', (id) =>
  simulator.jobs.start({ type: 'backup', id, len: 1 << 30, bytesPerSecond: 1 << 20 }),
);
ready(0);
