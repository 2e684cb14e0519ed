// The total rate of the jobs that are measured in bytes, of which only those that have changed are computed anew. Pure.
import { countsBytes } from 'qmp-gateway/protocol';
import { currentIn } from './current.js';
import { changedSince, type Moment } from './moment.js';
import { paceOf } from './rows.js';

export class Throughput {
  /** Whole bytes per second, so that what is added and taken away again leaves no rest. */
  readonly #rates = new Map<string, number>();
  #total = 0;
  #seen: Moment | undefined;

  /** Bytes per second. */
  at(moment: Moment): number {
    const changed = changedSince(this.#seen, moment);
    // A rate also ends by time alone, when its figures are old.
    const isLater = this.#seen?.now !== moment.now;
    this.#seen = moment;
    if (changed === 'all' || isLater) {
      this.#rates.clear();
      this.#total = 0;
    }
    for (const run of changed === 'all' || isLater ? moment.trails.keys() : changed) this.#set(run, moment);
    return this.#total;
  }

  #set(run: string, { table, phase, trails, now }: Moment): void {
    const job = table.jobs.get(run);
    const pace = job && countsBytes(job.type) && paceOf(job, { trails, isCurrent: currentIn(phase, table), now });
    const rate = Math.round(pace || 0);
    this.#total += rate - (this.#rates.get(run) ?? 0);
    if (rate === 0) this.#rates.delete(run);
    else this.#rates.set(run, rate);
  }
}
