// `top` in a terminal: the figures beside long names, the keys, and verbs that are asked for first.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { run } from '../../support/cli.js';
import { runInTerminal, type TerminalRun } from '../../support/terminal.js';
import { openBench } from '../stream/support.js';

const LONG = `backup-${'x'.repeat(80)}-disk17`;
let bench: Awaited<ReturnType<typeof openBench>>;
let top: TerminalRun;
const text = (): string => top.screen().join('\n');
const open = (columns: number): void => {
  top = runInTerminal(['top', '--url', bench.app.url], { columns, rows: 16 });
};

beforeEach(async () => {
  bench = await openBench(['vm1', 'vm2']);
  bench.sim('vm1').jobs.start({ id: LONG, type: 'backup', len: 2 ** 40, bytesPerSecond: 1 << 20 });
  bench.sim('vm2').jobs.start({ id: 'm', type: 'mirror', len: 1, bytesPerSecond: 1 << 20 });
});

describe('top', () => {
  it.each([80, 60])('in %d columns has sources, jobs, rates and its keys', async (columns) => {
    open(columns);
    await expect.poll(text).toMatch(/^sources: 2 of 2 up · jobs: 2, 1 waiting · \S+ [KM]iB\/s/);
    await expect.poll(text).toMatch(/^> +vm1 +backup-\S*…\S*disk17 .*running +\S+ %.* \S+ [KM]iB\/s/m);
    expect(text()).toMatch(/^ +SOURCE +JOB .*STATUS +DONE .*RATE/m);
    expect(text()).toContain('? help · q quit');
    top.type('?');
    await expect.poll(text).toContain('f abort by force');
    top.type('q');
    await expect.poll(text).not.toContain('f abort by force');
    top.type('q');
    expect(await top.exit).toBe(0);
  });

  it('asks before each verb with what it would do, and says why one would be refused', async () => {
    open(120);
    await expect.poll(text).toMatch(/^> +vm1/m);
    top.type('c');
    await expect.poll(text).toContain('only a READY job can be completed');
    top.type('j');
    await expect.poll(text).toMatch(/^> +vm2/m);
    top.type('p');
    await expect.poll(text).toContain('y/n? pause vm2/m: The job stands still until it is resumed.');
    top.type('n');
    await expect.poll(text).not.toContain('y/n?');
    top.type('py');
    await expect.poll(text).toMatch(/vm2 +m +mirror +standby/);
    await expect.poll(text).toContain('vm2/m: pause requested');
    top.type('o');
    await expect.poll(text).toContain('order: type');
  });

  it('has the type of a job that begins while it is open', async () => {
    open(120);
    await expect.poll(text).toMatch(/^> +vm1/m);
    bench.sim('vm2').jobs.start({ id: 'late', type: 'backup', len: 2 ** 40, bytesPerSecond: 1 << 20 });
    await expect.poll(text, { timeout: 5_000 }).toMatch(/vm2 +late +backup +running/);
  });

  it('needs a terminal', async () => {
    const ended = run(['top', '--url', bench.app.url]);
    expect(await ended.exit).toBe(2);
    expect(ended.err()).toContain('jobs --watch');
  });
});

describe.each(['top', 'watch'])('%s in a terminal', (command) => {
  it('without a gateway says so on the terminal’s own screen, and ends with 4', async () => {
    top = runInTerminal([command, '--url', 'http://127.0.0.1:1'], { columns: 200, rows: 16 });
    expect(await top.exit).toBe(4);
    expect(text()).toMatch(/^qmp-gateway: no gateway at http:\/\/127\.0\.0\.1:1: connection refused/);
    expect(top.raw()).not.toContain('reconnecting');
  });

  it('ends with 1 and the reason when the gateway refuses its token later', async () => {
    const gateway = new WebSocketServer({ port: 0, handleProtocols: () => 'qmp-gateway.v1' });
    onTestFinished(() => gateway.close());
    await once(gateway, 'listening');
    const { port } = gateway.address() as AddressInfo;
    const seen = once(gateway, 'connection');
    top = runInTerminal([command, '--url', `http://127.0.0.1:${port}`], { columns: 200, rows: 16 });
    const [socket] = (await seen) as [WebSocket];
    socket.on('message', (data) => {
      const { id, method } = JSON.parse(String(data)) as { id: number; method: string };
      if (method === 'server.info')
        socket.send(
          JSON.stringify({ jsonrpc: '2.0', id, result: { version: '0', epoch: 'e', cursor: 'e:0', features: [] } }),
        );
      else socket.close(4401, 'the token has expired');
    });
    expect(await top.exit).toBe(1);
    expect(text()).toContain('asks for a token');
  });
});

describe('jobs --watch', () => {
  it('prints a row a change where there is no terminal, and draws in place where there is one', async () => {
    const rows = run(['jobs', '-w', '--source', 'vm2', '--no-headers', '--url', bench.app.url]);
    await rows.said(/vm2 +m +mirror +ready/);
    bench.sim('vm2').jobs.cancel('m');
    await rows.said(/vm2 +m +mirror +concluded +(completed|cancelled)/);
    bench.sim('vm2').jobs.start({ id: 'late', type: 'backup', len: 2 ** 40, bytesPerSecond: 1 << 20 });
    await rows.said(/^vm2 +late/m);
    expect(rows.out()).toMatch(/^vm2 +late +backup +\S+ +[\d.]+ % .* \/ 1\.00 TiB/m);
    expect(rows.out()).not.toMatch(/^vm2 +late +\?/m);
    rows.child.kill('SIGINT');
    expect(await rows.exit).toBe(0);
    top = runInTerminal(['jobs', '-w', '--url', bench.app.url], { columns: 80, rows: 10 });
    await expect.poll(text).toMatch(/^SOURCE +JOB[\s\S]*disk17 .*running/m);
  });
});
