// All jobs in five figures: counts, and the total rate of the jobs that are measured in bytes. Pure.
import type { JobTable } from 'qmp-gateway/client';
import { countsBytes } from 'qmp-gateway/protocol';
import { attentionOf } from './attention.js';
import { needsPerson } from './needs.js';
import { type Paces, paceOf } from './rows.js';

export interface Summary {
  up: number;
  sources: number;
  active: number;
  /** Stopped by an error, or waiting for a decision. */
  attention: number;
  ready: number;
  bytesPerSecond: number;
}

export function summarize(table: JobTable, paces: Pick<Paces, 'trails' | 'isCurrent' | 'now'>): Summary {
  const summary: Summary = { up: 0, sources: table.sources.size, active: 0, attention: 0, ready: 0, bytesPerSecond: 0 };
  for (const source of table.sources.values()) if (source.state === 'up') summary.up += 1;
  for (const job of table.jobs.values()) {
    const mark = attentionOf(job)?.mark;
    if (!job.settled) summary.active += 1;
    if (needsPerson(job)) summary.attention += 1;
    if (mark === 'ready') summary.ready += 1;
    if (countsBytes(job.type)) summary.bytesPerSecond += paceOf(job, paces) ?? 0;
  }
  return summary;
}
