// A gateway in this process on a free port, with short intervals and a silent log; closed after the test.
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { inject, onTestFinished } from 'vitest';
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
  const nats = process.env.TEST_LOG === 'cluster' ? inject('nats') : undefined;
  const member = nats === undefined ? {} : { nats, cluster: `c${randomBytes(6).toString('hex')}` };
  const read = readConfig({ listen: '127.0.0.1:0', source, logLevel: 'silent', data, ...member, ...flags }, {});
  if (!read.ok) throw new Error(read.problems.join('\n'));
  // JetStream reserves the bytes of each stream.
  const { limits } = read.config;
  const config =
    nats === undefined ? read.config : { ...read.config, limits: { ...limits, disk: { maxBytes: 8_388_608 } } };
  const app = await start(config, pino({ level: 'silent' }), {
    ...(['late', 'flaky'].includes(process.env.TEST_LOG ?? '') && { openLog: () => openTestLog(tuning.log) }),
    ...tuning,
    source: { baseMs: 5, maxMs: 20, ...tuning.source },
  });
  onTestFinished(() => app.close());
  // An owner shows a source once it has its lock.
  if (nats !== undefined) await listed(app.url, Object.keys(sources));
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

async function listed(url: string, names: readonly string[]): Promise<void> {
  const wire = await connectWire(url);
  for (;;) {
    const { sources } = await wire.call('source.list', {});
    if (names.every((name) => sources.some((source) => source.name === name))) break;
  }
  wire.close();
}
