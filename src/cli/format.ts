// An event as a line. Pure.
import type { Entry, Settlement } from '../protocol/types.js';
import { summarizeSettlement } from '../protocol/words.js';
import type { Times } from './times.js';

/** One line: time, source, type, job, and the data in short. */
export function eventLine({ time, source, type, job, repeated, data }: Entry, times: Times): string {
  const clock = times.clock(time);
  const count = repeated === undefined ? '' : ` x${repeated}`;
  const text = type === 'GATEWAY_JOB_SETTLED' ? summarizeSettlement(data as Settlement) : brief(data);
  return `${clock}  ${source}  ${type}${count}${job ? `  ${job.id}` : ''}  ${text}`.trimEnd();
}

function brief(data: unknown): string {
  if (typeof data !== 'object' || data === null) return data === undefined ? '' : String(data);
  return Object.entries(data)
    .filter(([key]) => key !== 'device' && key !== 'id')
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(' ');
}
