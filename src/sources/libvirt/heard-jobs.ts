// The jobs of a domain: their status from the events of QEMU, their figures from libvirt. They are kept over lost connections, until the QEMU ends.
import type { BlockJobEventData, Int64, JobStatus } from '../../protocol/types.js';
import type { QmpEvent } from '../../qmp/index.js';
import type { QueriedJob } from '../port.js';
import { statusOf } from './events.js';
import { typeOf } from './names.js';

/** Events that tell what a job is and how far it came. */
const MEASURED: readonly string[] = ['BLOCK_JOB_READY', 'BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'];

interface BlockJobInfo {
  bandwidth: bigint;
  cur: bigint;
  end: bigint;
}

interface HeardJob {
  run: number;
  row: QueriedJob;
}

export class HeardJobs {
  readonly #jobs = new Map<string, HeardJob>();
  #runs = 0;

  /** The number of the present run of each id, which may be used again: what libvirt was asked of one run says nothing of the next. */
  get runs(): ReadonlyMap<string, number> {
    return new Map([...this.#jobs].map(([id, { run }]) => [id, run]));
  }

  /** As a query would show them. Neither events nor libvirt tell a job's error for certain. */
  get rows(): QueriedJob[] {
    return [...this.#jobs.values()].map(({ row }) => row);
  }

  hear(event: QmpEvent): void {
    const changed = statusOf(event);
    if (changed?.status === 'null') this.#jobs.delete(changed.id);
    else if (changed) this.#become(changed.id, changed.status as JobStatus);
    if (!MEASURED.includes(event.type)) return;
    // The guards of `qmp` have seen them.
    const { device, type, len, offset, speed } = event.data as BlockJobEventData;
    this.#change(device, this.#jobs.get(device)?.run, { type, len, offset, speed });
  }

  measure(id: string, run: number, { bandwidth, cur, end }: BlockJobInfo): void {
    this.#change(id, run, { len: exact(end), offset: exact(cur), speed: exact(bandwidth) });
  }

  /** libvirt has no job on that disk: one that has not concluded is forgotten until its next event. */
  done(id: string, run: number): void {
    const job = this.#jobs.get(id);
    if (job?.run === run && job.row.status !== 'concluded') this.#jobs.delete(id);
  }

  /** Another QEMU has begun. */
  clear(): void {
    this.#jobs.clear();
  }

  #become(id: string, status: JobStatus): void {
    const known = status === 'created' ? undefined : this.#jobs.get(id);
    if (known) return this.#change(id, known.run, { status });
    this.#runs += 1;
    const row: QueriedJob = { id, type: typeOf(id), status, len: 0, offset: 0, errorUnknown: true };
    this.#jobs.set(id, { run: this.#runs, row });
  }

  #change(id: string, run: number | undefined, changes: Partial<QueriedJob>): void {
    const job = this.#jobs.get(id);
    if (job && job.run === run) job.row = { ...job.row, ...changes };
  }
}

const exact = (value: bigint): Int64 => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value));
