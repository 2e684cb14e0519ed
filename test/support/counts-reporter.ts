// The last line of a run: `N passed, N failed[, N skipped]`. A test whose name shows a value that has no text counts as failed.
import type { Reporter, TestModule } from 'vitest/node';

/** A placeholder of `it.each` that got an object, or got nothing. */
const UNREADABLE = /\[object |%[sdifjo](?!\w)|\$\d/;

export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        count[test.result().state] += 1;
        if (!UNREADABLE.test(test.fullName)) continue;
        console.log(`not a sentence: ${test.fullName}`);
        count.failed += 1;
        process.exitCode = 1;
      }
      count.failed += module.errors().length;
    }
    const skipped = count.skipped + count.pending;
    console.log(`${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}
