// What the user looks at or has asked for stays in its place while events come and jobs end, in a real Chromium.
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { goTo, haveBrowser, openPage, rowOf } from './support/browser.js';
import { startGateway } from './support/process.js';
import { startVm } from './support/vm.js';

const MIB = 1024 * 1024;

/** A page with one running backup. */
async function begin(hash = '#/') {
  const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
  onTestFinished(() => simulator.close());
  const { port } = simulator.address as { port: number };
  const gateway = await startGateway({ vm1: `tcp:127.0.0.1:${port}` });
  const page = await openPage(`${gateway.url}${hash}`);
  return { simulator, page };
}

describe.skipIf(!haveBrowser)('while events and jobs come and go', () => {
  it('the events that are read stay in sight, and newer ones are above them', async () => {
    const { simulator, page } = await begin('#/events');
    await page.locator('.event').first().waitFor();
    for (let n = 1; n <= 120; n += 1) simulator.faults.emit('GUEST_PANICKED', { n });
    const newest = page.locator('.scroller .row[data-index="0"] .offset');
    await expect.poll(async () => Number(await newest.innerText())).toBeGreaterThanOrEqual(120);
    const read = 50;
    await page.evaluate(
      `document.querySelector('.scroller').scrollTop = ${(Number(await newest.innerText()) - read) * 32}`,
    );
    const line = page.locator(`.event[data-offset="${read}"]`);
    await line.waitFor();
    const before = await line.boundingBox();
    for (let n = 1; n <= 25; n += 1) simulator.faults.emit('GUEST_PANICKED', { n });
    const rows = page.locator('.scroller.feed');
    await expect.poll(async () => Number(await rows.getAttribute('aria-rowcount'))).toBeGreaterThan(145);
    expect((await line.boundingBox())?.y).toBe(before?.y);
    // At the top the newest is in sight.
    await page.keyboard.press('Home');
    await expect.poll(() => page.evaluate(`document.querySelector('.scroller').scrollTop`)).toBe(0);
    const top = Number(await newest.innerText());
    simulator.faults.emit('GUEST_PANICKED', { n: 0 });
    await expect.poll(async () => Number(await newest.innerText())).toBe(top + 1);
    expect(await page.evaluate(`document.querySelector('.scroller').scrollTop`)).toBe(0);
    // The keyboard begins where the reader is.
    await page.reload();
    await newest.waitFor();
    await page.evaluate(`document.querySelector('.scroller').scrollTop = 40 * 32 - 5`);
    await page.locator('.row[data-index="40"]').waitFor();
    await page.keyboard.press('j');
    await expect.poll(() => page.locator('.row:has(:focus)').getAttribute('data-index')).toBe('40');
    await page.reload();
    await newest.waitFor();
    await page.keyboard.press('k');
    const focused = page.locator('.row:has(:focus)');
    await expect.poll(async () => Number(await focused.getAttribute('data-index'))).toBeGreaterThan(3);
    expect(Number(await focused.getAttribute('data-index'))).toBeLessThan(40);
    expect(await page.evaluate(`document.querySelector('.scroller').scrollTop`)).toBe(0);
  });

  it('the menu of a row stays open when its job ends, the last one of the list', async () => {
    const { simulator, page } = await begin();
    simulator.jobs.start({ id: 'drive0', type: 'backup', len: 1024 * MIB, bytesPerSecond: MIB });
    await rowOf(page, 'drive0').getByRole('button', { name: 'Actions for drive0' }).click();
    const menu = page.getByRole('dialog', { name: 'Actions for drive0' });
    await menu.getByRole('button', { name: 'Abort…' }).waitFor();
    simulator.jobs.cancel('drive0');
    await page.getByText('No job is running').waitFor();
    await expect.poll(() => menu.getByRole('button').allInnerTexts()).toEqual(['Open', 'Copy link']);
    await page.keyboard.press('Escape');
    await expect.poll(() => menu.count()).toBe(0);
  });

  it('the page of a job without a run in its address stays when the job ends', async () => {
    const { simulator, page } = await begin();
    simulator.jobs.start({ id: 'drive0', type: 'backup', len: 1024 * MIB, bytesPerSecond: MIB });
    await goTo(page, '#/job/vm1/drive0');
    const heading = page.getByRole('heading', { name: 'drive0' });
    await heading.waitFor();
    await page.evaluate(`document.querySelector('h1').dataset.marked = 'yes'`);
    simulator.jobs.cancel('drive0');
    await page.getByTestId('outcome').waitFor();
    expect(await heading.getAttribute('data-marked')).toBe('yes');
  });

  it('two verbs that are asked for at once have an answer each', async () => {
    const vm = await startVm();
    await vm.mirror('drive0');
    const gateway = await startGateway({ vm: vm.uri });
    const page = await openPage(gateway.url);
    await rowOf(page, 'drive0').getByRole('link').click();
    const said = page.locator('.said p');
    vm.freeze();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Limit speed' }).click();
    await page.getByLabel('MiB per second').fill('1');
    await page.getByRole('button', { name: 'Set' }).click();
    await expect.poll(() => said.allInnerTexts()).toEqual([expect.stringMatching(/^Pause: asking/), expect.anything()]);
    vm.thaw();
    await expect
      .poll(() => said.allInnerTexts())
      .toEqual(['Pause: QEMU has accepted.', 'Limit speed: QEMU has accepted.']);
  });
});
