// What a person does with jobs, on a real QEMU behind a real gateway in a real browser.
import { describe, expect, it } from 'vitest';
import { haveQemu } from '../support/qemu.js';
import { goTo, haveBrowser, openPage, rowOf } from './support/browser.js';
import { startGateway } from './support/process.js';
import { startVm } from './support/vm.js';

async function begin() {
  const vm = await startVm();
  const gateway = await startGateway({ vm1: vm.uri });
  return { vm, gateway };
}

describe.skipIf(!haveBrowser || !haveQemu)('jobs in the dashboard', () => {
  it('appear by themselves, and their progress moves', async () => {
    const { vm, gateway } = await begin();
    const page = await openPage(gateway.url);
    await page.getByText('No job is running').waitFor();
    await vm.mirror('drive0');
    const row = rowOf(page, 'drive0');
    await row.getByText('running', { exact: true }).waitFor();
    await row.getByText('mirror', { exact: true }).waitFor();
    const bar = row.getByRole('progressbar');
    const first = Number(await bar.getAttribute('data-share'));
    await expect.poll(async () => Number(await bar.getAttribute('data-share'))).toBeGreaterThan(first);
    await expect.poll(() => row.locator('.cell-rate .num').innerText()).toMatch(/^\d.* [KM]iB\/s$/);
  });

  it('are aborted by click: waiting for the end', async () => {
    const { vm, gateway } = await begin();
    await vm.mirror('drive0');
    const page = await openPage(gateway.url);
    await rowOf(page, 'drive0').getByRole('link').click();
    await page.getByRole('button', { name: 'Abort…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Abort', exact: true }).click();
    await page.locator('dialog[data-stage="settled"]').waitFor();
    await expect.poll(() => page.getByTestId('abort-outcome').innerText()).toMatch(/^cancelled$/i);
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('.timeline [data-type="BLOCK_JOB_CANCELLED"]').waitFor();
    await page.locator('.timeline [data-type="GATEWAY_JOB_SETTLED"]').waitFor();
    await expect.poll(() => page.getByTestId('provenance').innerText()).toBe('observed');
  });

  it('are aborted by click: returning at once, and the end comes as an event', async () => {
    const { vm, gateway } = await begin();
    await vm.mirror('drive0');
    const page = await openPage(gateway.url);
    await rowOf(page, 'drive0').getByRole('link').click();
    await page.getByRole('button', { name: 'Abort…' }).click();
    await page.getByRole('radio', { name: 'Return at once' }).check();
    await page.getByRole('checkbox', { name: 'Force' }).check();
    await page.getByRole('button', { name: 'Abort by force' }).click();
    await page.locator('dialog[data-stage="settled"]').waitFor();
    await expect.poll(() => page.getByTestId('abort-outcome').innerText()).toMatch(/^cancelled$/i);
  });

  it('say so when a soft cancel of a READY mirror completes it instead', async () => {
    const { vm, gateway } = await begin();
    await vm.readyMirror('drive0');
    const page = await openPage(gateway.url);
    await rowOf(page, 'drive0').getByText('in sync').waitFor();
    await rowOf(page, 'drive0').getByRole('link').click();
    await page.getByRole('button', { name: 'Abort…' }).click();
    await page.getByText('QEMU finishes the copy instead of cancelling').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Abort', exact: true }).click();
    await page.locator('dialog[data-stage="settled"]').waitFor();
    await expect.poll(() => page.getByTestId('abort-outcome').innerText()).toMatch(/^completed$/i);
    await expect.poll(() => page.getByTestId('abort-text').innerText()).toContain('completed instead');
  });

  it('count the wait against its bound, and say what is known when it has passed', async () => {
    const { vm, gateway } = await begin();
    await vm.mirror('drive0');
    const page = await openPage(gateway.url);
    await rowOf(page, 'drive0').getByRole('link').click();
    await page.getByRole('button', { name: 'Abort…' }).click();
    vm.freeze();
    await page.locator('input[name="bound"]').fill('2');
    await page.getByRole('dialog').getByRole('button', { name: 'Abort', exact: true }).click();
    await expect.poll(() => page.getByTestId('waited').innerText()).toMatch(/^1\.\d s$/);
    await page.locator('dialog[data-stage="refused"]').waitFor();
    await page.getByRole('dialog').getByText('No end yet').waitFor();
    await page.getByText('it may still carry it out').waitFor();
    // It does, and the dialog says so without a word from this page.
    vm.thaw();
    await page.locator('dialog[data-stage="settled"]').waitFor();
    await expect.poll(() => page.getByTestId('abort-outcome').innerText()).toMatch(/^cancelled$/i);
  });

  it('are not waited for past the bound where the gateway itself stands still', async () => {
    const { vm, gateway } = await begin();
    await vm.mirror('drive0');
    const page = await openPage(gateway.url);
    await rowOf(page, 'drive0').getByRole('link').click();
    await page.getByRole('button', { name: 'Abort…' }).click();
    await page.locator('input[name="bound"]').fill('1');
    gateway.freeze();
    await page.getByRole('dialog').getByRole('button', { name: 'Abort', exact: true }).click();
    await page.getByText('the gateway has not answered').waitFor({ timeout: 3_000 });
    gateway.thaw();
    await page.locator('dialog[data-stage="settled"]').waitFor();
    await expect.poll(() => page.getByTestId('abort-text').innerText()).toContain('as requested');
  });

  it('that are pending are at 100 %, and have the principal that finalized them', async () => {
    const { vm, gateway } = await begin();
    await vm.backup('drive0', { 'auto-finalize': false, 'auto-dismiss': false });
    const page = await openPage(gateway.url);
    await rowOf(page, 'drive0').getByText('pending', { exact: true }).waitFor();
    await expect.poll(() => rowOf(page, 'drive0').locator('.percent').innerText()).toBe('100 %');
    await rowOf(page, 'drive0').getByRole('link').click();
    await expect.poll(() => page.getByTestId('percent').innerText()).toBe('100 %');
    await page.getByRole('button', { name: 'Finalize…' }).click();
    await page.getByText('This can’t be undone').waitFor();
    await page.getByRole('button', { name: 'Finalize: 1 job' }).click();
    await page.locator('dialog').getByRole('button', { name: 'Close' }).click();
    await page.getByTestId('outcome').waitFor();
    await expect.poll(() => page.getByTestId('requested-by').innerText()).toMatch(/\(finalize\)$/);
    await goTo(page, '#/?tab=all');
    await rowOf(page, 'drive0').getByText('Holds its id').waitFor();
    await expect.poll(() => rowOf(page, 'drive0').locator('.cell-eta').innerText()).toBe('');
    await expect.poll(() => rowOf(page, 'drive0').locator('.cell-ended').innerText()).toMatch(/^\d\d:\d\d:\d\d$/);
  });

  it('say beforehand what QEMU will refuse, and then that it was refused', async () => {
    const { vm, gateway } = await begin();
    await vm.mirror('drive0', { 'auto-finalize': true });
    await vm.qmp('job-pause', { id: 'drive0' });
    const page = await openPage(gateway.url);
    await rowOf(page, 'drive0').getByText('paused', { exact: true }).waitFor();
    await rowOf(page, 'drive0').getByRole('link').click();
    await page.getByRole('button', { name: 'Abort…' }).click();
    await page.getByText('QEMU refuses to cancel a job that stands still').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Abort', exact: true }).click();
    await page.locator('dialog[data-stage="refused"]').waitFor();
    await page
      .getByRole('dialog')
      .getByText(/paused/)
      .first()
      .waitFor();
  });

  it('offer the verbs that their state allows, and two pages see the same', async () => {
    const { vm, gateway } = await begin();
    await vm.mirror('drive0');
    const [one, two] = [await openPage(gateway.url), await openPage(gateway.url)];
    for (const page of [one, two]) await rowOf(page, 'drive0').getByRole('link').click();
    await one.getByRole('button', { name: 'Pause' }).click();
    for (const page of [one, two]) {
      await page.locator('h1 .badge', { hasText: 'paused' }).waitFor();
      await page.getByRole('button', { name: 'Resume' }).waitFor();
      await expect.poll(() => page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
    }
    await two.getByRole('button', { name: 'Resume' }).click();
    for (const page of [one, two]) await page.locator('h1 .badge', { hasText: 'running' }).waitFor();
    const life = (page: typeof one) => page.locator('.timeline li').allInnerTexts();
    await expect.poll(async () => (await life(one)).join()).toContain('resume requested by');
    await expect.poll(() => life(two)).toEqual(await life(one));
  });
});
