// Jobs and tables of jobs, from the members that matter to a test.
import { type Frame, LiveTable } from '../../demo-client/src/model/fleet/live-table.js';
import { cutOf, type JobTable } from '../../src/client/index.js';
import type { Job, SettledRun } from '../../src/protocol/types.js';

export function jobOf(changes: Partial<Job> = {}): Job {
  const job = changes.job ?? 'drive0';
  const figures = { len: 100, offset: 0, speed: 0, updated: '2026-11-23T00:00:00Z' };
  return { source: 'vm1', job, run: `e:${job}`, type: 'mirror', status: 'running', ...figures, ...changes };
}

export function tableOf(
  jobs: Job[],
  settled: SettledRun[] = [],
  sources: Record<string, 'up' | 'down' | 'connecting'> = { vm1: 'up' },
): JobTable {
  return {
    cursor: 'e:1',
    jobs: new Map(jobs.map((job) => [job.run, job])),
    settled: new Map(settled.map((run) => [run.run, run])),
    sources: new Map(Object.entries(sources).map(([name, state]) => [name, { name, state, since: '' }])),
  };
}

/** The frame at which `table` is drawn, after one with `before`. */
export function frameOf(table: JobTable, before?: JobTable): Frame {
  const live = new LiveTable(cutOf(before ?? table));
  if (!before) return live.frame();
  live.frame();
  live.reset(cutOf(table));
  return live.frame();
}

export function endOf(job: string, changes: Partial<SettledRun['settled']> = {}): SettledRun {
  return {
    ...{ source: 'vm1', job, run: `e:${job}`, cursor: 'e:9', time: null },
    settled: {
      ...{
        outcome: 'completed',
        provenance: 'observed',
        pivoted: false,
        pivotProof: 'event',
        forced: false,
        escalated: false,
      },
      ...{ requestedBy: [], dismissed: true, type: 'backup', len: 100, offset: 100, ...changes },
    },
  };
}
