// One disk of the demo on the demo's own QEMU: a job, a rest, another job, without end.
import { setTimeout as sleep } from 'node:timers/promises';
import { filter, firstValueFrom, fromEvent, map, type Observable, takeUntil } from 'rxjs';
import { ofType, type QmpCommandName, type QmpSession } from '../qmp/index.js';

/** From and to; each value is chosen anew between them. */
export type Span = readonly [number, number];

export interface Pace {
  /** Milliseconds between two jobs. */
  restMs: Span;
  /** Milliseconds for which a mirror stays READY before the demo completes it. */
  readyMs: Span;
  /** Milliseconds for which a job stays stopped at an error before the demo resumes it. */
  stoppedMs: Span;
  /** Bytes per second of a job; 0 is unlimited. */
  speed: Span;
}

export const PACE: Pace = {
  restMs: [1_500, 6_000],
  readyMs: [4_000, 15_000],
  stoppedMs: [12_000, 12_000],
  speed: [1 << 20, 5 << 20],
};

export interface DiskOptions {
  session: QmpSession;
  disk: string;
  /** What is copied, and its length in bytes. */
  file: string;
  bytes: number;
  /** Milliseconds before the first job. */
  delayMs: number;
  pace: Pace;
  /** Uniform in [0, 1). */
  random(): number;
  /** Called with what QEMU refused, as a text for people. */
  report(problem: string): void;
  signal: AbortSignal;
}

const MIB = 1024 * 1024;
const SECTOR = 512;
const ENOSPC = 28;

/** Ends when `signal` is aborted or QEMU has gone. What QEMU refuses is reported, and the next job comes after the rest. */
export async function runDisk(options: DiskOptions): Promise<void> {
  const { session, disk, file, bytes, delayMs, pace, random, report, signal } = options;
  const pick = ([min, max]: Span): number => Math.round(min + random() * (max - min));
  const rest = (span: Span, end: AbortSignal): Promise<boolean> =>
    sleep(pick(span), true, { signal: end }).catch(() => false);

  /** Whether QEMU accepted a command that the gateway itself never writes: the demo creates its jobs on its own QEMU. */
  const run = (name: string, args: object, accepted: () => void = () => undefined): Promise<boolean> =>
    new Promise((resolve) =>
      session.request(name as QmpCommandName, args as never, (reply) => {
        if (reply.kind === 'return') accepted();
        if (reply.kind === 'error') report(`${disk}: QEMU refused ${name}: ${reply.desc}`);
        if (reply.kind === 'timeout') report(`${disk}: QEMU did not answer ${name}`);
        if (reply.kind === 'closed') gone.abort();
        resolve(reply.kind === 'return');
      }),
    );

  /** The first event of a stream; `undefined` if the stream ends before. */
  const first = <Value>(values$: Observable<Value>, end: AbortSignal): Promise<Value | undefined> =>
    firstValueFrom(values$.pipe(takeUntil(fromEvent(end, 'abort'))), { defaultValue: undefined });
  const status = (wanted: string, end: AbortSignal): Promise<string | undefined> =>
    first(
      session.events$.pipe(
        ofType('JOB_STATUS_CHANGE'),
        filter(({ data }) => data.id === disk && data.status === wanted),
        map(({ data }) => data.status),
      ),
      end,
    );

  const gone = new AbortController();
  const stop = AbortSignal.any([signal, gone.signal]);
  await run('blockdev-add', { driver: 'file', 'node-name': `${disk}-disk`, filename: file, 'read-only': true });
  await rest([delayMs, delayMs], stop);
  for (let round = 1; !stop.aborted; round++) {
    await playRound(`${disk}-copy${round}`);
  }

  /**
   * Each job has its own target: a mirror that completes leaves its target read-only, as the disk is. And its own user of the disk, an export
   * where a guest would be, which a completed mirror moves to the target: by it the block graph proves where the disk is.
   */
  async function playRound(target: string): Promise<void> {
    const luck = random();
    const trouble = luck < 0.12 ? 'report' : luck < 0.25 ? 'stop' : undefined;
    const image = { driver: 'null-co', size: bytes };
    const at = Math.floor((bytes * (0.2 + random() * 0.6)) / SECTOR);
    const error = { event: 'none', iotype: 'write', errno: ENOSPC, once: true, sector: at };
    const node = trouble === undefined ? image : { driver: 'blkdebug', image, 'inject-error': [error] };
    const isAdded = await run('blockdev-add', { ...node, 'node-name': target });
    const id = `${disk}-user`;
    const isUsed = isAdded && (await run('block-export-add', { type: 'nbd', id, 'node-name': `${disk}-disk` }));
    if (isUsed) await copy(target, random() < 0.55, trouble);
    // The user stays where the job left it during the rest, so that a query of the block graph after the end still finds it.
    await rest(pace.restMs, stop);
    if (isUsed && !stop.aborted) await release(id);
    if (isAdded && !stop.aborted) await run('blockdev-del', { 'node-name': target });
  }

  async function release(id: string): Promise<void> {
    const released = first(
      session.events$.pipe(
        ofType('BLOCK_EXPORT_DELETED'),
        filter(({ data }) => data.id === id),
      ),
      stop,
    );
    if (await run('block-export-del', { id, mode: 'hard' })) await released;
  }

  async function copy(target: string, mirror: boolean, trouble: 'report' | 'stop' | undefined): Promise<void> {
    const over = new AbortController();
    const during = AbortSignal.any([stop, over.signal]);
    // Events before the reply may belong to another client's job with the same id.
    let ended: Promise<unknown> = Promise.resolve();
    const accepted = (): void => {
      ended = status('null', stop);
    };
    const ready = status('ready', during);
    // The BLOCK_JOB_ERROR event and not the status: QEMU pauses a job for a moment when it is created, without any error.
    const stopped = first(
      session.events$.pipe(
        ofType('BLOCK_JOB_ERROR'),
        filter(({ data }) => data.device === disk && data.action === 'stop'),
      ),
      during,
    );
    const options = {
      'job-id': disk,
      device: `${disk}-disk`,
      target,
      sync: 'full',
      speed: pick(pace.speed),
      // Without this a mirror copies 16 MiB at once, and its progress would jump.
      ...(mirror && { 'buf-size': MIB }),
      ...(trouble && { 'on-target-error': trouble }),
    };
    if (!(await run(mirror ? 'blockdev-mirror' : 'blockdev-backup', options, accepted))) return;
    void stopped.then((error) => (error ? resume(during) : undefined));
    if (mirror) void ready.then((status) => (status === undefined ? undefined : complete(during)));
    await ended;
    over.abort();
  }

  /** Another client may have paused or resumed the job meanwhile; QEMU refuses then, and the demo tries again while the job is there. */
  async function complete(during: AbortSignal): Promise<void> {
    while (await rest(pace.readyMs, during)) if (await quietly('job-complete')) return;
  }

  async function resume(during: AbortSignal): Promise<void> {
    if (await rest(pace.stoppedMs, during)) await quietly('job-resume');
  }

  async function quietly(name: string): Promise<boolean> {
    const reply = await session.execute(name as QmpCommandName, { id: disk } as never);
    return reply.kind === 'return';
  }
}
