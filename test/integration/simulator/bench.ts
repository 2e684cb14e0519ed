// A negotiated client of the simulator or of the real daemon, with the same block nodes, and its messages as comparable lines.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../../../src/simulator/index.js';
import {
  addBroken,
  addNull,
  addOverlay,
  addRandomFile,
  addThrottled,
  connectQemu,
  startQemu,
} from '../../support/qemu.js';
import { connectRaw, type Message, type RawClient } from '../../support/qmp-raw.js';

export type Peer = 'simulator' | 'qemu-storage-daemon';
const MIB = 1024 * 1024;
const SIZE = 4 * MIB;

/**
 * The nodes: `src`, `src2` full of random bytes; `tgt`, `tgt2` at once; `slow` keeps I/O in flight for half a second;
 * `bad` fails one write at 1 MiB (`bad-nospace` with ENOSPC, `bad-always` for ever); there is no `nosuch`.
 */
export interface Bench {
  client: RawClient;
  address: { path: string };
  /** Makes `base` <- `mid` <- `top`, empty overlays: for stream and commit. */
  chain(): Promise<void>;
  /** A folder for blockdev-create. */
  folder: string;
  close(): Promise<void>;
}

async function simulated(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'sim-'));
  const address = { path: join(folder, 'qmp.sock') };
  const simulator = await startSimulator({ listen: address });
  for (const name of ['src', 'src2']) simulator.jobs.node(name, { len: SIZE });
  simulator.jobs.node('slow', { drainMs: 300, bytesPerSecond: MIB });
  simulator.jobs.node('bad', { failAt: MIB });
  simulator.jobs.node('bad-nospace', { failAt: MIB, error: 'No space left on device' });
  simulator.jobs.node('bad-read', { len: SIZE, failAt: MIB, operation: 'read' });
  simulator.jobs.node('nosuch', { missing: true });
  const client = await (await connectRaw(address)).negotiate(['oob']);
  const close = async (): Promise<void> => {
    client.close();
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  };
  simulator.jobs.node('lost', { error: 'No such file or directory', failAt: 0 });
  return { client, address, folder, chain: async () => {}, close };
}

async function real(): Promise<Bench> {
  const qemu = await startQemu();
  const client = await (await connectQemu(qemu)).negotiate(['oob']);
  for (const name of ['src', 'src2', 'under']) await addRandomFile(client, qemu.folder, name, SIZE);
  for (const name of ['tgt', 'tgt2']) await addNull(client, name, SIZE);
  await addThrottled(client, 'slow', SIZE, 2 * MIB);
  await addBroken(client, 'bad', SIZE, { at: MIB, once: true });
  await addBroken(client, 'bad-nospace', SIZE, { at: MIB, errno: 28, once: true });
  await addBroken(client, 'bad-read', SIZE, { at: MIB, iotype: 'read', once: true }, 'under');
  return {
    client,
    address: { path: qemu.path },
    folder: qemu.folder,
    chain: async () => {
      await addNull(client, 'base', SIZE);
      await addOverlay(client, qemu.folder, 'mid', SIZE, 'base');
      await addOverlay(client, qemu.folder, 'top', SIZE, 'mid');
    },
    close: async () => {
      client.close();
      await qemu.close();
    },
  };
}

export const openBench = (peer: Peer): Promise<Bench> => (peer === 'simulator' ? simulated() : real());

interface Row {
  id?: string;
  device?: string;
  type: string;
  status: string;
  paused?: boolean;
  ready?: boolean;
  'io-status'?: string;
  error?: string;
}

function row(info: Row): string {
  const marks = [info.paused ? 'paused' : '', info.ready ? 'ready' : '', info['io-status'] ?? '', info.error ?? ''];
  return [info.id ?? info.device, info.type, info.status, ...marks].filter((part) => part !== '').join(' ');
}

/** One message as one line. Progress only where it is certain: in what ended well. */
export function line(message: Message): string {
  if ('return' in message) {
    const value = message.return;
    return Array.isArray(value) ? `[${(value as Row[]).map(row).join('; ')}]` : 'return';
  }
  if ('error' in message) {
    const error = message.error as { class: string; desc: string };
    return `${error.class}: ${error.desc}`;
  }
  const data = (message.data ?? {}) as Record<string, string | number>;
  const name = String(message.event).replace('BLOCK_JOB_', '');
  if (name === 'JOB_STATUS_CHANGE') return `${data.id} ${data.status}`;
  if (name === 'ERROR') return `ERROR ${data.device} ${data.operation} ${data.action}`;
  if (name === 'PENDING') return `PENDING ${data.id} ${data.type}`;
  const well = name !== 'CANCELLED' && !('error' in data);
  const progress = well ? (data.offset === data.len ? ' full' : ' partial') : '';
  return `${name} ${data.device} ${data.type}${progress}${'error' in data ? ` (${data.error})` : ''}`;
}
