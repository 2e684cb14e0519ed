// The gateway as it is built, with so many sources on one feed, or on several:  gateway.js FEED[,FEED] SOURCES [COMPRESSION] [DATA]
import { pino } from 'pino';
import { ready } from './feed.js';
import { reportInside } from './inside.js';

// BENCH_DIST: another build, for before and after in one run.
const dist = process.env.BENCH_DIST ?? new URL('../../dist', import.meta.url).href;
const { start } = await import(`${dist}/app.js`);
// A build from before `config` became a folder has it as a file.
const { readConfig } = await import(`${dist}/config/index.js`).catch(() => import(`${dist}/config.js`));

const [feed, sources = '1', compression = '', data] = process.argv.slice(2);
const feeds = feed.split(',');
const source = Array.from({ length: Number(sources) }, (_, at) => `vm${at}=unix:${feeds[at % feeds.length]}`);
const read = readConfig(
  { listen: '127.0.0.1:0', source, logLevel: 'silent', ...(compression && { compression }), data },
  {},
);
if (!read.ok) throw new Error(read.problems.join('\n'));
const app = await start(read.config, pino({ level: 'silent' }), {
  supervise: { baseMs: 20, maxMs: 100 },
  gateway: {
    // One connection joins and leaves far more often than a client may.
    ...{ requestsPerSecond: 1e6, requestsBurst: 1e6, subscribesPerSecond: 1e6, subscribesBurst: 1e6 },
    // Where bytes are counted, nothing but events may come.
    ...(compression && { bookmarkMs: 3_600_000 }),
  },
});
reportInside();
ready(app.port);
process.on('SIGINT', () => process.exit(0)); // a profile is written at an orderly exit
