// `--demo`: something to look at. In: what is installed here. Out: sources with jobs that come and go, on a real QEMU where there is one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDemoJobs, startSimulator } from '../simulator/index.js';
import type { Source } from '../sources/index.js';
import { openDemoQemu } from './qemu.js';

export interface Demo {
  sources: Source[];
  /** Says which of the two it is; for people. */
  what: string;
  close(): Promise<void>;
}

const NAME = 'demo';

export async function openDemo(): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'qmp-gateway-demo-'));
  const path = join(folder, 'gateway.sock');
  const source: Source = { name: NAME, address: { kind: 'unix', path } };
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const qemu = await openDemoQemu(folder, path);
  if (qemu)
    return {
      sources: [source],
      what: `a real qemu-storage-daemon ${qemu.version} runs the jobs of source "${NAME}"`,
      close: async () => {
        await qemu.close();
        await remove();
      },
    };
  const simulator = await startSimulator({ listen: { path } });
  const stop = runDemoJobs(simulator);
  return {
    sources: [source],
    what: `no qemu-storage-daemon on PATH: the simulator runs the jobs of source "${NAME}"`,
    close: async () => {
      stop();
      await simulator.close();
      await remove();
    },
  };
}
