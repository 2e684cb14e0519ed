// When a part of the gateway counts as unwell.
import { expect, it } from 'vitest';
import { judgeHealth } from '../../src/health.js';
import { MemoryLog } from '../../src/log/index.js';

const { status } = new MemoryLog({ limits: { total: 100, totalBytes: 1_000 } });

it.each([
  ['a log with room', {}, false],
  ['at 90 % of its entries', { entries: 90 }, false],
  ['beyond', { entries: 91 }, true],
  ['near its bytes', { bytes: 901 }, true],
  ['a store that is far behind', { waitingBytes: 91, maxWaitingBytes: 100 }, true],
  ['a store that refuses a batch', { isRetrying: true, maxWaitingBytes: 100 }, true],
])('the log: %s', (_what, more, isUnwell) => {
  expect(judgeHealth({ ...status, ...more }, false, false)).toEqual({
    log: isUnwell,
    credentials: false,
    cluster: false,
  });
});

it('credentials, while the tokens could not be read again', () => {
  expect(judgeHealth(status, true, false)).toEqual({ log: false, credentials: true, cluster: false });
});
