// Which calls metrics are told of, and as what.
import { expect, it } from 'vitest';
import { grantsOf, TestPolicy } from '../support/access.js';
import { Sessions } from '../support/sessions.js';

const TARGET = { source: 'vm1', job: 'j' };
const SETTLED = { ...TARGET, status: 'settled', outcome: 'cancelled', run: 'r', cursor: 'e:0' };

it('every call on a job is told once with its result and its time, and only verbs are audited', async () => {
  const bench = new Sessions();
  const client = bench.client();
  client.send('job.abort', { ...TARGET, sync: true });
  client.send('job.pause', TARGET);
  client.send('job.get', TARGET);
  client.send('job.wait', TARGET);
  await bench.turn();
  bench.clock.spend(250);
  const [abort, pause, get, wait] = bench.calls;
  abort?.answer({ ok: true, result: SETTLED });
  pause?.answer({ ok: false, error: { reason: 'JOB_STATE', message: '', data: {} } });
  get?.answer({ ok: true, result: { ...TARGET, status: 'running' } });
  wait?.answer({ ok: true, result: SETTLED });
  await bench.turn();
  expect(bench.recorder.commands).toEqual([
    { verb: 'abort', sync: true, result: 'cancelled', seconds: 0.25 },
    { verb: 'pause', sync: false, result: 'JOB_STATE', seconds: 0.25 },
    { verb: 'get', sync: false, result: 'found', seconds: 0.25 },
    { verb: 'wait', sync: true, result: 'cancelled', seconds: 0.25 },
  ]);
  expect(bench.audited).toMatchObject([{ audit: 'abort' }, { audit: 'pause' }]);
});

it('a verb that is not granted is told too', async () => {
  const bench = new Sessions({ access: new TestPolicy({ ann: grantsOf('vm1', []) }) });
  await bench.client('ann').call('job.abort', TARGET);
  expect(bench.recorder.commands).toMatchObject([{ verb: 'abort', result: 'FORBIDDEN' }]);
});

it('a dry run is neither audited nor told, and needs the grant of its verb', async () => {
  const bench = new Sessions({ access: new TestPolicy({ ann: grantsOf('vm1', []), bob: grantsOf('vm1', ['abort']) }) });
  const refused = await bench.client('ann').call('job.abort', { ...TARGET, dryRun: true });
  expect(refused).toMatchObject({ error: { data: { reason: 'FORBIDDEN' } } });
  const bob = bench.client('bob');
  bob.send('job.abort', { ...TARGET, dryRun: true });
  await bench.turn();
  expect(bench.calls).toHaveLength(1);
  bench.calls[0]?.answer({ ok: true, result: { ...TARGET, status: 'dryRun', run: 'r', effect: 'cancels' } });
  await bench.turn();
  expect([bench.recorder.commands, bench.audited]).toEqual([[], []]);
});
