// The browser's own EventSource, on the page of the gateway.
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { startProxy } from '../support/proxy.js';
import { haveBrowser, openPage } from './support/browser.js';
import { startGateway } from './support/process.js';

interface Heard {
  ids: string[];
  numbers: number[];
}

describe.skipIf(!haveBrowser)('EventSource', () => {
  it('reconnects by itself when its line is cut, and misses nothing', async () => {
    const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
    onTestFinished(() => simulator.close());
    const { port } = simulator.address as { port: number };
    const gateway = await startGateway({ sim: `tcp:127.0.0.1:${port}` });
    const proxy = await startProxy(() => Number(new URL(gateway.url).port));
    const page = await openPage(`http://127.0.0.1:${proxy.port}/`);
    await page.evaluate(`
      heard = { ids: [], numbers: [] };
      source = new EventSource('v1/events?types=GUEST_PANICKED');
      source.onmessage = ({ data, lastEventId }) => {
        heard.ids.push(lastEventId);
        heard.numbers.push(JSON.parse(data).data.n);
      };`);
    const heard = (): Promise<Heard> => page.evaluate('heard');
    await expect.poll(() => page.evaluate('source.readyState')).toBe(1);
    for (const n of [1, 2]) simulator.faults.emit('GUEST_PANICKED', { n });
    await expect.poll(async () => (await heard()).numbers).toEqual([1, 2]);
    proxy.cut();
    simulator.faults.emit('GUEST_PANICKED', { n: 3 });
    await expect.poll(async () => (await heard()).numbers).toEqual([1, 2, 3]);
    const { ids } = await heard();
    expect(new Set(ids).size).toBe(3);
  });
});
