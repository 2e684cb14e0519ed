// What the page shows when its connection or the gateway goes away, with a real QEMU.
import { describe, expect, it } from 'vitest';
import { newFolder } from '../support/folder.js';
import { openPath } from '../support/path-proxy.js';
import { haveQemu } from '../support/qemu.js';
import { goTo, haveBrowser, openPage, rowOf } from './support/browser.js';
import { openLine } from './support/line.js';
import { startGateway } from './support/process.js';
import { startVm } from './support/vm.js';

describe.skipIf(!haveBrowser || !haveQemu)('the dashboard over a bad line', () => {
  it('resumes after a cut without a gap', async () => {
    const vm = await startVm();
    const gateway = await startGateway({ vm1: vm.uri });
    const line = await openLine(gateway.url);
    const page = await openPage(line.url);
    await vm.mirror('drive0');
    await rowOf(page, 'drive0').waitFor();
    await goTo(page, '#/events');
    await page.locator('.event[data-type="JOB_STATUS_CHANGE"]').first().waitFor();
    line.cut();
    await page.getByTestId('offline').waitFor();
    await vm.qmp('job-pause', { id: 'drive0' });
    await vm.qmp('job-resume', { id: 'drive0' });
    await vm.qmp('block-job-cancel', { device: 'drive0', force: true });
    line.mend();
    await page.getByTestId('connection').getByText('Live').waitFor();
    await page.locator('.event[data-type="GATEWAY_JOB_SETTLED"]').waitFor();
    const shown = await page
      .locator('.event[data-offset]')
      .evaluateAll((all) =>
        all.map((each) => Number((each as unknown as { dataset: { offset: string } }).dataset.offset)),
      );
    const last = shown[0] ?? 0;
    expect(shown).toEqual(shown.map((_, n) => last - n));
    expect(shown.length).toBeGreaterThan(4);
    expect(await page.getByTestId('reset').count()).toBe(0);
    expect(await page.getByTestId('offline').count()).toBe(0);
  });

  it('shows no speed and no time left that it can’t know', async () => {
    const vm = await startVm();
    const gateway = await startGateway({ vm1: vm.uri });
    const line = await openLine(gateway.url);
    const page = await openPage(line.url);
    await vm.mirror('drive0');
    const speed = rowOf(page, 'drive0').locator('.cell-rate .num');
    const left = rowOf(page, 'drive0').locator('.cell-eta');
    await expect.poll(() => speed.innerText()).toMatch(/iB\/s$/);
    await expect.poll(() => left.innerText()).toMatch(/\d/);
    line.cut();
    await page.getByTestId('offline').waitFor();
    await expect.poll(() => speed.innerText()).toBe('');
    await expect.poll(() => left.innerText()).toBe('');
    await expect.poll(() => page.locator('.kpi', { hasText: 'Throughput' }).innerText()).toMatch(/—/);
    await rowOf(page, 'drive0').getByRole('link').click();
    await expect.poll(() => page.locator('.job-figures div', { hasText: /^Speed/ }).innerText()).toMatch(/—/);
    line.mend();
    await page.getByTestId('connection').getByText('Live').waitFor();
    await expect.poll(() => page.locator('.job-figures div', { hasText: /^Speed/ }).innerText()).toMatch(/iB\/s/);
    // A part of the page that could not be loaded meanwhile is loaded then.
    await page.locator('canvas').waitFor();
  });

  it('follows a job over restarts of the gateway, and so do links that were shared before', async () => {
    const vm = await startVm();
    const gateway = await startGateway({ vm1: vm.uri });
    const page = await openPage(gateway.url);
    await vm.mirror('drive0');
    await rowOf(page, 'drive0').getByRole('link').click();
    await page.getByRole('heading', { name: 'drive0' }).waitFor();
    const shared = page.url();
    for (let round = 0; round < 2; round += 1) {
      const before = await page.locator('.job-head .mono').innerText();
      await gateway.kill();
      await page.getByTestId('offline').waitFor();
      await gateway.start();
      await page.getByTestId('connection').getByText('Live').waitFor();
      await expect.poll(() => page.locator('.job-head .mono').innerText()).not.toBe(before);
      await page.getByTestId('renamed').getByText('before a restart').waitFor();
      await page.locator('h1 .badge', { hasText: 'running' }).waitFor();
      const other = await openPage(shared);
      await other.getByTestId('renamed').waitFor();
      await other.getByRole('heading', { name: 'drive0' }).waitFor();
    }
    await page.getByRole('button', { name: 'Abort…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Abort', exact: true }).click();
    await page.locator('dialog[data-stage="settled"]').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    const late = await openPage(shared);
    await late.getByTestId('renamed').waitFor();
    await late.getByTestId('outcome').getByText('cancelled', { exact: true }).waitFor();
    const gone = await openPage(shared.replace('drive0', 'drive7'));
    await gone.getByText('No job drive7 on vm1 now').waitFor();
  });

  it('works under a path of a proxy, and speaks to no other gateway there', async () => {
    const vm = await startVm();
    const gateway = await startGateway({ vm1: vm.uri });
    await vm.mirror('drive0');
    const page = await openPage(await openPath(gateway.url, '/qmp/'));
    await rowOf(page, 'drive0').waitFor();
    await page.getByTestId('connection').getByText('Live').waitFor();
    await goTo(page, '#/console');
    await page.getByText('own connection open').waitFor();
    await page.getByText(/connected to ws:.*\/qmp\/v1/).waitFor();
  });

  it('shows the reset after a restart; jobs reappear, and endings that were not seen are unknown', async () => {
    const vm = await startVm();
    const gateway = await startGateway({ vm1: vm.uri });
    await vm.mirror('stays');
    await vm.mirror('goes');
    const page = await openPage(gateway.url);
    await rowOf(page, 'goes').waitFor();
    await gateway.kill();
    await page.getByTestId('offline').waitFor();
    await vm.qmp('block-job-cancel', { device: 'goes', force: true });
    await expect.poll(async () => JSON.stringify(await vm.qmp('query-jobs'))).not.toContain('goes');
    await gateway.start();
    await page.getByTestId('reset').getByText('began a new log').waitFor();
    await rowOf(page, 'stays').getByText('running', { exact: true }).waitFor();
    await page.getByTestId('unseen').getByText('vm1 / goes').waitFor();
    await expect.poll(() => rowOf(page, 'goes').count()).toBe(0);
    await page.getByRole('button', { name: 'Ended' }).click();
    await rowOf(page, 'goes').getByText('lost').waitFor();
    await rowOf(page, 'goes').getByRole('link').click();
    await expect.poll(() => page.getByTestId('provenance').innerText()).toBe('unknown');
    await page.getByText("don't delete it").waitFor();
    await page.getByRole('button', { name: 'Understood' }).click();
    await goTo(page, '#/events');
    await page.getByText('Reset', { exact: true }).waitFor();
  });

  it('with a log on disk a killed gateway is a pause: no reset, the same run, and an end that was not seen is lost', async () => {
    const vm = await startVm();
    const gateway = await startGateway({ vm1: vm.uri }, ['--data', newFolder()]);
    await vm.mirror('stays');
    await vm.mirror('goes');
    const page = await openPage(gateway.url);
    await rowOf(page, 'goes').waitFor();
    await rowOf(page, 'stays').getByRole('link').click();
    const run = await page.locator('.job-head .mono').innerText();
    await gateway.kill();
    await page.getByTestId('offline').waitFor();
    await vm.qmp('block-job-cancel', { device: 'goes', force: true });
    await expect.poll(async () => JSON.stringify(await vm.qmp('query-jobs'))).not.toContain('goes');
    await gateway.start();
    await page.getByTestId('connection').getByText('Live').waitFor();
    await page.locator('h1 .badge', { hasText: 'running' }).waitFor();
    await expect.poll(() => page.locator('.job-head .mono').innerText()).toBe(run);
    await goTo(page, '#/events');
    await page.locator('.event[data-type="GATEWAY_JOB_SETTLED"]').waitFor();
    expect(await page.getByTestId('reset').count()).toBe(0);
    await goTo(page, '#/');
    await page.getByRole('button', { name: 'Ended' }).click();
    await rowOf(page, 'goes').getByText('lost').waitFor();
  });
});
