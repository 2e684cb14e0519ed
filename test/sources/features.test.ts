// What a QEMU has and raises, by what it lists.
import { expect, it } from 'vitest';
import { featuresOf } from '../../src/sources/qmp/features.js';

const ENDS = ['BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'];

it.each<[string, string[], string[] | undefined, { legacy: boolean; quietCancel: boolean }]>([
  ['6.0 and later', ['query-jobs', 'block-job-cancel'], undefined, { legacy: false, quietCancel: false }],
  ['3.0', ['query-jobs', 'block-job-cancel'], ['JOB_STATUS_CHANGE', ...ENDS], { legacy: false, quietCancel: false }],
  ['query-jobs without its event', ['query-jobs', 'block-job-cancel'], ENDS, { legacy: true, quietCancel: false }],
  ['2.11', ['block-job-cancel'], ENDS, { legacy: true, quietCancel: false }],
  ['1.1', ['block-job-cancel'], undefined, { legacy: true, quietCancel: false }],
  ['no cancel event', ['block-job-cancel'], ['BLOCK_JOB_COMPLETED'], { legacy: true, quietCancel: true }],
  ['no event of an end', ['block-job-cancel'], [], { legacy: true, quietCancel: false }],
  ['a synchronous cancel', ['block_job_cancel'], undefined, { legacy: true, quietCancel: true }],
  ['a synchronous cancel with its event', ['block_job_cancel'], ENDS, { legacy: true, quietCancel: false }],
  ['no block jobs', [], undefined, { legacy: true, quietCancel: false }],
])('%s', (_name, commands, events, expected) => {
  expect(featuresOf(new Set(commands), events && new Set(events))).toMatchObject(expected);
});
