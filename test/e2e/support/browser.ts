// Pages in a real Chromium, where one is installed, that close with their test; with the errors that a page logged.
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, expect, onTestFinished } from 'vitest';

const { CHROMIUM } = process.env;
const PATHS = CHROMIUM ? [CHROMIUM] : ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = PATHS.find((path) => existsSync(path));
if (executablePath === undefined && process.env.REQUIRE_BROWSER === '1') {
  throw new Error('REQUIRE_BROWSER=1, but there is no Chromium here');
}
/** For `describe.skipIf(!haveBrowser)`. */
export const haveBrowser = executablePath !== undefined;
if (!haveBrowser) console.warn('skipped: no Chromium here (Debian: apt-get install chromium; or CHROMIUM=/path)');

const ARGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

let browser: Promise<Browser> | undefined;
afterAll(async () => (await browser)?.close());

/** What a page may log: the browser reports every lost WebSocket and refused load as an error, whatever the page does. */
const EXPECTED = /WebSocket connection to|net::ERR_/;

export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  browser ??= chromium.launch({ ...(executablePath ? { executablePath } : {}), args: ARGS });
  const context = await (await browser).newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED.test(message.text())) errors.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(errors, 'errors on the page').toEqual([]);
  });
  page.setDefaultTimeout(15_000);
  await page.goto(url);
  return page;
}

/** The row of a job in the fleet. */
export const rowOf = (page: Page, job: string) => page.locator(`.row[data-job="${job}"]`);

export const goTo = (page: Page, hash: string): Promise<void> =>
  page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
