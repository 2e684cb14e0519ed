// One disk of the demo: a job, a rest, another job, for ever. In: a session of ours on the daemon. Out: nothing but what QEMU does.
import { setTimeout as sleep } from 'node:timers/promises';
import { filter, firstValueFrom, map } from 'rxjs';
import { ofType, type QmpCommandName, type QmpReply } from '../qmp/index.js';
import type { OwnSession } from './qemu.js';

export interface DiskOptions {
  session: OwnSession;
  disk: string;
  file: string;
  bytes: number;
  /** Milliseconds before the first job. */
  delayMs: number;
  signal: AbortSignal;
}

const MIB = 1024 * 1024;

export async function livesOfDisk({ session, disk, file, bytes, delayMs, signal }: DiskOptions): Promise<void> {
  // The gateway's vocabulary is closed; the demo creates what it shows, on a daemon of its own.
  const run = (name: string, args: object): Promise<QmpReply> =>
    session.value.execute(name as QmpCommandName, args as never);
  const pick = (min: number, max: number): number => Math.round(min + Math.random() * (max - min));
  const status = (wanted: readonly string[]): Promise<string | undefined> =>
    firstValueFrom(
      session.value.events$.pipe(
        ofType('JOB_STATUS_CHANGE'),
        filter(({ data }) => data.id === disk && wanted.includes(data.status)),
        map(({ data }) => data.status as string),
      ),
      { defaultValue: undefined },
    );
  await run('blockdev-add', { driver: 'file', 'node-name': `${disk}-disk`, filename: file, 'read-only': true });
  await run('blockdev-add', { driver: 'null-co', 'node-name': `${disk}-copy`, size: bytes });
  try {
    await sleep(delayMs, undefined, { signal });
    for (let life = 1; !signal.aborted; life++) {
      const luck = Math.random();
      const trouble = luck < 0.12 ? 'report' : luck < 0.25 ? 'stop' : undefined;
      const target = trouble === undefined ? `${disk}-copy` : `${disk}-bad${life}`;
      if (trouble !== undefined)
        await run('blockdev-add', {
          driver: 'blkdebug',
          'node-name': target,
          image: { driver: 'null-co', size: bytes },
          'inject-error': [{ event: 'none', iotype: 'write', errno: 28, once: true, sector: pick(8, 36) * 2048 }],
        });
      const ended = status(['null']);
      const ready = status(['ready', 'null']);
      const paused = status(['paused', 'null']);
      const mirror = Math.random() < 0.55;
      const options = {
        'job-id': disk,
        device: `${disk}-disk`,
        target,
        sync: 'full',
        speed: pick(1, 5) * MIB,
        // Else a mirror has 16 MiB under way at once, and its bar would jump.
        ...(mirror && { 'buf-size': MIB }),
        ...(trouble && { 'on-target-error': trouble }),
      };
      await run(mirror ? 'blockdev-mirror' : 'blockdev-backup', options);
      if (trouble === 'stop') void resume(paused);
      if (mirror) void complete(ready);
      await ended;
      if (trouble !== undefined) await run('blockdev-del', { 'node-name': target });
      await sleep(pick(1_500, 6_000), undefined, { signal });
    }
  } catch {
    // The demo ends.
  }

  async function complete(ready: Promise<string | undefined>): Promise<void> {
    if ((await ready) !== 'ready') return;
    await sleep(pick(4_000, 15_000), undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await run('job-complete', { id: disk });
  }

  async function resume(paused: Promise<string | undefined>): Promise<void> {
    if ((await paused) !== 'paused') return;
    await sleep(12_000, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await run('job-resume', { id: disk });
  }
}
