// One job as the two queries show it, of QEMU of any age.
import { expect, it } from 'vitest';
import { ERROR_LENGTH } from '../../src/protocol/limits.js';
import { isReplyTo } from '../../src/qmp/guards.js';
import type { BlockJobInfo, JobInfo } from '../../src/qmp/index.js';
import { mergeQueries } from '../../src/sources/qmp/queried-job.js';

const blockJob = (device: string, more: Partial<BlockJobInfo> = {}): BlockJobInfo => ({
  ...{ type: 'mirror', device, len: 100, offset: 50, speed: 7 },
  ...{ busy: false, paused: false, ready: false, 'io-status': 'ok', status: 'running' },
  ...more,
});
const job = (id: string, more: Partial<JobInfo> = {}): JobInfo => ({
  ...{ id, type: 'mirror', status: 'running', 'current-progress': 60, 'total-progress': 120 },
  ...more,
});

it('has the details of query-block-jobs, and what query-jobs says, which was asked later', () => {
  const details = blockJob('j', { 'auto-finalize': false, 'auto-dismiss': true, 'io-status': 'nospace', paused: true });
  expect(mergeQueries([details], [job('j', { status: 'paused' })])).toEqual([
    {
      ...{ id: 'j', type: 'mirror', status: 'paused', len: 120, offset: 60, speed: 7 },
      ...{ ioStatus: 'nospace', autoFinalize: false, autoDismiss: true, paused: true },
    },
  ]);
});

it('has a job that is no block job, and one that was gone before query-jobs was answered not', () => {
  const merged = mergeQueries([blockJob('gone')], [job('c', { type: 'create' })]);
  expect(merged).toEqual([{ id: 'c', type: 'create', status: 'running', len: 120, offset: 60 }]);
});

it('is in the order in which the jobs began: QEMU lists the newest first', () => {
  expect(mergeQueries([], [job('new'), job('old')]).map(({ id }) => id)).toEqual(['old', 'new']);
  expect(mergeQueries([blockJob('new'), blockJob('old')], undefined).map(({ id }) => id)).toEqual(['old', 'new']);
});

it('has what QEMU 1.1 says of a job', () => {
  const info = { type: 'stream', device: 'j', len: 100, offset: 50, speed: 7 } as const;
  expect(isReplyTo('query-block-jobs', [info])).toBe(true);
  expect(mergeQueries([info], undefined)).toEqual([
    { id: 'j', type: 'stream', status: 'running', len: 100, offset: 50, speed: 7 },
  ]);
});

it('leaves out a job without an id: no command could name it', () => {
  expect(mergeQueries([], [job('')])).toEqual([]);
  expect(mergeQueries([blockJob('')], undefined)).toEqual([]);
});

it('cuts the text of an error', () => {
  const [merged] = mergeQueries([], [job('j', { status: 'concluded', error: 'x'.repeat(2 * ERROR_LENGTH) })]);
  expect(merged?.error?.length).toBe(ERROR_LENGTH);
  const [legacy] = mergeQueries([blockJob('j', { error: 'EIO' })], undefined);
  expect(legacy?.error).toBe('EIO');
});

it.each<[string, Partial<BlockJobInfo>]>([
  ['running', {}],
  ['paused', { paused: true }],
  ['ready', { ready: true }],
  ['standby', { ready: true, paused: true }],
])('before QEMU 2.12, which tells no status, it is %s by two booleans', (status, more) => {
  const { status: _none, ...old } = blockJob('j', more);
  expect(mergeQueries([old], undefined)).toMatchObject([{ id: 'j', status }]);
});
