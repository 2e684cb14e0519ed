// A simulated QEMU:  simulator.js PATH
// A line on stdin starts a job of that id; `!errors N` raises N BLOCK_JOB_ERROR at once, `!mark N` one event that carries N.
import { createInterface } from 'node:readline';
import { startSimulator } from '../../dist/simulator/index.js';
import { ready } from './feed.js';

const simulator = await startSimulator({ listen: { path: process.argv[2] } });
createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, count] = line.split(' ');
  if (word === '!mark') simulator.faults.emit('WAKEUP', { mark: Number(count) });
  else if (word === '!errors')
    for (let n = 0; n < Number(count); n += 1)
      simulator.faults.emit('BLOCK_JOB_ERROR', { device: 'drive0', operation: 'write', action: 'ignore' });
  else simulator.jobs.start({ type: 'backup', id: line, len: 1 << 30, bytesPerSecond: 1 << 20 });
});
ready(0);
