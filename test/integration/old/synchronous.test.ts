// QEMU before 1.1: a cancel is answered when the job is gone, and QEMU answers nothing else meanwhile.
import { expect, it } from 'vitest';
import type { Lack } from '../../../src/simulator/index.js';
import type { Wire } from '../../support/wire.js';
import { abort, openOld, slow } from './support.js';

const OF_2011: readonly Lack[] = ['query-jobs', 'status-events', 'cancelled-events', 'async-cancel', 'query-events'];
/** Shorter than the cancels here take, so that a query behind one is late. */
const IMPATIENT = { source: { queryMs: 250 } };

const epoch = async (wire: Wire): Promise<string> => (await wire.call('server.info', {})).epoch;

it('the bound of a caller holds while QEMU waits; the cancel stays in force, and others share it', async () => {
  const old = await openOld(OF_2011, IMPATIENT);
  old.sim.jobs.start(slow('j', 1_500));
  await old.wire.call('job.get', { source: 'vm1', job: 'j' });
  await expect(abort(old, 'j', { sync: true, timeoutMs: 100 })).rejects.toMatchObject({
    reason: 'TIMEOUT',
    body: { data: { accepted: null, job: { job: 'j', status: 'running' } } },
  });
  await expect(abort(old, 'j', { timeoutMs: 100 })).rejects.toMatchObject({
    reason: 'TIMEOUT',
    body: { data: { accepted: null } },
  });
  expect(await abort(old, 'j', { sync: true })).toMatchObject({ outcome: 'cancelled', provenance: 'reconciled' });
  expect(old.wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toHaveLength(1);
  expect(old.wire.events.find(({ type }) => type === 'GATEWAY_COMMAND_ANSWERED')?.data).toMatchObject({
    result: 'accepted',
  });
});

it('what waits behind the cancel is not taken for a stall; a stall is, also right after it', async () => {
  const old = await openOld(OF_2011, IMPATIENT);
  old.sim.jobs.start(slow('j', 1_500));
  await old.wire.call('job.get', { source: 'vm1', job: 'j' });
  const aborted = abort(old, 'j', { sync: true });
  await old.wire.typed('GATEWAY_COMMAND');
  await expect(old.wire.call('job.wait', { source: 'vm1', job: 'k', timeoutMs: 600 })).rejects.toMatchObject({
    reason: 'TIMEOUT',
    body: { data: { accepted: false } },
  });
  const [source] = (await old.wire.call('source.list', {})).sources;
  expect(source).toMatchObject({ state: 'up' });
  expect(source).not.toHaveProperty('reason');
  expect(await aborted).toMatchObject({ outcome: 'cancelled' });
  const [written, answered] = ['GATEWAY_COMMAND', 'GATEWAY_COMMAND_ANSWERED'].map((type) =>
    old.wire.events.findIndex((entry) => entry.type === type),
  );
  expect(old.wire.events.slice(written, answered).map(({ type }) => type)).not.toContain('GATEWAY_SOURCE_STALLED');
  old.sim.faults.hang();
  await old.wire.call('job.wait', { source: 'vm1', job: 'k', timeoutMs: 600 }).catch(() => undefined);
  await old.wire.typed('GATEWAY_SOURCE_STALLED');
});

it('a cancel whose connection is lost before the answer is not taken for a cancelled job', async () => {
  const old = await openOld(OF_2011);
  old.sim.jobs.start(slow('j', 200));
  const aborted = abort(old, 'j', { sync: true });
  await old.wire.typed('GATEWAY_COMMAND');
  old.sim.faults.dropConnection();
  expect(await aborted).toMatchObject({ outcome: 'lost', provenance: 'unknown' });
});

it('its verbs are those that it has commands for, in the list, in a snapshot and for who has only heard the events', async () => {
  const old = await openOld(OF_2011);
  const verbs = ['abort', 'force', 'setSpeed'];
  expect((await old.wire.call('source.list', {})).sources).toMatchObject([{ name: 'vm1', verbs }]);
  old.sim.jobs.start(slow('j'));
  await expect(old.wire.call('job.pause', { source: 'vm1', job: 'j' })).rejects.toMatchObject({
    reason: 'UNSUPPORTED',
    body: { data: { verbs } },
  });
  await old.wire.call('job.setSpeed', { source: 'vm1', job: 'j', speed: 2_000 });
  expect(await old.wire.call('job.get', { source: 'vm1', job: 'j' })).toMatchObject({ speed: 2_000 });
  const late = await old.app.wire();
  expect((await late.call('subscribe', {})).sources).toMatchObject([{ name: 'vm1', verbs }]);
  const all = await old.wire.call('subscribe', {
    types: ['GATEWAY_SOURCE_SYNCED'],
    after: `${await epoch(old.wire)}:0`,
  });
  expect(all.resumed).toBe(true);
  expect((await old.wire.typed('GATEWAY_SOURCE_SYNCED')).data).toEqual({ jobs: 0, verbs });
});

it('its answer settles the job: no poll is awaited', async () => {
  const old = await openOld(OF_2011, { track: { legacyMs: 600_000 } });
  old.sim.jobs.start(slow('j', 50));
  expect(await abort(old, 'j')).toMatchObject({ status: expect.stringMatching(/requested|settled/) });
  expect(await old.settled('j')).toMatchObject({ outcome: 'cancelled', provenance: 'reconciled' });
  const [answered, settled] = await Promise.all(
    ['GATEWAY_COMMAND_ANSWERED', 'GATEWAY_JOB_SETTLED'].map(async (type) =>
      Date.parse(String((await old.wire.typed(type)).time)),
    ),
  );
  // The poll for the caller would be 2 s after the one before.
  expect(Number(settled) - Number(answered)).toBeLessThan(1_000);
});
