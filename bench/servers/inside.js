// Reports of a server about itself: a line on stdin answers with the loop's delay since the last one, and the memory after a full garbage collection.
// Measuring the delay wakes the loop 1,000 times a second, about 2 % of a core, so it begins with the first line `watch`.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

export function reportInside() {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (line === 'watch') delay.enable();
    globalThis.gc?.();
    const report = { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6, rss: process.memoryUsage.rss() };
    delay.reset();
    process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
