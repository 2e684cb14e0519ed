// A gateway in this process on a free port, with short intervals and a silent log; closed after the test.
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type App, start, type Tuning } from '../../src/app.js';
import { type Config, type ConfigInput, readConfig } from '../../src/config/index.js';
import { newFolder } from './folder.js';
import { openTestLog } from './log.js';
import { connectWire, type Wire } from './wire.js';

export interface TestApp extends App {
  config: Config;
  wire(options?: Parameters<typeof connectWire>[1]): Promise<Wire>;
}

export async function startApp(
  sources: Record<string, string>,
  tuning: Partial<Tuning> = {},
  flags: ConfigInput = {},
): Promise<TestApp> {
  const source = Object.entries(sources).map(([name, uri]) => `${name}=${uri}`);
  // The bounds of a log in memory are meant where a test sets them.
  const isOnDisk = process.env.TEST_LOG === 'disk' && tuning.log === undefined;
  const data = isOnDisk ? newFolder() : undefined;
  const read = readConfig({ listen: '127.0.0.1:0', source, logLevel: 'silent', data, ...flags }, {});
  if (!read.ok) throw new Error(read.problems.join('\n'));
  const app = await start(read.config, pino({ level: 'silent' }), {
    ...(['late', 'flaky'].includes(process.env.TEST_LOG ?? '') && { openLog: () => openTestLog(tuning.log) }),
    ...tuning,
    source: { baseMs: 5, maxMs: 20, ...tuning.source },
  });
  onTestFinished(() => app.close());
  return {
    ...app,
    config: read.config,
    wire: async (options) => {
      const wire = await connectWire(app.url, options);
      onTestFinished(() => wire.close());
      return wire;
    },
  };
}

/** Resolves when every source is up. */
export async function allUp(wire: Wire): Promise<void> {
  for (;;) {
    const { sources } = await wire.call('source.list', {});
    if (sources.every(({ state }) => state === 'up')) return;
  }
}
