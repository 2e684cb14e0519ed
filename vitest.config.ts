import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The package's own names, from source, as the page's build has them. */
const alias = [
  {
    find: /^qmp-gateway\/(client|protocol)$/,
    replacement: fileURLToPath(new URL('./src/$1/index.ts', import.meta.url)),
  },
];

const ON_OTHER_LOGS = [
  'test/jobs/**/*.test.ts',
  'test/gateway/**/*.test.ts',
  'test/integration/stream/**/*.test.ts',
  'test/integration/{abort,gateway,ends,pivot,pivot-chain,promised}.test.ts',
];

/** The files of a worker share what they import, which takes half the time; none of them changes it. */
const SHARED = { isolate: false };

export default defineConfig({
  resolve: { alias },
  test: {
    reporters: ['default', './test/support/counts-reporter.ts'],
    maxWorkers: 2,
    // `npm run coverage`: a line for each folder, then one for each of its files.
    coverage: { include: ['src/**/*.ts'], reporter: [['text', { maxCols: 110 }]] },
    // A condition that is waited for has the time of its test.
    expect: { poll: { timeout: 10_000, interval: 20 } },
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      // One part at a time, without a gateway that listens.
      {
        extends: true,
        test: {
          name: 'unit',
          ...SHARED,
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/e2e/**', 'test/packaging/**', 'test/client/msw/**'],
        },
      },
      {
        extends: true,
        test: { name: 'client', include: ['test/client/msw/**/*.test.ts'], setupFiles: ['test/client/msw/setup.ts'] },
      },
      // Whole gateways on real sockets, beside simulated monitors and, where it is installed, a real qemu-storage-daemon.
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'] } },
      // The job layer and the gateway again, on a log that shows its entries late, and on one whose store fails before it takes them. That whole gateways
      // bear late entries is shown by those of a cluster, and that streams bear a store by the log on disk.
      {
        extends: true,
        test: {
          name: 'late log',
          ...SHARED,
          include: ON_OTHER_LOGS.filter((each) => !each.startsWith('test/integration')),
          env: { TEST_LOG: 'late' },
        },
      },
      {
        extends: true,
        test: {
          name: 'flaky log',
          ...SHARED,
          include: ON_OTHER_LOGS.filter((each) => !each.startsWith('test/integration/stream')),
          // How jobs end and where disks pivot is shown on the other logs; aborts stay.
          exclude: ['**/slow.test.ts', '**/integration/{ends,pivot,pivot-chain}.test.ts'],
          env: { TEST_LOG: 'flaky' },
        },
      },
      // Whole gateways again, on a log on disk.
      {
        extends: true,
        test: {
          name: 'disk log',
          ...SHARED,
          include: ON_OTHER_LOGS.filter((each) => each.startsWith('test/integration')),
          exclude: ['**/slow.test.ts'],
          env: { TEST_LOG: 'disk' },
        },
      },
      // And as a cluster of one member: over a real NATS server, an owner and an edge in one process.
      {
        extends: true,
        test: {
          name: 'cluster',
          ...SHARED,
          include: ON_OTHER_LOGS.filter((each) => each.startsWith('test/integration')),
          exclude: ['**/slow.test.ts'],
          globalSetup: 'test/support/nats-setup.ts',
          env: { TEST_LOG: 'cluster' },
        },
      },
      // What is installed: the package, the Debian package, units, and the proxies' examples on the real proxy.
      {
        extends: true,
        test: {
          name: 'packaging',
          include: ['test/packaging/**/*.test.ts'],
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
      // What is built, as users run it: real Chromium, real gateway process, real QEMU where they are installed.
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          fileParallelism: false,
          expect: { poll: { timeout: 15_000 } },
        },
      },
    ],
  },
});
