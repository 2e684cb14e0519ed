// The page's build. In: demo-client and the client's sources. Out: dist/demo-client, static files for the gateway to serve.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** msw's service worker, from its package: a copy in the repository would age. */
const mockWorker = (): Plugin => {
  const file = 'mockServiceWorker.js';
  const source = (): string => readFileSync(createRequire(import.meta.url).resolve(`msw/${file}`), 'utf8');
  return {
    name: 'mock-worker',
    configureServer: (server) =>
      void server.middlewares.use(`/${file}`, (_request, response) => {
        response.setHeader('content-type', 'text/javascript').end(source());
      }),
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: file, source: source() });
    },
  };
};

export default defineConfig(({ mode }) => ({
  root: here('.'),
  base: './',
  resolve: {
    // The package's own names, from source: `vite` runs without a build of the package, and one change reloads the page.
    alias: [{ find: /^qmp-gateway\/(client|protocol)$/, replacement: here('../src/$1/index.ts') }],
  },
  plugins: mode === 'mock' ? [mockWorker()] : [],
  publicDir: here('public'),
  build: {
    outDir: here(mode === 'mock' ? '../dist/demo-mock' : '../dist/demo-client'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { port: 7071, proxy: mode === 'mock' ? {} : { '/v1': { target: 'http://127.0.0.1:7070', ws: true } } },
}));
