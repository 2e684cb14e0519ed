// A log on a real file system that fills up, in a mount namespace of its own.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { MAIN, run } from '../support/cli.js';
import { newFolder } from '../support/folder.js';
import { have } from '../support/required.js';
import { connectWire } from '../support/wire.js';

// A mount namespace needs root, and a container may forbid it.
const mayMount = have('unshare', 'REQUIRE_LIBVIRT', process.getuid?.() === 0);

/** A gateway whose data folder is a file system of so many bytes. */
async function serveOn(size: string, limits: string) {
  const folder = newFolder();
  const [data, socket, config] = [join(folder, 'data'), join(folder, 'qmp'), join(folder, 'gateway.yaml')];
  mkdirSync(data);
  writeFileSync(config, `limits: {${limits}}\n`);
  const sim = await startSimulator({ listen: { path: socket } });
  onTestFinished(() => sim.close());
  const mounted = `mount -t tmpfs -o size=${size} none ${data} && exec "$@"`;
  const gateway = run(
    ['serve', '--source', `vm1=unix:${socket}`, '--listen', '127.0.0.1:0', '--data', data, '--config', config],
    ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounted, 'sh', process.execPath, MAIN],
  );
  const url = /http:\/\/\S+/.exec(await gateway.said(/listens at/))?.[0] ?? '';
  const wire = await connectWire(url);
  onTestFinished(() => wire.close());
  await wire.subscribeFromStart();
  await wire.until(() => wire.events.some(({ type }) => type === 'GATEWAY_SOURCE_SYNCED'));
  /** Takes what room there is, by a file of another's. The mount is seen through the process that has it. */
  const fill = (): void => {
    for (const size of [65_536, 4_096, 512]) {
      try {
        for (;;) appendFileSync(`/proc/${gateway.child.pid}/root${join(data, 'strange.bin')}`, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  };
  return { sim, gateway, wire, url, fill };
}

const PAD = 'x'.repeat(2_000);

it.skipIf(!mayMount)('a disk that another fills: one reset and an alarm; nothing ends', async () => {
  const { sim, gateway, wire, url, fill } = await serveOn('6m', 'logReserveBytes: 0');
  // What the log frees for itself is taken as well, until it has no older file to give.
  while (wire.notifications('reset').length === 0) {
    fill();
    const before = wire.events.length;
    for (let n = 0; n < 100; n++) sim.faults.emit('FLOOD', { n, pad: PAD });
    await wire.until(() => wire.events.length >= before + 100 || wire.notifications('reset').length > 0);
  }
  expect(wire.notifications('reset')).toMatchObject([{ reason: 'epoch' }]);
  expect(await (await fetch(`${url}readyz`)).json()).toEqual({ status: 'ready', degraded: ['log'] });
  expect(gateway.err()).toContain('ENOSPC');
  sim.faults.emit('AFTER');
  await wire.typed('AFTER');
  gateway.child.kill('SIGTERM');
  expect(await gateway.exit).toBe(0);
});

it.skipIf(!mayMount)(
  'a small disk that fills slowly: the quota is what it has room for, and nobody notices',
  async () => {
    const { sim, wire, url } = await serveOn('6m', 'logReserveBytes: 1048576');
    for (let times = 0; times < 40; times++) {
      const before = wire.events.length;
      for (let n = 0; n < 100; n++) sim.faults.emit('STREAM', { n, pad: PAD });
      await wire.until(() => wire.events.length >= before + 100);
    }
    expect(wire.notifications('reset')).toEqual([]);
    expect(await (await fetch(`${url}readyz`)).json()).toEqual({ status: 'ready' });
  },
);
