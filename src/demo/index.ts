// `--demo`: sources with jobs that come and go, on a real QEMU where one is installed, else on the simulator.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDemoJobs, startSimulator } from '../simulator/index.js';
import type { Source } from '../sources/index.js';
import { keep } from './keeper.js';
import { openDemoQemu } from './qemu.js';

export { DEMO_LOG_BYTES, demoLogFolder } from './log-folder.js';

export interface Demo {
  sources: Source[];
  /** Text for people that says which of the two it is. */
  what: string;
  close(): Promise<void>;
}

const NAME = 'demo';

/** @param report called with each problem of the demo itself, as a sentence; the demo goes on. */
export async function openDemo(report: (problem: string) => void): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'qmp-gateway-demo-'));
  const path = join(folder, 'gateway.sock');
  const source: Source = { kind: 'qmp', name: NAME, address: { kind: 'unix', path } };
  const qemu = await openDemoQemu({ folder, gatewayPath: path, report });
  if (qemu)
    return {
      sources: [source],
      what: `a real qemu-storage-daemon ${qemu.version} runs the jobs of source "${NAME}"`,
      close: () => qemu.close(),
    };
  const keeper = keep(folder);
  const simulator = await startSimulator({ listen: { path } });
  const stop = runDemoJobs(simulator, { report });
  return {
    sources: [source],
    what: `no qemu-storage-daemon on PATH: the simulator runs the jobs of source "${NAME}"`,
    close: async () => {
      stop();
      await simulator.close();
      await keeper.close();
    },
  };
}
