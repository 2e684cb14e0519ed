// What the page shows when the line or the gateway under it goes away, with a real QEMU behind.
import { describe, expect, it } from 'vitest';
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

  it('shows the reset after a restart; jobs reappear, and what nobody saw is unknown', async () => {
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
    expect(await rowOf(page, 'goes').count()).toBe(0);
    await page.getByRole('button', { name: 'Ended' }).click();
    await rowOf(page, 'goes').getByText('lost').waitFor();
    await rowOf(page, 'goes').getByRole('link').click();
    expect(await page.getByTestId('provenance').innerText()).toBe('unknown');
    await page.getByText("don't delete it").waitFor();
    await page.getByRole('button', { name: 'Understood' }).click();
    await goTo(page, '#/events');
    await page.getByText('Reset', { exact: true }).waitFor();
  });
});
