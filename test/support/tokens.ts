// A gateway with a file of tokens, in this process, and what its operator gave to whom.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { newToken } from '../../src/access/index.js';
import type { Tuning } from '../../src/app.js';
import { startApp, type TestApp } from './app.js';

/** Removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** @param principals by their name, with `read`, `control` or `metrics` as the file has them. */
export async function startGuarded(
  sources: Record<string, string>,
  principals: Record<string, object>,
  gateway: Tuning['gateway'] = {},
): Promise<{ app: TestApp; tokens: Record<string, string> }> {
  const tokens: Record<string, string> = {};
  const entries = Object.entries(principals).map(([name, scopes]) => {
    const { token, sha256 } = newToken();
    tokens[name] = token;
    return { name, sha256, ...scopes };
  });
  const file = join(await temporaryFolder(), 'tokens.yaml');
  await writeFile(file, JSON.stringify(entries));
  return { app: await startApp(sources, { gateway }, { tokens: file }), tokens };
}
