// What all subscribers of a crash run were sent, over all lives of the gateway, and what of it is wrong.
import type { Entry, Settlement } from '../../src/protocol/index.js';

/** Everything that any subscriber was sent. */
export class Truth {
  readonly entries = new Map<number, { text: string; entry: Entry }>();
  readonly violations: string[] = [];
  /** Runs of which a first snapshot has the settlement: QEMU may dismiss their jobs later, and that event is all that subscribers have of them. */
  readonly settledBefore = new Set<string>();
  epoch: string | undefined;

  wrong(what: string): void {
    if (this.violations.length < 50) this.violations.push(what);
  }

  take(who: string, epoch: string, entry: Entry): void {
    this.epoch ??= epoch;
    if (this.epoch !== epoch) this.wrong(`${who}: the epoch became ${epoch}`);
    const text = JSON.stringify(entry);
    const known = this.entries.get(entry.offset);
    if (!known) this.entries.set(entry.offset, { text, entry });
    else if (known.text !== text) this.wrong(`${who}: ${entry.offset} is ${text}, and was ${known.text}`);
  }

  /** Each run has one settlement, which names everybody whose abort was written before and was not refused. */
  judgeRuns(): number {
    const settled = new Set<string>();
    const runs = new Set<string>();
    const asked = new Map<string, { run: string; by: string }>();
    for (const { entry } of [...this.entries.values()].sort((a, b) => a.entry.offset - b.entry.offset)) {
      const { job, type, data } = entry;
      if (!job) continue;
      runs.add(job.run);
      const {
        command = '',
        verb,
        by = '',
        result,
      } = data as { command?: string; verb?: string; by?: string; result?: string };
      if (type === 'GATEWAY_COMMAND' && verb === 'abort') asked.set(command, { run: job.run, by });
      if (type === 'GATEWAY_COMMAND_ANSWERED' && result === 'refused') asked.delete(command);
      if (type !== 'GATEWAY_JOB_SETTLED') continue;
      if (settled.has(job.run)) this.wrong(`${job.run} settles twice, at ${entry.offset} again`);
      settled.add(job.run);
      const { requestedBy } = data as Settlement;
      for (const { run, by: who } of asked.values())
        if (run === job.run && !requestedBy.includes(who))
          this.wrong(`${run} was aborted by ${who}, and settled as requested by [${requestedBy}]`);
    }
    for (const run of runs)
      if (!settled.has(run) && !this.settledBefore.has(run)) this.wrong(`${run} has no settlement`);
    return settled.size;
  }
}
