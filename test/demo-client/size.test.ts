// The first load: what a browser takes before the fleet is drawn, and not what other pages load later.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, it } from 'vitest';

const config = new URL('../../demo-client/vite.config.ts', import.meta.url).pathname;

it('is under 80 kB gzipped, and has no inline script', async () => {
  const built = await build({ configFile: config, logLevel: 'silent', build: { write: false } });
  if (!('output' in built)) throw new Error('one build was expected');
  let bytes = 0;
  for (const file of firstOf(built.output)) {
    const content = file.type === 'chunk' ? file.code : file.source;
    bytes += gzipSync(content, { level: 9 }).length;
    if (extname(file.fileName) === '.html') expect(String(content)).not.toMatch(/<script(?![^>]*\bsrc=)/);
  }
  const folder = new URL('../../demo-client/public', import.meta.url).pathname;
  for (const name of readdirSync(folder)) bytes += gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
  console.log(`first load: ${(bytes / 1_000).toFixed(1)} kB gzipped`);
  expect(bytes).toBeLessThan(80_000);
}, 60_000);

type Built = Extract<Awaited<ReturnType<typeof build>>, { output: unknown }>['output'];

/** All but the chunks that no static import leads to, and their styles. */
function firstOf(output: Built): Built[number][] {
  const chunks = output.filter((file) => file.type === 'chunk');
  const first = new Set(chunks.filter(({ isEntry }) => isEntry));
  for (const chunk of first) for (const each of chunks) if (chunk.imports.includes(each.fileName)) first.add(each);
  const later = chunks.filter((chunk) => !first.has(chunk));
  const styles = new Set(later.flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])]));
  return output.filter(
    (file) => !styles.has(file.fileName) && !later.some(({ fileName }) => fileName === file.fileName),
  );
}
