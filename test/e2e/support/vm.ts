// A real QEMU with jobs and two monitors, one for the gateway and one for the test; it ends with the test.
import { onTestFinished } from 'vitest';
import { addRandomFile, connectQemu, startQemu } from '../../support/qemu.js';

const MIB = 1024 * 1024;

export interface Vm {
  /** For `--source`. */
  readonly uri: string;
  qmp(command: string, args?: Record<string, unknown>): Promise<unknown>;
  /** QEMU stands still and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** A mirror of random bytes at 256 KiB/s: moves, and does not end by itself in a test. */
  mirror(id: string, more?: Record<string, unknown>): Promise<void>;
  /** A backup that is done as soon as QEMU gets to it. */
  backup(id: string, more?: Record<string, unknown>): Promise<void>;
  /** A mirror that is READY as soon as QEMU gets to it. */
  readyMirror(id: string): Promise<void>;
}

export async function startVm(): Promise<Vm> {
  const qemu = await startQemu({ monitors: 2 });
  onTestFinished(() => qemu.close());
  const raw = await connectQemu(qemu, 1);
  await raw.negotiate();
  const qmp = async (command: string, args: Record<string, unknown> = {}): Promise<unknown> => {
    const reply = await raw.execute(command, args);
    if (!('return' in reply)) throw new Error(`${command}: ${JSON.stringify(reply)}`);
    return reply.return;
  };
  const copy = (id: string, more: object): Promise<unknown> =>
    qmp('blockdev-mirror', { 'job-id': id, device: `${id}-src`, target: `${id}-dst`, sync: 'full', ...more });
  return {
    uri: `unix:${qemu.path}`,
    qmp,
    freeze: () => qemu.stop(),
    thaw: () => qemu.cont(),
    async mirror(id, more = {}) {
      await addRandomFile(raw, qemu.folder, `${id}-src`, 32 * MIB);
      await qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-dst`, size: 32 * MIB });
      await copy(id, { speed: 256 * 1024, 'buf-size': 64 * 1024, granularity: 64 * 1024, ...more });
    },
    async backup(id, more = {}) {
      for (const end of ['src', 'dst'])
        await qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-${end}`, size: MIB, 'read-zeroes': true });
      await qmp('blockdev-backup', { 'job-id': id, device: `${id}-src`, target: `${id}-dst`, sync: 'full', ...more });
    },
    async readyMirror(id) {
      await qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-src`, size: MIB, 'read-zeroes': true });
      await qmp('blockdev-add', { driver: 'null-co', 'node-name': `${id}-dst`, size: MIB });
      await copy(id, {});
    },
  };
}
