// Requests that a page sends to the mock, and small functions that read them. Pure.
import type { Job, SettledRun, SubscribeParams } from '../../src/protocol/index.js';
import type { Connection } from '../../test/client/msw/gateway.js';

export interface Line {
  connection: Connection;
  /** The filter of each subscription. */
  wanted: Map<string, SubscribeParams>;
  /** By request id until the reply names the subscription. */
  asked: Map<string, SubscribeParams>;
}

export interface Target {
  source: string;
  job: string;
  run?: string;
  sync?: boolean;
  force?: boolean;
  timeoutMs?: number;
  speed?: number | string;
  subscription?: string;
}

export type NewJob = Pick<Job, 'source' | 'job' | 'type' | 'len'> &
  Partial<Pick<Job, 'autoFinalize' | 'autoDismiss' | 'speed'>>;

export function answer({ settled, source, job, run, cursor }: SettledRun): object {
  const { requestedBy: _by, type: _type, len: _len, offset: _offset, ...end } = settled;
  return { status: 'settled', ...end, source, job, run, cursor };
}

export function wants({ sources, jobs }: SubscribeParams, source: string, job: string | undefined): boolean {
  return (!sources || sources.includes(source)) && (job === undefined || !jobs || jobs.includes(job));
}
