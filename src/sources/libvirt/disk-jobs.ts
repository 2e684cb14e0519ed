// The newest job of each disk of a domain, since libvirt's words name the disk alone, and the jobs that have concluded and are left to libvirt.
import type { Clock } from '../../clock.js';
import type { QueriedJob } from '../port.js';
import { isLibvirts, targetOf } from './names.js';

/** Milliseconds for which a job that has concluded is left to libvirt; after that it is what the query says. */
const LEFT_TO_LIBVIRT_MS = 2_000;

export class DiskJobs {
  readonly #clock: Clock;
  readonly #newest = new Map<string, { id: string; isGone: boolean }>();
  /** When by the monotonic clock each job concluded, by its id, while libvirt has yet to dismiss it. */
  readonly #concluded = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A JOB_STATUS_CHANGE. */
  note({ id, status }: { id: string; status: string }): void {
    if (isLibvirts(id) && status === 'concluded') this.#concluded.set(id, this.#clock.now());
    else this.#concluded.delete(id);
    const target = targetOf(id);
    // libvirt gives the next job of a disk the same name.
    if (target !== undefined && (this.#newest.get(target)?.id !== id || status === 'created'))
      this.#newest.set(target, { id, isGone: false });
  }

  /** What a query shows, oldest first. */
  shown(jobs: readonly QueriedJob[]): void {
    for (const { id } of [...jobs].reverse()) {
      const target = targetOf(id);
      if (target !== undefined && this.liveOn(target) !== id) this.#newest.set(target, { id, isGone: false });
    }
  }

  /** The last event of a job is passed on. */
  gone(target: string, id: string): void {
    const job = this.#newest.get(target);
    if (job?.id === id) job.isGone = true;
  }

  /** The id of the disk's newest job, unless its last event has been passed on. */
  liveOn(target: string): string | undefined {
    const job = this.#newest.get(target);
    return job?.isGone === false ? job.id : undefined;
  }

  isLeftToLibvirt({ id, status }: QueriedJob): boolean {
    const since = status === 'concluded' ? this.#concluded.get(id) : undefined;
    return since !== undefined && this.#clock.now() - since < LEFT_TO_LIBVIRT_MS;
  }
}
