// One command for many jobs, and commands from the list, in a real browser before simulated QEMUs.
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { goTo, haveBrowser, openPage, rowOf } from './support/browser.js';
import { startGateway } from './support/process.js';

const MIB = 1024 * 1024;

async function begin() {
  const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
  onTestFinished(() => simulator.close());
  const { port } = simulator.address as { port: number };
  for (const id of ['drive0', 'drive1', 'drive2'])
    simulator.jobs.start({ id, type: 'backup', len: 1024 * MIB, bytesPerSecond: 4 * MIB });
  simulator.jobs.start({ id: 'synced', type: 'mirror', len: MIB, bytesPerSecond: 100 * MIB });
  const gateway = await startGateway({ vm1: `tcp:127.0.0.1:${port}` });
  const page = await openPage(gateway.url);
  await rowOf(page, 'synced').getByText('in sync').waitFor();
  return { simulator, page, dialog: page.getByRole('dialog') };
}

describe.skipIf(!haveBrowser)('many jobs at once', () => {
  it('are aborted with each answer shown, though one of them fails and one is left out', async () => {
    const { simulator, page, dialog } = await begin();
    await rowOf(page, 'drive2').getByRole('button', { name: 'Actions for drive2' }).click();
    await dialog.getByRole('button', { name: 'Pause' }).click();
    await rowOf(page, 'drive2').getByText('paused', { exact: true }).waitFor();
    await page.getByTestId('said').getByText('drive2: Pause: QEMU has accepted.').waitFor();

    await page.keyboard.press('*');
    await page
      .getByTestId('chosen')
      .getByRole('button', { name: /^Abort 4/ })
      .waitFor();
    await page.keyboard.press('a');
    // What will happen is said beforehand, to each.
    await dialog.locator('[data-job="synced"]').getByText('finishes the copy instead').waitFor();
    const excluded = dialog.getByTestId('excluded').locator('[data-job="drive2"]');
    await excluded.getByText('Use force, or resume it first').waitFor();
    simulator.faults.refuseNextCommand('block-job-cancel', { class: 'GenericError', desc: 'the disk is busy' });
    await dialog.getByRole('button', { name: 'Abort: 3 jobs' }).click();

    await expect.poll(() => page.getByTestId('tally').innerText()).toBe('2 done · 1 failed');
    const failed = dialog.locator('[data-progress="failed"]');
    await expect.poll(() => failed.getByText('QEMU says: the disk is busy').count()).toBe(1);
    await dialog.locator('[data-job="drive0"]').getByText('QEMU cancelled the job, as requested.').waitFor();
    await dialog.locator('[data-job="drive2"]').getByText('Use force, or resume it first').waitFor();

    // Only the one that failed is tried again.
    await dialog.getByRole('button', { name: 'Try 1 again…' }).click();
    await dialog.getByRole('button', { name: 'Abort: 1 job', exact: true }).click();
    await expect.poll(() => page.getByTestId('tally').innerText()).toBe('1 done');
    await dialog.locator('[data-job="synced"]').getByText('The job completed instead').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect.poll(() => page.locator('.row').count()).toBe(1);
  });

  it('have their speed limited', async () => {
    const { page, dialog } = await begin();
    await rowOf(page, 'drive0').getByRole('checkbox').check();
    await rowOf(page, 'drive1').getByRole('checkbox').check();
    await page.keyboard.press('M');
    await page
      .getByTestId('chosen')
      .getByRole('button', { name: /^Limit speed 2/ })
      .click();
    await dialog.getByRole('spinbutton').fill('2');
    await dialog.locator('[data-job="drive0"]').getByText('Its limit becomes 2.00 MiB/s.').waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByTestId('tally').innerText()).toBe('2 done');
  });
});

describe.skipIf(!haveBrowser)('a dialog', () => {
  it('that was left with its page is not there when one comes back', async () => {
    const { page, dialog } = await begin();
    await rowOf(page, 'drive0').getByRole('link').click();
    await page.getByRole('heading', { name: 'drive0' }).waitFor();
    await page.keyboard.press('Backspace');
    await rowOf(page, 'drive1').getByRole('link').focus();
    await page.keyboard.press('a');
    await dialog.getByText('drive1').first().waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'drive0' }).waitFor();
    await page.goForward();
    await rowOf(page, 'drive1').waitFor();
    await page.keyboard.press('?');
    await dialog.getByRole('heading', { name: 'Keys' }).waitFor();
    expect(await dialog.count()).toBe(1);
  });

  it('of an abort is about the job for which it was opened, and not about one that has its id since', async () => {
    const { simulator, page, dialog } = await begin();
    await goTo(page, '#/job/vm1/drive0/of-another-gateway:7');
    await page.getByTestId('renamed').waitFor();
    const run = await page.locator('.copies .mono').innerText();
    await page.getByRole('button', { name: 'Abort…' }).click();
    simulator.jobs.cancel('drive0');
    await page.getByTestId('outcome').waitFor();
    simulator.jobs.start({ id: 'drive0', type: 'backup', len: 1024 * MIB, bytesPerSecond: 4 * MIB });
    await expect.poll(() => page.locator('.copies .mono').innerText()).not.toBe(run);
    await dialog.getByRole('button', { name: 'Abort', exact: true }).click();
    await expect.poll(() => dialog.getAttribute('data-stage')).toMatch(/settled|refused/);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await goTo(page, '#/');
    await rowOf(page, 'synced').waitFor();
    expect(simulator.jobs.list().find((job) => job.id === 'drive0')?.status).toBe('running');
  });
});

describe.skipIf(!haveBrowser)('the keyboard', () => {
  it('is at the neighbour of a job that has left the list, and in the page after the link that skips its head', async () => {
    const { simulator, page } = await begin();
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator(':focus').getAttribute('id')).toBe('main');
    const place = Number(await rowOf(page, 'drive1').getAttribute('data-index'));
    for (let n = 0; n <= place; n += 1) await page.keyboard.press('j');
    await page.locator('.row[data-job="drive1"]:has(:focus)').waitFor();
    simulator.jobs.cancel('drive1');
    await expect.poll(() => page.locator('.row').count()).toBe(3);
    await page.keyboard.press('j');
    await expect.poll(() => page.locator('.row:has(:focus)').getAttribute('data-index')).toBe(String(place));
  });
});

describe.skipIf(!haveBrowser)('the menu of a row', () => {
  it('is opened, walked and used by keyboard, and the focus comes back to the list', async () => {
    const { page, dialog } = await begin();
    await page.keyboard.press('j');
    await page.keyboard.press('m');
    await dialog.waitFor();
    const first = await dialog.locator('button').first().innerText();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => page.locator('dialog :focus').innerText()).not.toBe(first);
    await page.keyboard.press('Escape');
    await expect.poll(() => dialog.count()).toBe(0);
    await expect.poll(() => page.locator('.row :focus').count()).toBe(1);
  });

  it('asks before it completes a job, and says that this can’t be undone', async () => {
    const { page, dialog } = await begin();
    await rowOf(page, 'synced').getByRole('button', { name: 'Actions for synced' }).click();
    await dialog.getByRole('button', { name: 'Complete' }).click();
    await dialog.getByText('QEMU ends the copy and switches the disk to it.').waitFor();
    await dialog.getByText('This can’t be undone').waitFor();
    await dialog.getByRole('button', { name: 'Complete: 1 job' }).click();
    await expect.poll(() => page.getByTestId('tally').innerText()).toBe('1 done');
    await dialog.locator('[data-job="synced"] .badge', { hasText: 'completed' }).waitFor();
  });
});

describe.skipIf(!haveBrowser)('the list', () => {
  it('is printed whole, beyond the rows in sight', async () => {
    const { simulator, page } = await begin();
    for (let n = 0; n < 60; n += 1)
      simulator.jobs.start({ id: `more${n}`, type: 'backup', len: 1024 * MIB, bytesPerSecond: MIB });
    await expect.poll(() => page.getByTestId('count').innerText()).toBe('64');
    await expect.poll(() => page.locator('.row').count()).toBeLessThan(60);
    await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
    await expect.poll(() => page.locator('.row').count()).toBe(64);
    await page.evaluate(`dispatchEvent(new Event('afterprint'))`);
    await expect.poll(() => page.locator('.row').count()).toBeLessThan(60);
  });

  it('has the sources in one line where the window is narrow', async () => {
    const { page } = await begin();
    for (const width of [390, 768]) {
      await page.setViewportSize({ width, height: 844 });
      await expect.poll(async () => (await page.locator('.sources').boundingBox())?.height).toBeLessThan(48);
    }
  });
});
