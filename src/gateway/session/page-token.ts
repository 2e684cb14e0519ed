// Pages of job.list. A token has the beginning and a digest of the last job's id, since an id may have 1,024 bytes: it stays short, and marks the
// place even if that job has gone.
import { createHash } from 'node:crypto';

interface Named {
  source: string;
  job: string;
}

/** A place in the order of (source, job). Ids with the same beginning are in the order of their digests. */
interface Place {
  source: string;
  head: string;
  digest: string;
}

/** Characters of a job id in a token. */
const HEAD = 64;

function placeOf({ source, job }: Named): Place {
  if (job.length <= HEAD) return { source, head: job, digest: '' };
  return { source, head: job.slice(0, HEAD), digest: createHash('sha256').update(job).digest('hex').slice(0, 24) };
}

function compare(a: Place, b: Place): number {
  for (const member of ['source', 'head', 'digest'] as const)
    if (a[member] !== b[member]) return a[member] < b[member] ? -1 : 1;
  return 0;
}

/** @returns the page, and its last place if there is more. */
export function pageAfter<Row extends Named>(
  rows: readonly Row[],
  after: Place | undefined,
  limit: number,
): { page: Row[]; last: Place | undefined } {
  const all = rows
    .map((row) => ({ row, place: placeOf(row) }))
    .filter(({ place }) => after === undefined || compare(place, after) > 0)
    .sort((a, b) => compare(a.place, b.place));
  const page = all.slice(0, limit);
  return { page: page.map(({ row }) => row), last: all.length > page.length ? page.at(-1)?.place : undefined };
}

export function formatToken({ source, head, digest }: Place): string {
  return Buffer.from(JSON.stringify([source, head, digest])).toString('base64url');
}

/** Never throws; `undefined`: the token is malformed. */
export function parseToken(token: string): Place | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 3 || !value.every((each) => typeof each === 'string')) return undefined;
  const [source, head, digest] = value as [string, string, string];
  return { source, head, digest };
}
