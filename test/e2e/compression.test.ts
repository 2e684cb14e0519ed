// A browser offers compression by itself: the page works with it.
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { haveBrowser, openPage, rowOf } from './support/browser.js';
import { startGateway } from './support/process.js';

describe.skipIf(!haveBrowser)('compressed messages', () => {
  it('bring the jobs to the page', async () => {
    const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
    onTestFinished(() => simulator.close());
    for (let n = 0; n < 40; n += 1) simulator.jobs.start({ id: `job${n}`, type: 'mirror', bytesPerSecond: 1 });
    const { port } = simulator.address as { port: number };
    const gateway = await startGateway({ sim: `tcp:127.0.0.1:${port}` }, ['--compression', 'on']);
    const page = await openPage(gateway.url);
    await rowOf(page, 'job0').waitFor();
    await expect.poll(() => page.getByTestId('count').innerText()).toBe('40');
    simulator.jobs.start({ id: 'late', type: 'mirror', bytesPerSecond: 1 });
    await expect.poll(() => page.getByTestId('count').innerText()).toBe('41');
    const metrics = await (await fetch(`${gateway.url}metrics`)).text();
    expect(Number(/^qmp_gateway_deflated_frames_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  });
});
