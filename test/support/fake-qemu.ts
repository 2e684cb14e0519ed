// A QEMU without a socket or a clock: what a session would write is kept, queries are answered at once, and everything else when the test says so.
import type { QmpReply, QmpSession } from '../../src/qmp/index.js';
import type { Tracked } from './tracked.js';

interface Written {
  name: string;
  args: Record<string, unknown>;
  answer: (reply: QmpReply) => void;
}

interface FakeJob {
  id: string;
  type: string;
  status: string;
  error?: string;
}

const COMMANDS = [
  'block-job-cancel',
  'block-job-set-speed',
  'query-jobs',
  'job-cancel',
  'job-complete',
  'job-pause',
  'job-resume',
  'job-finalize',
  'job-dismiss',
];

export class FakeQemu {
  readonly jobs = new Map<string, FakeJob>();
  /** Commands that are written and not answered, oldest first. */
  readonly written: Written[] = [];
  /** Nothing is answered by itself while it hangs. */
  hangs = false;
  /** Commands wait for a place, and are not written. */
  congested = false;
  readonly #queued = new Set<() => void>();
  readonly #feed: Tracked['feed'];
  readonly #clock: Tracked['clock'];
  readonly #commands: readonly string[];
  #birth = 0;

  constructor({ feed, clock }: Pick<Tracked, 'feed' | 'clock'>, commands: readonly string[] = COMMANDS) {
    this.#feed = feed;
    this.#clock = clock;
    this.#commands = commands;
  }

  /** Resolves when the queries of the connection are merged. */
  async connect(): Promise<void> {
    this.#birth += 1;
    this.#feed({ kind: 'connecting', attempt: this.#birth });
    this.#feed({ kind: 'up', session: this.#session() });
    await settle();
  }

  /** Every pending command is answered as a lost connection does. */
  disconnect(reason: 'closed' | 'absent' = 'closed'): void {
    for (const { answer } of this.written.splice(0)) answer({ kind: 'closed', sent: true });
    this.#feed({ kind: 'down', reason, detail: '', attempt: 1, retryInMs: 1 });
  }

  /** There are places again: what has waited is written. */
  relieve(): void {
    this.congested = false;
    const queued = [...this.#queued];
    this.#queued.clear();
    for (const write of queued) write();
  }

  start(id: string, type = 'mirror'): void {
    this.jobs.set(id, { id, type, status: 'created' });
    this.status(id, 'created', 'running');
  }

  ready(id: string): void {
    this.status(id, 'ready');
    this.raise('BLOCK_JOB_READY', { device: id, type: 'mirror', len: 9, offset: 9, speed: 0 });
  }

  status(id: string, ...statuses: string[]): void {
    for (const status of statuses) {
      const job = this.jobs.get(id);
      if (job) job.status = status;
      if (status === 'null') this.jobs.delete(id);
      this.raise('JOB_STATUS_CHANGE', { id, status });
    }
  }

  /** The events of an end, as QEMU raises them. */
  end(id: string, how: 'completed' | 'cancelled' | 'failed'): void {
    const type = this.jobs.get(id)?.type ?? 'mirror';
    const data = { device: id, type, len: 9, offset: 9, speed: 0 };
    if (how === 'completed') this.status(id, 'waiting', 'pending');
    else this.status(id, 'aborting');
    if (how === 'cancelled') this.raise('BLOCK_JOB_CANCELLED', data);
    else this.raise('BLOCK_JOB_COMPLETED', how === 'failed' ? { ...data, error: 'EIO' } : data);
    this.status(id, 'concluded', 'null');
  }

  raise(type: string, data: object): void {
    this.#feed({ kind: 'event', event: { type, time: null, data } });
  }

  /** Answers the oldest command that is written. @returns its name. */
  reply(reply: QmpReply = { kind: 'return', value: {} }): string {
    const next = this.written.shift();
    if (!next) throw new Error('no command is written');
    next.answer(reply);
    return next.name;
  }

  refuse(desc = 'no', name = 'GenericError'): string {
    return this.reply({ kind: 'error', class: name, desc });
  }

  #session(): QmpSession {
    const request = (
      name: string,
      args: Record<string, unknown>,
      answer: (reply: QmpReply) => void,
      { onWrite, timeoutMs = 30_000 }: { onWrite?: () => void; timeoutMs?: number } = {},
    ): (() => boolean) => {
      const own = this.#value(name);
      if (own !== undefined && !this.hangs) {
        answer(own);
        return () => false;
      }
      const written: Written = { name, args, answer };
      if (this.congested) {
        const stop = this.#clock.after(timeoutMs, () => {
          this.#queued.delete(write);
          answer({ kind: 'timeout', sent: false });
        });
        const write = (): void => {
          stop();
          this.written.push(written);
          onWrite?.();
        };
        this.#queued.add(write);
        return () => {
          stop();
          return this.#queued.delete(write);
        };
      }
      this.written.push(written);
      onWrite?.();
      if (own !== undefined) this.#clock.after(timeoutMs, () => this.#expire(written));
      return () => false;
    };
    const execute = (name: string, args: Record<string, unknown>, options: object): Promise<unknown> =>
      new Promise((resolve) => request(name, args, resolve, options));
    const greeting = { version: { qemu: { major: 9, minor: 0, micro: 0 }, package: '' }, capabilities: [] };
    return { greeting, request, execute } as unknown as QmpSession;
  }

  #expire(written: Written): void {
    const at = this.written.indexOf(written);
    if (at < 0) return;
    this.written.splice(at, 1);
    written.answer({ kind: 'timeout', sent: true });
  }

  #value(name: string): QmpReply | undefined {
    const jobs = [...this.jobs.values()];
    switch (name) {
      case 'query-cpus-fast':
        return { kind: 'return', value: [{ 'thread-id': 1 }] };
      case 'query-commands':
        return { kind: 'return', value: this.#commands.map((each) => ({ name: each })) };
      case 'query-jobs':
        return {
          kind: 'return',
          value: jobs.map((job) => ({ ...job, 'current-progress': 1, 'total-progress': 9 })).reverse(),
        };
      case 'query-block-jobs':
        return {
          kind: 'return',
          value: jobs
            .filter(({ type }) => type !== 'create')
            .map(blockJobOf)
            .reverse(),
        };
      default:
        return undefined;
    }
  }
}

function blockJobOf({ id, type, status }: FakeJob): object {
  return {
    ...{ device: id, type, status, len: 9, offset: 1, speed: 0 },
    ...{ busy: false, paused: false, ready: status === 'ready', 'io-status': 'ok' },
    ...{ 'auto-finalize': true, 'auto-dismiss': true },
  };
}

/** Promises that are due have been taken; no timer runs by that. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
