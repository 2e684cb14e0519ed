// The two queries of one session, asked back to back so that their replies are close. In: who needs them. Out: one merged picture,
// called at the place of the last reply in the byte stream: events before it are included, later ones are newer.
import type { BlockJobInfo, JobInfo, QmpReply, QmpSession } from '../../qmp/index.js';
import type { QueriedJob } from '../port.js';
import { mergeQueries } from './queried-job.js';

export interface QueriesOptions {
  /** Milliseconds to the replies; past it QEMU's main loop is `stalled` and the queries are asked again. */
  timeoutMs: number;
  /** Called before each pair is written. */
  asked: () => void;
  /** A merged picture. `legacy`: QEMU before 3.0. */
  merge: (shown: QueriedJob[], legacy: boolean) => void;
  stalled: (is: boolean) => void;
}

export class Queries {
  readonly #session: QmpSession;
  readonly #options: QueriesOptions;
  #commands: ReadonlySet<string> | undefined;
  #running: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;
  #closed = false;

  constructor(session: QmpSession, options: QueriesOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** Whether this QEMU has a command, by query-commands; all are assumed until it has answered. */
  has(command: string): boolean {
    return this.#commands?.has(command) ?? true;
  }

  /** Asks after this call, even where a query is under way: its reply may be older than what the caller knows. */
  fresh(): Promise<boolean> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  /** The query that is under way, or a new one. */
  current(): Promise<boolean> {
    return this.#running ?? this.#start();
  }

  close(): void {
    this.#closed = true;
  }

  #start(): Promise<boolean> {
    this.#running = this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #ask(): Promise<boolean> {
    const { timeoutMs } = this.#options;
    while (!this.#closed) {
      if (!this.#commands) {
        const reply = await this.#session.execute('query-commands', {}, { timeoutMs });
        if (reply.kind === 'return') this.#commands = new Set(reply.value.map(({ name }) => name));
        else if (!this.#again(reply)) return false;
        continue;
      }
      const reply = await this.#pair(this.#commands.has('query-jobs'));
      if (reply.kind === 'return') {
        this.#options.stalled(false);
        return true;
      }
      if (!this.#again(reply)) return false;
    }
    return false;
  }

  /** Only a stalled main loop is asked again; the caller's own bound is elsewhere. */
  #again(reply: QmpReply): boolean {
    if (reply.kind !== 'timeout' || this.#closed) return false;
    this.#options.stalled(true);
    return true;
  }

  #pair(both: boolean): Promise<QmpReply> {
    return new Promise((resolve) => {
      const { timeoutMs } = this.#options;
      this.#options.asked();
      let blockJobs: readonly BlockJobInfo[] | undefined;
      const finish = (jobs: readonly JobInfo[] | undefined) => {
        // Refused or late: one half of the picture is none.
        if (!blockJobs) return;
        if (!this.#closed) this.#options.merge(mergeQueries(blockJobs, jobs), !both);
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
