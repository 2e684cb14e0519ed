// What an older QEMU lacks, each by itself, so that any of them can be missing together.

export interface Version {
  major: number;
  minor: number;
  micro: number;
}

/**
 * - `query-jobs`: before 3.0: no query-jobs, no job-* commands, no block graph.
 * - `status-events`: before 3.0: no JOB_STATUS_CHANGE, and no status in query-block-jobs.
 * - `cancelled-events`: no BLOCK_JOB_CANCELLED.
 * - `completed-events`: no BLOCK_JOB_COMPLETED.
 * - `async-cancel`: before 1.1: commands on jobs are named with underscores, block_job_cancel is answered when the job is gone, and until then no
 *   other command is executed; query-block-jobs has a job's type, device, len, offset and speed.
 * - `query-events`: before 1.2: it does not list its events. A simulated QEMU that lacks something else lists them, as QEMU 1.2 to 5.2.
 */
export const LACKS = [
  'query-jobs',
  'status-events',
  'cancelled-events',
  'completed-events',
  'async-cancel',
  'query-events',
] as const;
export type Lack = (typeof LACKS)[number];
export type Lacks = ReadonlySet<Lack>;

/** QEMU 2.11. */
export const LACKS_OF_2_11: readonly Lack[] = ['query-jobs', 'status-events'];

const EVENTS: readonly (readonly [event: string, lack?: Lack])[] = [
  ['BLOCK_JOB_CANCELLED', 'cancelled-events'],
  ['BLOCK_JOB_COMPLETED', 'completed-events'],
  ['BLOCK_JOB_ERROR'],
  ['BLOCK_JOB_PENDING', 'status-events'],
  ['BLOCK_JOB_READY'],
  ['JOB_STATUS_CHANGE', 'status-events'],
];

/** The events of jobs that it raises. */
export const raisedBy = (lacks: Lacks): string[] =>
  EVENTS.flatMap(([event, lack]) => (lack !== undefined && lacks.has(lack) ? [] : [event]));

/** The newest QEMU that lacks this. */
export function versionOf(lacks: Lacks): Version {
  if (lacks.has('async-cancel')) return { major: 0, minor: 15, micro: 0 };
  if (lacks.has('query-events')) return { major: 1, minor: 1, micro: 2 };
  return lacks.size > 0 ? { major: 2, minor: 11, micro: 0 } : { major: 7, minor: 2, micro: 22 };
}
