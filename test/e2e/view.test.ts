// The view as an address, the table at several widths, and the page by keyboard.
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { goTo, haveBrowser, openPage, rowOf } from './support/browser.js';
import { startGateway } from './support/process.js';

const MIB = 1024 * 1024;

async function simulate(): Promise<{ simulator: Simulator; uri: string }> {
  const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
  onTestFinished(() => simulator.close());
  const { port } = simulator.address as { port: number };
  return { simulator, uri: `tcp:127.0.0.1:${port}` };
}

/** Two sources with three running jobs each, and one READY mirror. */
async function twoSources() {
  const [one, two] = [await simulate(), await simulate()];
  const slow = { type: 'backup', len: 1024 * MIB, bytesPerSecond: 4 * MIB } as const;
  for (const { simulator } of [one, two])
    for (const id of ['virtio-disk0-system', 'drive2', 'drive10']) simulator.jobs.start({ id, ...slow });
  two.simulator.jobs.start({ id: 'synced', type: 'mirror', len: MIB, bytesPerSecond: 100 * MIB });
  const gateway = await startGateway({ vm1: one.uri, vm2: two.uri });
  return { gateway, one, two };
}

const hashOf = (page: Page): Promise<string> => page.evaluate('location.hash');
const jobs = (page: Page): Promise<string[]> => page.locator('.row .cell-job a').allInnerTexts();
const chosen = (page: Page) => page.getByTestId('chosen').locator('strong');

describe.skipIf(!haveBrowser)('the view', () => {
  it('is the address: a link shows the same to somebody else, and back goes back', async () => {
    const { gateway } = await twoSources();
    const page = await openPage(gateway.url);
    await rowOf(page, 'synced').waitFor();
    await page.getByRole('searchbox').fill('drive source:vm2');
    await page.getByRole('button', { name: 'Job' }).click();
    await page.getByRole('button', { name: 'Job' }).click();
    await page.getByRole('button', { name: 'Group' }).click();
    await page.getByText('Columns', { exact: true }).first().click();
    await page.getByRole('checkbox', { name: 'Started' }).check();
    await page.keyboard.press('Escape');
    await expect.poll(() => jobs(page)).toEqual(['drive10', 'drive2']);
    const link = await page.evaluate<string>('location.href');

    const other = await openPage(link);
    await rowOf(other, 'drive2').waitFor();
    await expect.poll(() => jobs(other)).toEqual(['drive10', 'drive2']);
    await expect.poll(() => other.getByRole('searchbox').inputValue()).toBe('drive source:vm2');
    await other.locator('.group[data-group="vm2"]').waitFor();
    await expect.poll(() => rowOf(other, 'drive2').locator('.cell-started').innerText()).toMatch(/^≤ \d\d:\d\d:\d\d$/);

    await rowOf(page, 'drive2').getByRole('link').click();
    await page.getByRole('heading', { name: 'drive2' }).waitFor();
    await page.goBack();
    await rowOf(page, 'drive2').waitFor();
    await expect.poll(() => jobs(page)).toEqual(['drive10', 'drive2']);
    await page.goForward();
    await page.getByRole('heading', { name: 'drive2' }).waitFor();
    // The page's own way back leads to the same list.
    await page.getByRole('link', { name: 'Fleet', exact: true }).first().click();
    await rowOf(page, 'drive2').waitFor();
    await expect.poll(() => page.evaluate('location.href')).toBe(link);
  });

  it('has whatever was typed as one step of the way back', async () => {
    const { gateway } = await twoSources();
    const page = await openPage(gateway.url);
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await page.getByRole('searchbox').pressSequentially('drive2');
    await expect.poll(() => hashOf(page)).toBe('#/?tab=all&filter=drive2');
    await page.goBack();
    await expect.poll(() => hashOf(page)).toMatch(/^(#\/)?$/);
    await expect.poll(() => page.getByRole('searchbox').inputValue()).toBe('');
  });

  it('is copied: the run, its cursors, commands for a shell, and all as JSON', async () => {
    const { gateway } = await twoSources();
    const page = await openPage(gateway.url, { permissions: ['clipboard-read', 'clipboard-write'] });
    const clip = (): Promise<string> => page.evaluate('navigator.clipboard.readText()');
    await rowOf(page, 'synced').getByRole('link').click();
    await page.getByRole('heading', { name: 'synced' }).waitFor();
    await page.getByText('Copy as…').click();
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByTestId('said').getByText('Copied: curl').waitFor();
    await expect.poll(() => clip()).toContain(`curl -sS ${gateway.url}v1/rpc`);
    await page.getByRole('button', { name: 'Copy as qmp-gateway show' }).click();
    await expect.poll(clip).toMatch(/^qmp-gateway show --url http:\S+ --run \S+ vm2 synced$/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('x');
    const json = page.getByTestId('json');
    await json.getByText('"status": "ready"').waitFor();
    await json.getByRole('button', { name: 'Copy JSON' }).click();
    expect(JSON.parse(await clip())).toMatchObject({ source: 'vm2', job: 'synced', status: 'ready' });
    await expect.poll(() => hashOf(page)).toMatch(/\?json$/);
    await page.goBack();
    await expect.poll(() => json.count()).toBe(0);
  });

  it('of an event is a link to it, that also finds it where the page has not heard of it', async () => {
    const { gateway, one } = await twoSources();
    const page = await openPage(`${gateway.url}#/events`);
    await page.locator('.event').first().waitFor();
    one.simulator.jobs.start({ id: 'fresh', type: 'mirror', len: MIB, bytesPerSecond: 100 * MIB });
    const ready = page.locator('.event[data-type="BLOCK_JOB_READY"]');
    await ready.waitFor();
    await page.getByTestId('important').click();
    await expect.poll(() => page.locator('.event').count()).toBe(1);
    await ready.getByRole('button').click();
    await page.getByTestId('json').getByText('"type": "BLOCK_JOB_READY"').waitFor();
    const link = await page.evaluate<string>('location.href');
    const other = await openPage(link);
    await other.getByTestId('json').getByText('"type": "BLOCK_JOB_READY"').waitFor();
    await other.keyboard.press('Escape');
    await expect.poll(() => hashOf(other)).toBe('#/events?important=');
    await goTo(other, '#/events?open=nowhere:1');
    await other.getByTestId('json').waitFor();
  });

  it('has times in the zone of the reader, all of them in UTC after one click, and remembers it', async () => {
    const { gateway } = await twoSources();
    const page = await openPage(`${gateway.url}#/events`, { timezoneId: 'Asia/Kolkata' });
    const first = page.locator('.event time').first();
    await first.waitFor();
    await expect.poll(() => first.getAttribute('title')).toMatch(/\+05:30$/);
    await page.getByTestId('zone').click();
    await expect.poll(() => first.getAttribute('title')).toMatch(/Z$/);
    await page.reload();
    await first.waitFor();
    await expect.poll(() => first.getAttribute('title')).toMatch(/Z$/);
    await expect.poll(() => page.getByTestId('zone').innerText()).toBe('UTC');
  });
});

describe.skipIf(!haveBrowser)('the table', () => {
  it.each([390, 768, 1024, 1440, 1920])('shows names whole, speed and ETA at %d px', async (width) => {
    const { gateway } = await twoSources();
    const page = await openPage(gateway.url, { viewport: { width, height: 900 } });
    const row = rowOf(page, 'virtio-disk0-system').first();
    await expect.poll(() => row.locator('.cell-rate').innerText()).toMatch(/MiB\/s$/);
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    const cut = `[...document.querySelectorAll('.row .cell-job a')].filter((a) => a.scrollWidth > a.clientWidth).length`;
    await expect.poll(() => page.evaluate(cut)).toBe(0);
    for (const cell of ['.cell-rate', '.cell-eta', '.cell-progress']) {
      const box = await row.locator(cell).boundingBox();
      expect((box?.x ?? width) + (box?.width ?? 0), cell).toBeLessThanOrEqual(width);
    }
    const running = await rowOf(page, 'drive2').first().boundingBox();
    const ready = await rowOf(page, 'synced').boundingBox();
    expect(ready?.y).toBeGreaterThan(running?.y ?? 0);
  });

  it('in groups has totals, and a group closes and opens', async () => {
    const { gateway } = await twoSources();
    const page = await openPage(`${gateway.url}#/?group=source`);
    const group = page.locator('.group[data-group="vm2"]');
    await group.getByText('4 jobs · 3 running · 1 ready').waitFor();
    await group.getByRole('button').click();
    await expect.poll(() => page.locator('.row[data-job]').count()).toBe(3);
    await expect.poll(() => hashOf(page)).toBe('#/?group=source&closed=vm2');
    await page.getByRole('button', { name: 'Close all' }).click();
    await expect.poll(() => page.locator('.row[data-job]').count()).toBe(0);
  });
});

describe.skipIf(!haveBrowser)('the keyboard', () => {
  it('walks, opens, comes back to the same row, and aborts', async () => {
    const { gateway } = await twoSources();
    const page = await openPage(`${gateway.url}#/?sort=job`);
    await rowOf(page, 'synced').waitFor();
    const at = () => page.locator('.row.at').getAttribute('data-job');
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowDown');
    await expect.poll(at).toBe('drive10');
    await page.keyboard.press('k');
    await expect.poll(at).toBe('drive2');
    await page.keyboard.press('Shift+G');
    await expect.poll(at).toBe('virtio-disk0-system');
    await page.keyboard.press('k');
    await expect.poll(at).toBe('synced');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'synced' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await rowOf(page, 'synced').waitFor();
    await expect.poll(() => at()).toBe('synced');
    await page.keyboard.press('a');
    await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });

  it('chooses one, a range, and all that match', async () => {
    const { gateway } = await twoSources();
    const page = await openPage(`${gateway.url}#/?sort=job`);
    await rowOf(page, 'synced').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Space');
    await chosen(page).getByText('1 chosen').waitFor();
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    await chosen(page).getByText('3 chosen').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => chosen(page).count()).toBe(0);
    await rowOf(page, 'drive2').first().getByRole('checkbox').click();
    await rowOf(page, 'synced')
      .getByRole('checkbox')
      .click({ modifiers: ['Shift'] });
    await chosen(page).getByText('6 chosen').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('source:vm1');
    await page.keyboard.press('Escape');
    await page.keyboard.press('*');
    await chosen(page).getByText('3 chosen').waitFor();
    await page.getByRole('button', { name: 'Active', exact: true }).click();
    await page.getByRole('searchbox').fill('synced');
    await page.getByTestId('chosen').getByText('3 of them not in this list').waitFor();
  });

  it('shows its keys, and finds commands, jobs and sources by name, and opens an event', async () => {
    const { gateway } = await twoSources();
    const page = await openPage(gateway.url);
    await rowOf(page, 'synced').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Choose all that match the filter').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('synced');
    await page.getByRole('option', { name: /synced/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'synced' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('group by');
    await expect.poll(() => page.getByRole('option').count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await page.locator('.event').nth(1).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const line = page.locator('.row.at .event');
    const number = await line.getAttribute('data-offset');
    await page.keyboard.press('Enter');
    await page.getByTestId('json').getByText(`"offset": ${number}`).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('pause');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^Resume/ }).waitFor();
  });
});
