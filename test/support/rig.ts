// A real QEMU with two monitors, one for the gateway and one for the test, and a subscribed client; all end with the test.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { Tuning } from '../../src/app.js';
import { allUp, startApp, type TestApp } from './app.js';
import { Cutter } from './cutter.js';
import { addRandomFile, addThrottled, connectQemu, type Qemu, startQemu } from './qemu.js';
import type { RawClient } from './qmp-raw.js';
import type { Wire } from './wire.js';

export const MIB = 1024 * 1024;
export const KIB = 1024;

export interface Rig {
  qemu: Qemu;
  /** The test's own monitor: creates jobs, and is the other client that may meddle. */
  raw: RawClient;
  app: TestApp;
  /** Subscribed to everything. */
  wire: Wire;
  /** Between the gateway and its monitor, with `cuttable`. */
  line: Cutter;
  /** A QMP command that must succeed. */
  qmp(command: string, args?: Record<string, unknown>): Promise<unknown>;
}

export interface RigOptions {
  pretty?: boolean;
  tuning?: Partial<Tuning>;
  /** The gateway is connected through a {@link Cutter}. Default false. */
  cuttable?: boolean;
  /** The gateway shares the source at {@link sharePath}, with these parameters. */
  share?: string;
  /** The folder of the gateway's log; default in memory. */
  data?: string;
  /** Monitors beyond the two; default 0. */
  more?: number;
}

export const sharePath = (qemu: Qemu): string => join(qemu.folder, 'share.sock');

export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const qemu = await startQemu({ monitors: 2 + (options.more ?? 0), pretty: options.pretty ?? false });
  onTestFinished(() => qemu.close());
  const raw = await connectQemu(qemu, 1);
  await raw.negotiate();
  const line = new Cutter(join(qemu.folder, 'line.sock'), qemu.path);
  if (options.cuttable) await line.listen();
  const share = options.share === undefined ? [] : [`vm1=unix:${sharePath(qemu)}?${options.share}`];
  const app = await startApp({ vm1: `unix:${options.cuttable ? line.path : qemu.path}` }, options.tuning, {
    share,
    ...(options.data !== undefined && { data: options.data }),
  });
  const wire = await app.wire();
  await allUp(wire);
  await wire.call('subscribe', {});
  const qmp = async (command: string, args: Record<string, unknown> = {}): Promise<unknown> => {
    const reply = await raw.execute(command, args);
    if (!('return' in reply)) throw new Error(`${command}: ${JSON.stringify(reply)}`);
    return reply.return;
  };
  return { qemu, raw, app, wire, line, qmp };
}

/** A running mirror of `bytes` random bytes that never gets far: `bytesPerSecond` is its own limit. */
export async function slowMirror(
  rig: Rig,
  id: string,
  more: Record<string, unknown> = {},
  bytes = 4 * MIB,
): Promise<void> {
  await addRandomFile(rig.raw, rig.qemu.folder, `${id}-src`, bytes);
  await rig.qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-dst`, size: bytes });
  await rig.qmp('blockdev-mirror', {
    'job-id': id,
    device: `${id}-src`,
    target: `${id}-dst`,
    sync: 'full',
    speed: 64 * KIB,
    ...more,
  });
  await rig.wire.status(id, 'running');
}

/** A mirror that is READY. */
export async function readyMirror(rig: Rig, id: string, more: Record<string, unknown> = {}): Promise<void> {
  await rig.qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-src`, size: MIB, 'read-zeroes': true });
  await rig.qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-dst`, size: MIB });
  await rig.qmp('blockdev-mirror', { 'job-id': id, device: `${id}-src`, target: `${id}-dst`, sync: 'full', ...more });
  await rig.wire.typed('BLOCK_JOB_READY', id);
}

/** A user of a node, as a guest's device would be: an NBD export `<node>-export`, whose backend has no name in the block graph. */
export async function useNode(rig: Rig, node: string): Promise<string> {
  const path = join(rig.qemu.folder, 'nbd.sock');
  const started = await rig.raw.execute('nbd-server-start', { addr: { type: 'unix', data: { path } } });
  if (!('return' in started) && !JSON.stringify(started).includes('already running'))
    throw new Error(JSON.stringify(started));
  await rig.qmp('block-export-add', { type: 'nbd', id: `${node}-export`, 'node-name': node, writable: true });
  return `nbd+unix:///${node}?socket=${path}`;
}

/** Writes to a node as a guest would: by an NBD export, `<node>-export`, which stays. */
export async function writeByNbd(rig: Rig, node: string, bytes: number): Promise<void> {
  await write(await useNode(rig, node), bytes);
}

async function write(uri: string, bytes: number): Promise<void> {
  await promisify(execFile)('qemu-io', ['-f', 'raw', '-c', `write -P 7 0 ${bytes}`, uri]);
}

/** A READY mirror with `dirty` bytes to copy at `bytesPerSecond`: its soft cancel takes as long. */
export async function dirtyMirror(rig: Rig, id: string, dirty: number, bytesPerSecond: number): Promise<void> {
  const size = 64 * MIB;
  await rig.qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-src`, size, 'read-zeroes': true });
  await addThrottled(rig.raw, `${id}-dst`, size, bytesPerSecond);
  // Before the mirror begins, as a guest's device: QEMU 10 overlooks what is written to the source beside the mirror's filter.
  const uri = await useNode(rig, `${id}-src`);
  await rig.qmp('blockdev-mirror', { 'job-id': id, device: `${id}-src`, target: `${id}-dst`, sync: 'none' });
  await rig.wire.typed('BLOCK_JOB_READY', id);
  await write(uri, dirty);
}
