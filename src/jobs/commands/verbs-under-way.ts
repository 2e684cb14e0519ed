// Commands that wait for their place at a busy monitor, or for QEMU's reply. QEMU knows no runs: a command whose run has ended would act on the next job
// of the id. So one that is not yet written is withdrawn then, and when its caller has gone.
import type { JobVerb } from '../../protocol/types.js';
import type { CommandReply } from '../../sources/index.js';
import type { Run } from '../model/run.js';
import type { TrackSignal } from '../tracking/track-listener.js';
import { jobOf } from './open-termination.js';

/** `withdrawn`: nothing was sent. */
export type VerbReply = CommandReply | { kind: 'withdrawn' };

interface UnderWay {
  run: string;
  verb: JobVerb;
  /** Has no effect on a command that is written. */
  withdraw: () => void;
}

export class VerbsUnderWay {
  /** By source and job id. */
  readonly #ofJob = new Map<string, Set<UnderWay>>();

  /** @param send sends the command; returns what withdraws it, as `sendCommand` does. */
  send(
    { run, verb, signal }: { run: Run; verb: JobVerb; signal: AbortSignal },
    send: (replied: (reply: CommandReply) => void) => () => boolean,
  ): Promise<VerbReply> {
    return new Promise((resolve) => {
      const job = jobOf(run);
      const ofJob = this.#ofJob.get(job) ?? new Set();
      let withdrawSent = (): boolean => false;
      const withdraw = (): void => {
        if (withdrawSent()) end({ kind: 'withdrawn' });
      };
      const each: UnderWay = { run: run.run, verb, withdraw };
      const end = (reply: VerbReply): void => {
        signal.removeEventListener('abort', withdraw);
        ofJob.delete(each);
        if (ofJob.size === 0) this.#ofJob.delete(job);
        resolve(reply);
      };
      this.#ofJob.set(job, ofJob.add(each));
      signal.addEventListener('abort', withdraw, { once: true });
      withdrawSent = send(end);
      if (signal.aborted) withdraw();
    });
  }

  /** Takes the next signal of a tracker. */
  take(signal: TrackSignal): void {
    if (signal.kind !== 'began' && signal.kind !== 'settled') return;
    const run = signal.kind === 'began' ? signal.run : signal.ended.last;
    for (const each of [...(this.#ofJob.get(jobOf(run)) ?? [])]) {
      // A job that has concluded and still has its id may be dismissed.
      const mayStill = each.verb === 'dismiss' && run.settled?.dismissed === false;
      if (signal.kind === 'began' ? each.run !== run.run : each.run === run.run && !mayStill) each.withdraw();
    }
  }
}
