// Which QMP command carries a verb: job-* where QEMU has it, block-job-* where it is older.
import { expect, it } from 'vitest';
import type { JobCommand } from '../../src/sources/index.js';
import { qmpCall } from '../../src/sources/qmp/commands.js';

const byId = { id: 'j' };
const byDevice = { device: 'j' };

it.each<[string, Omit<JobCommand, 'id'>, [string, object], [string, object]]>([
  ['soft abort', { verb: 'abort' }, ['block-job-cancel', byDevice], ['block-job-cancel', byDevice]],
  [
    'forced abort',
    { verb: 'abort', force: true },
    ['job-cancel', byId],
    ['block-job-cancel', { ...byDevice, force: true }],
  ],
  ['complete', { verb: 'complete' }, ['job-complete', byId], ['block-job-complete', byDevice]],
  ['pause', { verb: 'pause' }, ['job-pause', byId], ['block-job-pause', byDevice]],
  ['resume', { verb: 'resume' }, ['job-resume', byId], ['block-job-resume', byDevice]],
  ['finalize', { verb: 'finalize' }, ['job-finalize', byId], ['block-job-finalize', byId]],
  ['dismiss', { verb: 'dismiss' }, ['job-dismiss', byId], ['block-job-dismiss', byId]],
  [
    'setSpeed',
    { verb: 'setSpeed', speed: '9007199254740993' },
    ['block-job-set-speed', { ...byDevice, speed: 9007199254740993n }],
    ['block-job-set-speed', { ...byDevice, speed: 9007199254740993n }],
  ],
])('%s is written as this QEMU knows it', (_, command, [name, args], [oldName, oldArgs]) => {
  expect(qmpCall({ ...command, id: 'j' }, () => true)).toEqual({ name, args });
  expect(qmpCall({ ...command, id: 'j' }, () => false)).toEqual({ name: oldName, args: oldArgs });
});

it('QEMU before 1.1 has a cancel and a speed, under other names', () => {
  const has = (name: string): boolean => ['block_job_cancel', 'block_job_set_speed'].includes(name);
  for (const force of [false, true])
    expect(qmpCall({ verb: 'abort', id: 'j', force }, has)).toEqual({ name: 'block_job_cancel', args: byDevice });
  expect(qmpCall({ verb: 'setSpeed', id: 'j', speed: 7 }, has)).toEqual({
    name: 'block_job_set_speed',
    args: { ...byDevice, value: 7n },
  });
});
