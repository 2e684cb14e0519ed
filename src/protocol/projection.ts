// The log as clients see it: its entries folded, in order, into jobs, settlements and sources. A test compares it with the server's own view of each
// run. `job-table` is the same fold with a new value for each change.
import { formatCursor } from './cursor.js';
import { SNAPSHOT_SETTLED } from './limits.js';
import { isJobStatus } from './rules.js';
import type {
  Entry,
  Job,
  JobRef,
  JobStatus,
  KnownEntry,
  Progress,
  RunId,
  SettledRun,
  Settlement,
  SourceInfo,
} from './types.js';

/** What is known at one position of the log. */
export interface ProjectedState {
  /** Jobs that occupy an id, by run. A concluded one that waits for its dismissal is here with `settled`. */
  readonly jobs: ReadonlyMap<RunId, Job>;
  /** Settled runs, oldest first; the newest 1,000, as in a snapshot, so that a page that is open for weeks does not grow. */
  readonly settled: ReadonlyMap<RunId, SettledRun>;
  readonly sources: ReadonlyMap<string, SourceInfo>;
}

/**
 * The fold of `foldEvents` and `foldProgress` in place, for tables of thousands of jobs: no map is copied. The maps change with each call, the values in
 * them never.
 *
 * The entries must be all that match a filter without `types`, from an empty log or from the snapshot in `from` on. Then `{source, job, run, status,
 * began, continuity, settled}` of a job are exact. The other members are as of the last entry with them: what only a query shows has no entry, such
 * as `type`, `autoFinalize` and `autoDismiss` of a job whose creation was seen.
 */
export class Projection implements ProjectedState {
  readonly jobs: Map<RunId, Job>;
  readonly settled: Map<RunId, SettledRun>;
  readonly sources: Map<string, SourceInfo>;
  readonly #epoch: string;

  /** @param epoch of the log. `from` is copied. */
  constructor(epoch: string, from?: ProjectedState) {
    this.#epoch = epoch;
    this.jobs = new Map(from?.jobs);
    this.settled = new Map(from?.settled);
    this.sources = new Map(from?.sources);
  }

  /** Newer figures. `status` is kept: only entries change it. `at` is ISO 8601. */
  measure(rows: readonly Progress[], at: string): void {
    measure(this.jobs, rows, at);
  }

  /** Folds one entry; each entry once, in order. */
  apply(entry: Entry): void {
    const event = entry as KnownEntry;
    const { job, source } = event;
    // Of a cluster, the gateway beside one QEMU may have been taken: what it says of the runs of other sources counts for nothing.
    if (job && (this.jobs.get(job.run) ?? this.settled.get(job.run) ?? event).source !== source) return;
    switch (event.type) {
      case 'JOB_STATUS_CHANGE':
        if (event.data.status === 'null') this.#dismiss(event);
        // `undefined` is QEMU's state before `created`; a later QEMU may have others.
        else if (isJobStatus(event.data.status)) this.#change(event, { status: event.data.status });
        else this.#begin(event);
        break;
      case 'GATEWAY_JOB_FOUND':
        this.#change(event, event.data, true);
        break;
      case 'BLOCK_JOB_READY':
        // From QEMU before 3.0 only this event says that the job is READY; later ones raise JOB_STATUS_CHANGE right before it.
        this.#change(event, { ...measuresOf(event.data), status: 'ready' });
        break;
      case 'BLOCK_JOB_COMPLETED':
      case 'BLOCK_JOB_CANCELLED':
        this.#change(event, measuresOf(event.data));
        break;
      case 'BLOCK_JOB_PENDING':
        this.#change(event, { type: event.data.type });
        break;
      case 'GATEWAY_JOB_ATTENTION':
        this.#change(event, { ioStatus: event.data.ioStatus });
        break;
      case 'GATEWAY_JOB_SETTLED':
        this.#settle(event);
        break;
      case 'GATEWAY_COMMAND_ANSWERED':
        // The run may have ended before this entry, and may be unknown by now.
        break;
      case 'GATEWAY_SOURCE_UP':
        this.#source(event, { ...aboutOf(event.data), state: 'connecting', qemu: event.data.qemu });
        break;
      case 'GATEWAY_SOURCE_SYNCED':
        this.#source(event, { ...aboutOf(event.data), state: 'up' });
        break;
      case 'GATEWAY_SOURCE_STALLED':
        this.#source(event, { reason: 'stalled' });
        break;
      case 'GATEWAY_SOURCE_RESPONSIVE':
        this.#source(event, {});
        break;
      case 'GATEWAY_SOURCE_DOWN':
        this.#source(event, { state: 'down', reason: event.data.reason, ...ownerOf(event.data) });
        // While the source was not connected, settled jobs may have freed their ids; GATEWAY_JOB_FOUND brings back those that have not.
        for (const [run, job] of this.jobs) if (job.settled && job.source === event.source) this.jobs.delete(run);
        break;
      case 'GATEWAY_SOURCE_REMOVED':
        this.sources.delete(event.source);
        for (const [run, job] of this.jobs) if (job.source === event.source) this.jobs.delete(run);
        break;
      default:
        this.#begin(event);
    }
  }

  /** An event of an unknown run may be the first of the run that was seen: BLOCK_JOB_ERROR too. */
  #begin(event: KnownEntry): void {
    if (event.job && !this.jobs.has(event.job.run)) this.#change(event, {});
  }

  #change(event: KnownEntry, changes: Partial<Job>, found = false): void {
    if (!event.job) return;
    const { id, run } = event.job;
    const before = this.jobs.get(run);
    const settled = this.settled.get(run)?.settled;
    // A settled run comes back only where a query shows that it still occupies its id.
    if (!before && settled && !found) return;
    const job: Job = {
      type: null,
      status: FIRST_STATUS[event.type] ?? 'running',
      began: settled?.began ?? formatCursor(this.#epoch, event.offset),
      len: settled?.len ?? 0,
      offset: settled?.offset ?? 0,
      speed: 0,
      updated: '',
      ...(settled && { settled }),
      ...before,
      ...changes,
      source: event.source,
      job: id,
      run,
    };
    // QEMU clears the I/O status when the job is resumed.
    if ((changes.status === 'running' || changes.status === 'ready') && job.ioStatus) job.ioStatus = 'ok';
    if (changes.len !== undefined || !before) job.updated = event.time ?? job.updated;
    this.jobs.set(run, job);
  }

  #settle(event: Extract<KnownEntry, { type: 'GATEWAY_JOB_SETTLED' }>): void {
    if (!event.job) return;
    const { run } = event.job;
    const settled = event.data;
    this.#remember(event, event.job, settled, event.time);
    const before = this.jobs.get(run);
    if (settled.dismissed) this.jobs.delete(run);
    else if (before) this.jobs.set(run, { ...before, settled });
  }

  /** `null` frees the id. A run that has not settled stays until its settlement, which follows. */
  #dismiss(event: KnownEntry): void {
    const settled = event.job && this.jobs.get(event.job.run)?.settled;
    if (!event.job || !settled) return;
    this.jobs.delete(event.job.run);
    // Its settlement is too old for the snapshot, so the time of its end is unknown here.
    if (!this.settled.has(event.job.run)) this.#remember(event, event.job, settled, null);
  }

  #remember({ source, offset }: KnownEntry, { id: job, run }: JobRef, settled: Settlement, time: string | null): void {
    this.settled.set(run, { source, job, run, cursor: formatCursor(this.#epoch, offset), time, settled });
    const [oldest = ''] = this.settled.keys();
    if (this.settled.size > SNAPSHOT_SETTLED) this.settled.delete(oldest);
  }

  #source(event: KnownEntry, changes: Partial<SourceInfo>): void {
    const { reason: _reason, label, ...before } = this.sources.get(event.source) ?? { state: 'up', since: '' };
    // Another QEMU may have no label.
    const kept = label === undefined || event.type === 'GATEWAY_SOURCE_UP' ? {} : { label };
    this.sources.set(event.source, {
      ...before,
      ...kept,
      ...changes,
      name: event.source,
      since: event.time ?? before.since,
    });
  }
}

export function measure(jobs: Map<RunId, Job>, rows: readonly Progress[], at: string): void {
  for (const { source, run, len, offset, speed } of rows) {
    const job = jobs.get(run);
    if (job?.source === source && !job.settled) jobs.set(run, { ...job, len, offset, speed, updated: at });
  }
}

/** The status that an event implies where it is the first of its run that was seen. */
const FIRST_STATUS: Partial<Record<KnownEntry['type'], JobStatus>> = {
  BLOCK_JOB_PENDING: 'pending',
  BLOCK_JOB_COMPLETED: 'pending',
  BLOCK_JOB_CANCELLED: 'aborting',
};

/** The members of these events that are read; `device` is the job's id. */
function measuresOf<Data extends { device: string }>({ device: _device, ...measures }: Data): Omit<Data, 'device'> {
  return measures;
}

/** What a source is, beside its state; the data of a monitor has some of it at most. */
function aboutOf({ provider, verbs, label, owner }: Partial<SourceInfo>): Partial<SourceInfo> {
  return {
    ...(provider && { provider }),
    ...(verbs && { verbs }),
    ...(label !== undefined && { label }),
    ...ownerOf({ owner }),
  };
}

function ownerOf({ owner }: { owner?: string | undefined }): Pick<SourceInfo, 'owner'> {
  return owner === undefined ? {} : { owner };
}
