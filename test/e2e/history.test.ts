// The history of runs on the page: runs of weeks ago after a reload and a restart, older ones on request, and the page of one of them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeLine, recordOf } from '../../src/history/record.js';
import { formatMicros } from '../../src/protocol/time.js';
import { startSimulator } from '../../src/simulator/index.js';
import { newFolder } from '../support/folder.js';
import { DAY, endedRun } from '../support/run-history.js';
import { haveBrowser, openPage, rowOf } from './support/browser.js';
import { startGateway } from './support/process.js';

const MIB = 1024 * 1024;
const WEEKS_AGO = Date.now() * 1_000 - 21 * 24 * 3_600 * 1_000_000;

/** A folder with 150 runs of three weeks ago. */
function folderOfRuns(): string {
  const data = newFolder();
  mkdirSync(join(data, 'history'));
  const lines = Array.from({ length: 150 }, (_, n) => {
    const isFailed = n === 149;
    const settled = {
      ...{ len: 64 * MIB, offset: 32 * MIB, requestedBy: n % 2 === 0 ? ['ci'] : [] },
      ...(isFailed && { outcome: 'failed' as const, error: 'No space left on device' }),
    };
    const run = endedRun(`old:${n}`, 0, { job: `backup${n}`, settled });
    const time = formatMicros(WEEKS_AGO + n * 60_000_000);
    const startedAt = WEEKS_AGO + n * 60_000_000 - 90_000_000;
    const progress = Array.from({ length: 9 }, (_each, at) => [at * 10_000, at * 4 * MIB, 64 * MIB] as const);
    return encodeLine(recordOf({ settled: { ...run.settled, time }, startedAt }, DAY), progress);
  });
  writeFileSync(join(data, 'history', '00000001-2026-01.jsonl'), lines.join(''));
  return data;
}

describe.skipIf(!haveBrowser)('the history on the page', () => {
  it('has runs of weeks ago, more of them on request, and the page of each', async () => {
    const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
    onTestFinished(() => simulator.close());
    const { port } = simulator.address as { port: number };
    const gateway = await startGateway({ vm1: `tcp:127.0.0.1:${port}` }, ['--data', folderOfRuns()]);
    const page = await openPage(gateway.url);
    const count = page.getByTestId('count');
    await page.getByRole('button', { name: 'Ended' }).click();
    await expect.poll(() => count.innerText()).toBe('100');
    const failed = rowOf(page, 'backup149');
    await failed.getByText('No space left on device').waitFor();
    await expect.poll(() => failed.locator('.cell-size').innerText()).toBe('64.0 MiB');
    await failed.getByText('1 min 30 s').waitFor();
    await rowOf(page, 'backup148').getByText('by ci').waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await expect.poll(() => count.innerText()).toBe('150');
    await expect.poll(() => page.getByRole('button', { name: 'More' }).count()).toBe(0);

    // A run that ends while the page is open is there too, with its duration.
    simulator.jobs.start({ id: 'fresh', type: 'backup', len: MIB, bytesPerSecond: 100 * MIB });
    await rowOf(page, 'fresh').getByText('completed').waitFor();
    await expect.poll(() => rowOf(page, 'fresh').locator('.cell-elapsed').innerText()).toMatch(/\d m?s$/);
    await expect.poll(() => count.innerText()).toBe('151');

    await failed.getByRole('link').click();
    await page.getByRole('heading', { name: 'backup149' }).waitFor();
    await page.getByTestId('duration').getByText('1 min 30 s').waitFor();
    await expect.poll(() => page.getByTestId('outcome').innerText()).toContain('No space left on device');
    await page.locator('.plot canvas').waitFor();
    // Its events are gone from the log: the story is that of its record.
    const story = page.locator('.timeline');
    await story.getByText('It began.').waitFor();
    await story.getByText('failed: No space left on device').waitFor();
    await page.getByRole('slider', { name: 'Moment of the run' }).focus();
    await page.keyboard.press('Home');
    await story.locator('.is-here', { hasText: 'It began.' }).waitFor();
    await expect.poll(() => page.getByTestId('place').innerText()).toContain('0.0 % · It began.');
    await gateway.kill();
    await gateway.start();
    await page.reload();
    await page.getByTestId('duration').getByText('1 min 30 s').waitFor();
  }, 60_000);

  it('tells a run by its plot and its story together', async () => {
    const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
    onTestFinished(() => simulator.close());
    const { port } = simulator.address as { port: number };
    simulator.jobs.start({ id: 'drive0', type: 'mirror', len: 16 * MIB, bytesPerSecond: 8 * MIB });
    simulator.jobs.setSpeed('drive0', MIB / 4);
    const gateway = await startGateway({ vm1: `tcp:127.0.0.1:${port}` });
    const page = await openPage(`${gateway.url}#/job/vm1/drive0`);
    const story = page.locator('.timeline');
    // READY comes after the first figures of the plot, however slowly the page is opened: else its place is not on it.
    await page.locator('.plot canvas').waitFor();
    simulator.jobs.setSpeed('drive0', 0);
    await story.locator('[data-type="BLOCK_JOB_READY"]').waitFor();
    const here = story.locator('.is-here');
    const cursor = page.locator('.plot .u-cursor-x');
    const placeOfCursor = (): Promise<string> =>
      cursor.evaluate((line) => (line as unknown as { style: { transform: string } }).style.transform);

    // Over the plot: its end is after READY, its beginning before.
    const plot = page.locator('.plot .u-over');
    const { width = 0, height = 0 } = (await plot.boundingBox()) ?? {};
    await plot.hover({ position: { x: width - 2, y: height / 2 } });
    await expect.poll(() => here.count()).toBe(1);
    const atEnd = await page.getByTestId('place').innerText();
    await plot.hover({ position: { x: 2, y: height / 2 } });
    await expect.poll(() => page.getByTestId('place').innerText()).not.toBe(atEnd);

    // And the other way round: by pointer and by keyboard over the story.
    const before = await placeOfCursor();
    await story.locator('[data-type="BLOCK_JOB_READY"]').hover();
    await expect.poll(placeOfCursor).not.toBe(before);
    await expect.poll(() => here.getAttribute('data-type')).toBe('BLOCK_JOB_READY');
    // New figures make the plot longer: the moment stays, so its place moves.
    const marked = await page.getByTestId('place').innerText();
    const ofReady = await placeOfCursor();
    await expect.poll(placeOfCursor).not.toBe(ofReady);
    expect(await page.getByTestId('place').innerText()).toBe(marked);
    await page.keyboard.press('k');
    await expect.poll(() => here.getAttribute('data-type')).not.toBe('BLOCK_JOB_READY');
    await expect.poll(() => page.locator('.is-here :focus').count()).toBe(1);
  });
});
