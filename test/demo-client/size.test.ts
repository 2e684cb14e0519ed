// The first load: everything that index.html asks for, as a browser takes it.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, it } from 'vitest';

const config = new URL('../../demo-client/vite.config.ts', import.meta.url).pathname;

it('is under 100 kB gzipped, and has no inline script', async () => {
  const built = await build({ configFile: config, logLevel: 'silent', build: { write: false } });
  if (!('output' in built)) throw new Error('one build was expected');
  let bytes = 0;
  for (const file of built.output) {
    const content = file.type === 'chunk' ? file.code : file.source;
    bytes += gzipSync(content, { level: 9 }).length;
    if (extname(file.fileName) === '.html') expect(String(content)).not.toMatch(/<script(?![^>]*\bsrc=)/);
  }
  const folder = new URL('../../demo-client/public', import.meta.url).pathname;
  for (const name of readdirSync(folder)) bytes += gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
  console.log(`first load: ${(bytes / 1_000).toFixed(1)} kB gzipped`);
  expect(bytes).toBeLessThan(100_000);
}, 60_000);
