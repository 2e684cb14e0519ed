// How the page calls a person who looks elsewhere, in a real browser before a simulated QEMU.
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { haveBrowser, openPage } from './support/browser.js';
import { openLine } from './support/line.js';
import { startGateway } from './support/process.js';

const MIB = 1024 * 1024;

/** Headless Chromium has no desktop: what the page notifies of is written down, and the page is never in front. */
const RECORD = `
  globalThis.notified = [];
  globalThis.Notification = class {
    static permission = localStorage.getItem('permission') ?? 'default';
    static async requestPermission() {
      localStorage.setItem('permission', 'granted');
      return (Notification.permission = 'granted');
    }
    constructor(title, options) { notified.push({ title, ...options }); this.close = () => {}; globalThis.lastNotified = this; }
  };
  document.hasFocus = () => false;
`;

async function begin() {
  const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
  onTestFinished(() => simulator.close());
  const { port } = simulator.address as { port: number };
  const gateway = await startGateway({ vm1: `tcp:127.0.0.1:${port}` });
  const line = await openLine(gateway.url);
  const page = await openPage(line.url);
  await page.addInitScript(RECORD);
  await page.reload();
  await page.getByText('No job is running').waitFor();
  const fail = (id: string, more: object = {}) =>
    simulator.jobs.start({ id, type: 'backup', len: MIB, bytesPerSecond: 100 * MIB, failAt: 1, ...more });
  return { page, line, fail };
}

const titles = (page: Page) => page.evaluate<string[]>('notified.map(({ title }) => title)');

describe.skipIf(!haveBrowser)('a page in the background', () => {
  it('notifies of nothing until a click allows it, and remembers that it may', async () => {
    const { page, fail } = await begin();
    fail('early');
    // The page has been sent its end; a row of Ended may be there before, from the history.
    await page.goto(`${page.url()}#/events`);
    await page.locator('.event[data-type="GATEWAY_JOB_SETTLED"]').waitFor();
    await page.getByRole('button', { name: 'Notify me' }).click();
    await page.getByTestId('said').getByText('You are notified').waitFor();
    fail('late');
    await expect.poll(() => titles(page)).toEqual(['vm1 / late failed']);
    await page.evaluate('lastNotified.onclick()');
    await page.getByRole('heading', { name: 'late' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Notifies' }).waitFor();
    // What was so before the page was loaded is no news.
    expect(await titles(page)).toEqual([]);
  });

  it('has the count of what needs a decision in its title, and says why and what would help', async () => {
    const { page, fail } = await begin();
    fail('full', { errorAction: 'stop', error: 'No space left on device' });
    await expect.poll(() => page.title()).toBe('(1) Fleet · qmp-gateway');
    await page.locator('.kpi', { hasText: 'Need you' }).getByRole('button').click();
    const job = page.getByTestId('need-you').locator('[data-job="full"]');
    await job.getByText('Free space there, then resume.').waitFor();
    await job.getByRole('button', { name: 'Abort…' }).waitFor();
    await job.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('dialog').getByText('It tries the failed operation again.').waitFor();
  });

  it('notifies once of all that has happened while its connection was lost', async () => {
    const { page, line, fail } = await begin();
    await page.keyboard.press('n');
    await page.getByRole('button', { name: 'Notifies' }).waitFor();
    line.cut();
    await page.getByTestId('offline').waitFor();
    for (let n = 0; n < 20; n += 1) fail(`d${n}`);
    line.mend();
    await expect.poll(() => titles(page)).toEqual(['Jobs: 20 failed']);
  });
});
