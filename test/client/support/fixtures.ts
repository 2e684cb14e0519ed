// Entries, jobs and cuts as a gateway would send them.
import type { Subscribed } from '../../../src/protocol/methods.js';
import type { Entry, Job, Settlement, SourceInfo } from '../../../src/protocol/types.js';

export const EPOCH = 'k3f9';
export const cursor = (offset: number, epoch = EPOCH): string => `${epoch}:${offset}`;
export const TIME = '2026-11-22T22:56:14.609123Z';

export function entry(offset: number, type: string, data: unknown = {}, job = 'drive0', run = cursor(1)): Entry {
  const about = type.startsWith('GATEWAY_SOURCE') ? {} : { job: { id: job, run } };
  return { offset, source: 'vm1', type, time: TIME, ...about, data };
}

export const status = (offset: number, to: string, job = 'drive0', run = cursor(1)): Entry =>
  entry(offset, 'JOB_STATUS_CHANGE', { id: job, status: to }, job, run);

export const SETTLEMENT: Settlement = {
  outcome: 'cancelled',
  provenance: 'observed',
  pivoted: false,
  pivotProof: 'event',
  forced: false,
  escalated: false,
  requestedBy: ['anonymous'],
  dismissed: true,
  type: 'mirror',
  len: 100,
  offset: 40,
};

export const JOB: Job = {
  source: 'vm1',
  job: 'drive0',
  run: cursor(1),
  type: 'mirror',
  status: 'running',
  len: 100,
  offset: 10,
  speed: 0,
  updated: TIME,
};

export const SOURCE: SourceInfo = { name: 'vm1', state: 'up', since: TIME };

export function subscribed(at: number, changes: Partial<Subscribed> = {}): Subscribed {
  return {
    subscription: 's1',
    cursor: cursor(at),
    resumed: false,
    sources: [SOURCE],
    jobs: [JOB],
    settled: [],
    ...changes,
  };
}

export const resumed = (at: number, changes: Partial<Subscribed> = {}): Subscribed => ({
  subscription: 's1',
  cursor: cursor(at),
  resumed: true,
  sources: [SOURCE],
  ...changes,
});
