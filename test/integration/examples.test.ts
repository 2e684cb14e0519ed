// The examples, run as they are: the service's outcomes each once, whatever happens to its line; the monitor's jobs across a restart of its QEMU.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { startSimulator } from '../../src/simulator/index.js';
import { allUp, startApp } from '../support/app.js';
import { startProxy } from '../support/proxy.js';
import { offsetOf } from './stream/support.js';

/** Connections that are lost one after the other; the client waits longer each time. */
const LOSSES = 4;

it('logs each outcome once across lost connections, its own restart and a frozen line, and reports a restart of the gateway', {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  const path = join(folder, 'vm.sock');
  const simulator = await startSimulator({ listen: { path } });
  onTestFinished(async () => {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  });
  let app = await startApp({ vm1: `unix:${path}` });
  const proxy = await startProxy(() => app.port);
  await allUp(await app.wire());

  const lines: string[] = [];
  const startService = () => {
    const started = spawn(process.execPath, ['examples/outcomes.mjs'], {
      env: {
        ...process.env,
        QMP_GATEWAY_WS_URL: `ws://127.0.0.1:${proxy.port}/v1`,
        CURSOR_FILE: join(folder, 'cursor'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void started.kill('SIGKILL'));
    let rest = '';
    started.stdout.on('data', (chunk) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
    return started;
  };
  let service = startService();
  const settled = (job: string): string[] => lines.filter((line) => line.startsWith(`settled vm1 ${job} `));
  const finish = (job: string): void => {
    simulator.jobs.start({ id: job, type: 'mirror', len: 1 << 20, bytesPerSecond: 1 });
    simulator.jobs.cancel(job);
  };

  const subscribed = async (): Promise<boolean> =>
    /live_subscriptions [1-9]/.test(await (await fetch(`${app.url}metrics`)).text());
  await expect.poll(subscribed).toBe(true);
  finish('first');
  await expect.poll(() => settled('first')).toHaveLength(1);
  for (let round = 0; round < LOSSES; round++) {
    finish(`before${round}`);
    proxy.cut();
    finish(`while${round}`);
    await expect.poll(() => settled(`while${round}`), { timeout: 60_000 }).toHaveLength(1);
  }
  // Killed once it has kept its position, and started again later.
  const newest = await app.wire();
  await newest.call('subscribe', { types: ['GATEWAY_JOB_SETTLED'], last: 1 });
  const { offset } = await newest.typed('GATEWAY_JOB_SETTLED');
  newest.close();
  const kept = async (): Promise<number> => offsetOf(await readFile(join(folder, 'cursor'), 'utf8'));
  await expect.poll(kept).toBeGreaterThanOrEqual(offset);
  service.kill('SIGKILL');
  await expect.poll(subscribed).toBe(false);
  for (const n of [1, 2]) finish(`away${n}`);
  service = startService();
  for (const n of [1, 2]) await expect.poll(() => settled(`away${n}`)).toHaveLength(1);
  // Open, and silent: only the missing bookmarks tell.
  proxy.freeze();
  finish('frozen');
  await expect.poll(() => settled('frozen'), { timeout: 60_000 }).toHaveLength(1);
  const expected = [
    'first',
    'frozen',
    ...['away1', 'away2'],
    ...Array.from({ length: LOSSES }, (_, round) => [`before${round}`, `while${round}`]).flat(),
  ];
  for (const job of expected) expect(settled(job), job).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith('gap'))).toEqual([]);

  for (const round of [1, 2]) {
    await app.close();
    app = await startApp({ vm1: `unix:${path}` });
    await allUp(await app.wire());
    // The new log has this one before the service is back.
    finish(`missed${round}`);
    await expect.poll(() => settled(`missed${round}`), { timeout: 60_000 }).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('gap epoch after '))).toHaveLength(round);
    await expect.poll(subscribed).toBe(true);
    finish(`after${round}`);
    await expect.poll(() => settled(`after${round}`)).toHaveLength(1);
  }
});

it('exits where the gateway refuses it for good', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => void server.close());
  server.on('connection', (socket) => socket.close(4403, 'no'));
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const service = spawn(process.execPath, ['examples/outcomes.mjs'], {
    env: { ...process.env, QMP_GATEWAY_WS_URL: `ws://127.0.0.1:${port}/v1`, CURSOR_FILE: '/nowhere/cursor' },
    stdio: 'ignore',
  });
  onTestFinished(() => void service.kill('SIGKILL'));
  expect(await new Promise((resolve) => service.once('exit', resolve))).toBe(1);
});

it('the QMP client follows the jobs of a monitor across its restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'vm.sock');
  const program = spawn(process.execPath, ['examples/monitor.mjs', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void program.kill('SIGKILL'));
  let said = '';
  program.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  await expect.poll(() => said).toContain('down: absent\n');
  for (const round of [1, 2]) {
    said = '';
    const simulator = await startSimulator({ listen: { path } });
    onTestFinished(() => simulator.close());
    simulator.jobs.start({ id: `copy${round}`, type: 'mirror', len: 1 << 20, bytesPerSecond: 1 });
    await expect.poll(() => said).toContain('up: 1 jobs\n');
    simulator.jobs.cancel(`copy${round}`);
    await expect.poll(() => said).toMatch(new RegExp(`^BLOCK_JOB_CANCELLED copy${round}: \\d+ of 1048576$`, 'm'));
    await simulator.close();
    await expect.poll(() => said).toMatch(/^down: /m);
  }
});

it('is what docs/QMP.md prints', async () => {
  const [example, page] = await Promise.all([
    readFile('examples/monitor.mjs', 'utf8'),
    readFile('docs/QMP.md', 'utf8'),
  ]);
  const code = example.replace(/^\/\/.*\n/, '').replace(/\[path = ('.*')\] = process.*;/, 'path = $1;');
  expect(page).toContain(`\`\`\`js\n${code}\`\`\``);
});

it('is what the README prints', async () => {
  const [example, readme] = await Promise.all([
    readFile('examples/outcomes.mjs', 'utf8'),
    readFile('README.md', 'utf8'),
  ]);
  const code = example.replace(/^(\/\/.*\n)+/, '');
  expect(readme).toContain(`\`\`\`js\n${code}\`\`\``);
});
