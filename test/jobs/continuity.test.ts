// Whether a job that is found after a time without a connection can be the run of before.
import { expect, it } from 'vitest';
import { continues } from '../../src/jobs/model/continuity.js';
import { beginRun, type Run } from '../../src/jobs/model/run.js';
import type { JobStatus } from '../../src/protocol/types.js';

const run = (status: JobStatus, offset = 0): Run => ({
  ...beginRun({ source: 's', id: 'j', run: 'r:1', began: { cursor: 'e:1', time: 0 } }, status, 0, false),
  ...{ type: 'mirror', offset },
});

it.each<[JobStatus, JobStatus, boolean]>([
  ['created', 'created', true],
  ['created', 'running', true],
  ['running', 'created', false],
  ['running', 'ready', true],
  ['ready', 'running', false],
  ['concluded', 'running', false],
])('%s before, %s now: %s', (before, now, isSame) => {
  expect(continues(run(before), now, 'mirror', 0)).toBe(isSame);
});

it('never with another type, or an offset that went back', () => {
  expect(continues(run('running'), 'running', 'backup', 0)).toBe(false);
  expect(continues(run('running', 10), 'running', 'mirror', 9)).toBe(false);
});
