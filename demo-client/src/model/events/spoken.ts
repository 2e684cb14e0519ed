// What a screen reader hears of the jobs: counts of what has changed since the last time, in one sentence, however much it is. Pure.
import type { JobTable } from 'qmp-gateway/client';
import { epochOf, type Outcome } from 'qmp-gateway/protocol';
import { countNeeding } from '../fleet/needs.js';

const jobs = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'job' : 'jobs'}`;

const ENDS: readonly Outcome[] = ['failed', 'lost', 'cancelled', 'completed'];

/** `undefined`: nothing that a listener must know has changed; progress and changes of status alone are not read out. */
export function spokenBetween(before: JobTable, after: JobTable): string | undefined {
  const needing = countNeeding(after.jobs.values());
  const needs = `${needing.toLocaleString('en')} ${needing === 1 ? 'needs' : 'need'} you`;
  const now = `${jobs(liveCount(after))} active, ${needs}.`;
  // Every run has another name in another log, so nothing can be compared.
  if (epochOf(before.cursor) !== epochOf(after.cursor)) return `The jobs were read anew. ${now}`;
  const parts: string[] = [];
  const begun = countMissing(after.jobs, before.jobs);
  if (begun > 0) parts.push(`${jobs(begun)} began`);
  for (const outcome of ENDS) {
    let count = 0;
    for (const [run, { settled }] of after.settled)
      if (settled.outcome === outcome && !before.settled.has(run)) count += 1;
    if (count > 0) parts.push(`${jobs(count)} ${outcome}`);
  }
  const down = [...after.sources.values()].filter(
    ({ name, state }) => state === 'down' && before.sources.get(name)?.state === 'up',
  );
  if (down.length > 0) parts.push(`${down.length} ${down.length === 1 ? 'source' : 'sources'} not connected any more`);
  if (parts.length === 0 && needing === countNeeding(before.jobs.values())) return undefined;
  return [...(parts.length > 0 ? [`${parts.join(', ')}.`] : []), now].join(' ');
}

function liveCount({ jobs: all }: JobTable): number {
  let count = 0;
  for (const { settled } of all.values()) if (!settled) count += 1;
  return count;
}

function countMissing(keys: ReadonlyMap<string, unknown>, inMap: ReadonlyMap<string, unknown>): number {
  let count = 0;
  for (const key of keys.keys()) if (!inMap.has(key)) count += 1;
  return count;
}
