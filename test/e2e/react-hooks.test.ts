// The hooks of examples/react-hooks.mjs on a page, over Preact's layer for what is written for React.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { haveBrowser, openPage } from './support/browser.js';
import { startGateway } from './support/process.js';

const HOOKS = fileURLToPath(new URL('../../examples/react-hooks.mjs', import.meta.url));
const MIB = 1024 * 1024;

/** A table of the jobs, and the state of the line. */
const PAGE = `
import { createClient } from 'qmp-gateway/client';
import { createElement as h, render } from 'preact/compat';
import { useConnection, useJobs } from '${HOOKS}';

const client = createClient({ url: location.origin.replace('http', 'ws') + '/v1' });
function Jobs() {
  const { phase } = useConnection(client);
  const { table } = useJobs(client, { sources: ['vm*'], progress: 100 });
  const rows = [...(table?.jobs.values() ?? [])].map(({ job, status, offset }) => h('li', { key: job }, job, ' ', status, offset > 0 ? ' moves' : ''));
  const ended = [...(table?.settled.values() ?? [])].map(({ job, settled }) => h('li', { key: job }, job, ' ', settled.outcome));
  return h('div', { id: 'hooks' }, h('p', null, phase), h('ul', null, rows, ended));
}
render(h(Jobs), document.body.appendChild(document.createElement('div')));
`;

async function bundle(input: string, modules: Record<string, string>, external: string[] = []): Promise<string> {
  const build = await rolldown({
    input,
    external,
    platform: 'browser',
    resolve: { alias: external.length > 0 ? {} : { react: 'preact/compat' } },
    plugins: [{ name: 'texts', resolveId: (id) => (id in modules ? id : null), load: (id) => modules[id] ?? null }],
    logLevel: 'silent',
  });
  const { output } = await build.generate({ format: external.length > 0 ? 'esm' : 'iife', minify: true });
  await build.close();
  return output[0].code;
}

it('the hooks take less than 2 kB', async () => {
  const code = await bundle(HOOKS, {}, ['react', 'qmp-gateway/client']);
  expect(gzipSync(code).length).toBeLessThan(2_000);
});

describe.skipIf(!haveBrowser)('the hooks for React', () => {
  it('show the line, jobs as they move, and how they end', async () => {
    const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
    onTestFinished(() => simulator.close());
    const { port } = simulator.address as { port: number };
    const gateway = await startGateway({ vm1: `tcp:127.0.0.1:${port}` });
    const page = await openPage(gateway.url, { bypassCSP: true });
    await page.addScriptTag({ content: await bundle('page', { page: PAGE }) });
    const shown = page.locator('#hooks');
    await shown.getByText('open').waitFor();
    simulator.jobs.start({ id: 'drive0', type: 'mirror', len: 64 * MIB, bytesPerSecond: 4 * MIB });
    await shown.getByText('drive0 running moves').waitFor();
    simulator.jobs.cancel('drive0');
    await shown.getByText('drive0 cancelled').waitFor();
    await expect.poll(() => shown.locator('li').count()).toBe(1);
  });
});
