// A gateway on a simulated QEMU that lacks something, and a subscribed client.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Tuning } from '../../../src/app.js';
import type { Methods, Settlement } from '../../../src/protocol/index.js';
import { type Lack, type Simulator, startSimulator } from '../../../src/simulator/index.js';
import { allUp, startApp, type TestApp } from '../../support/app.js';
import type { Wire } from '../../support/wire.js';

export interface OldQemu {
  app: TestApp;
  sim: Simulator;
  /** Subscribed to everything, without progress. */
  wire: Wire;
  /** The settlement of that job. */
  settled(job: string): Promise<Settlement>;
}

export async function openOld(lacks: readonly Lack[], tuning: Partial<Tuning> = {}): Promise<OldQemu> {
  const folder = await mkdtemp(join(tmpdir(), 'old-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'qmp.sock');
  const sim = await startSimulator({ listen: { path }, lacks, record: true });
  onTestFinished(() => sim.close());
  const app = await startApp({ vm1: `unix:${path}` }, { ...tuning, track: { legacyMs: 20, ...tuning.track } });
  const wire = await app.wire();
  await allUp(wire);
  await wire.call('subscribe', {});
  const settled = async (job: string): Promise<Settlement> =>
    (await wire.typed('GATEWAY_JOB_SETTLED', job)).data as Settlement;
  return { app, sim, wire, settled };
}

/** A job whose cancel takes effect after `drainMs`. */
export const slow = (id: string, drainMs = 0) =>
  ({ type: 'stream', id, len: 1_000_000, bytesPerSecond: 1_000, drainMs }) as const;

export const abort = (
  { wire }: OldQemu,
  job: string,
  more: Partial<Methods['job.abort']['params']> = {},
): Promise<Methods['job.abort']['result']> => wire.call('job.abort', { source: 'vm1', job, ...more });
