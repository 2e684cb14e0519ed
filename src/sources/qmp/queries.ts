// The two queries for jobs on one session, written back to back so that their replies are close. The merged result is given at the place of the last
// reply in the byte stream: it includes what earlier events said, and later events are newer.
import type { BlockJobInfo, JobInfo, QmpReply } from '../../qmp/index.js';
import type { QueriedEvents, QueriedJob } from '../port.js';
import { askFeatures, type QemuFeatures, type QmpCaller } from './features.js';
import type { JobQueries } from './job-sync.js';
import { mergeQueries } from './queried-job.js';
import { Turns } from './turns.js';

export interface QueriesOptions {
  /** Milliseconds to the replies; after that QEMU's main loop is `stalled` and the queries are repeated. */
  timeoutMs: number;
  /** Called before each pair is written. */
  asked: () => void;
  /** Called with the merged result. */
  merge: (shown: QueriedJob[], events: QueriedEvents) => void;
  stalled: (is: boolean) => void;
}

export class Queries implements JobQueries {
  readonly #session: QmpCaller;
  readonly #options: QueriesOptions;
  #features: QemuFeatures | undefined;
  readonly #turns = new Turns(() => this.#ask());
  #isProbe = false;
  /** Whether the last reply had jobs. */
  #hasJobs = false;
  #closed = false;

  constructor(session: QmpCaller, options: QueriesOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** Whether this QEMU has a command, by query-commands; until that is answered every command is assumed. */
  has(command: string): boolean {
    return this.#features?.commands.has(command) ?? true;
  }

  fresh(): Promise<boolean> {
    return this.#turns.fresh();
  }

  current(): Promise<boolean> {
    return this.#turns.current();
  }

  /** One command in place of two where there were no jobs, as at most monitors most of the time. */
  probe(): Promise<boolean> {
    this.#isProbe = !this.#hasJobs;
    return this.#turns.current();
  }

  close(): void {
    this.#closed = true;
  }

  async #ask(): Promise<boolean> {
    const { timeoutMs } = this.#options;
    let isProbe = this.#isProbe;
    this.#isProbe = false;
    while (!this.#closed) {
      if (!this.#features) {
        const found = await askFeatures(this.#session, timeoutMs);
        if ('commands' in found) this.#features = found;
        else if (!this.#again(found)) return false;
        continue;
      }
      const features = this.#features;
      const reply = (isProbe ? await this.#all(features) : undefined) ?? (await this.#pair(features));
      isProbe = false;
      if (reply.kind === 'return') {
        this.#options.stalled(false);
        return true;
      }
      if (!this.#again(reply)) return false;
    }
    return false;
  }

  #merge(shown: QueriedJob[], events: QueriedEvents): void {
    this.#hasJobs = shown.length > 0;
    this.#options.merge(shown, events);
  }

  /** Repeats queries only to a stalled main loop; each caller has a bound of its own. */
  #again(reply: QmpReply): boolean {
    if (reply.kind !== 'timeout' || this.#closed) return false;
    this.#options.stalled(true);
    return true;
  }

  /** The list of all jobs alone. Where it is empty the list of block jobs is so too, being a part of it. `undefined`: the pair has to be asked. */
  #all({ commands, legacy, quietCancel }: QemuFeatures): Promise<QmpReply | undefined> {
    if (!commands.has('query-jobs')) return Promise.resolve(undefined);
    const { timeoutMs, asked } = this.#options;
    asked();
    return new Promise((resolve) => {
      this.#session.request(
        'query-jobs',
        {},
        (reply) => {
          const isEmpty = reply.kind === 'return' && reply.value.length === 0;
          if (isEmpty && !this.#closed) this.#merge([], { legacy, quietCancel });
          resolve(isEmpty || reply.kind === 'timeout' ? reply : undefined);
        },
        { timeoutMs },
      );
    });
  }

  #pair({ commands, legacy, quietCancel }: QemuFeatures): Promise<QmpReply> {
    const both = commands.has('query-jobs');
    return new Promise((resolve) => {
      const { timeoutMs } = this.#options;
      this.#options.asked();
      let blockJobs: readonly BlockJobInfo[] | undefined;
      const finish = (jobs: readonly JobInfo[] | undefined) => {
        // The other query was refused or timed out.
        if (!blockJobs) return;
        if (!this.#closed) this.#merge(mergeQueries(blockJobs, jobs), { legacy, quietCancel });
        resolve({ kind: 'return', value: undefined });
      };
      this.#session.request(
        'query-block-jobs',
        {},
        (reply) => {
          if (reply.kind === 'return') blockJobs = reply.value;
          if (reply.kind !== 'return') resolve(reply);
          else if (!both) finish(undefined);
        },
        { timeoutMs },
      );
      if (!both) return;
      this.#session.request(
        'query-jobs',
        {},
        (reply) => {
          if (reply.kind === 'return') finish(reply.value);
          else resolve(reply);
        },
        { timeoutMs },
      );
    });
  }
}
