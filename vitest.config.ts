import { defineConfig } from 'vitest/config';

// `unit` touches no socket; `integration` uses real sockets and, where it is installed, a real qemu-storage-daemon.
export default defineConfig({
  test: {
    reporters: ['default', './test/support/counts-reporter.ts'],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/e2e/**', 'test/client/msw/**'],
        },
      },
      {
        extends: true,
        test: { name: 'client', include: ['test/client/msw/**/*.test.ts'], setupFiles: ['test/client/msw/setup.ts'] },
      },
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'] } },
    ],
  },
});
