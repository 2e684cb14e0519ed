// The page of a gateway that asks who one is: a token, who one is then, and what one may not do.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { newToken } from '../../src/access/index.js';
import { haveQemu } from '../support/qemu.js';
import { haveBrowser, openPage, rowOf } from './support/browser.js';
import { startGateway } from './support/process.js';
import { startVm } from './support/vm.js';

it.skipIf(!haveBrowser || !haveQemu)('verbs that are not granted are disabled, and the page says why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [wall, ops] = [newToken(), newToken()];
  const tokens = join(folder, 'tokens.yaml');
  writeFileSync(
    tokens,
    `- {name: wall, sha256: ${wall.sha256}, read: ["*"]}\n- {name: ops, sha256: ${ops.sha256}, control: ["vm*"]}\n`,
  );
  const vm = await startVm();
  const gateway = await startGateway({ vm1: vm.uri }, ['--tokens', tokens]);
  await vm.mirror('drive0');
  for (const [name, { token }] of Object.entries({ wall, ops })) {
    const page = await openPage(gateway.url);
    await page.locator('input[type="password"]').fill(token);
    await page.locator('button[type="submit"]').click();
    await rowOf(page, 'drive0').getByRole('link').click();
    const abort = page.locator('button[data-verb="abort"]');
    await abort.waitFor();
    await expect.poll(() => page.getByTestId('principal').innerText()).toBe(name);
    await expect.poll(() => abort.isDisabled()).toBe(name === 'wall');
    await expect.poll(() => page.getByTestId('not-granted').count()).toBe(name === 'wall' ? 1 : 0);
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
  }
});
