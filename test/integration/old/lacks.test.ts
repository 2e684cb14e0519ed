// QEMUs that lack one thing or several: what the gateway then learns by polling query-block-jobs, and how honest it stays.
import { describe, expect, it } from 'vitest';
import { LACKS, LACKS_OF_2_11, type Lack } from '../../../src/simulator/index.js';
import { abort, openOld, slow } from './support.js';

/** No event says that a job has been cancelled, and none that it has completed. */
const SILENT: readonly Lack[] = ['query-jobs', 'status-events', 'cancelled-events', 'completed-events'];
const WITHOUT_CANCELLED: readonly Lack[] = ['query-jobs', 'status-events', 'cancelled-events'];
/** As distributions had block jobs in 2011. */
const OF_2011: readonly Lack[] = [...WITHOUT_CANCELLED, 'async-cancel', 'query-events'];

/** Every set of what can be missing in which jobs can be followed at all. */
const SETS: readonly (readonly [name: string, lacks: readonly Lack[]])[] = [
  ['nothing is missing', []],
  ...LACKS.map((lack) => [`without ${lack}`, [lack]] as const),
  ['QEMU 2.11', LACKS_OF_2_11],
  ['QEMU 1.1', [...LACKS_OF_2_11, 'query-events']],
  ['without an event of a cancel', WITHOUT_CANCELLED],
  ['without any event of an end', SILENT],
  ['2011', OF_2011],
  ['all is missing', LACKS],
];

describe.each(SETS)('%s', (_name, lacks) => {
  const isKnown =
    !lacks.includes('cancelled-events') || !lacks.includes('status-events') || lacks.includes('async-cancel');
  const isProven = isKnown || !lacks.includes('completed-events');

  it('lists a job that began without an event, with its progress', async () => {
    const old = await openOld(lacks);
    old.sim.jobs.start(slow('j'));
    await expect
      .poll(async () => (await old.wire.call('job.list', {})).jobs)
      .toMatchObject([{ job: 'j', type: 'stream', status: 'running', len: 1_000_000 }]);
    const { offset } = await old.wire.call('job.get', { source: 'vm1', job: 'j' });
    await expect
      .poll(async () => (await old.wire.call('job.get', { source: 'vm1', job: 'j' })).offset)
      .toBeGreaterThan(Number(offset));
  });

  it.each([false, true])(
    'an abort ends the job, and its settlement says no more than is known (sync: %s)',
    async (sync) => {
      const old = await openOld(lacks);
      old.sim.jobs.start(slow('j', 50));
      const answer = await abort(old, 'j', { sync });
      expect(answer).toMatchObject(
        sync
          ? { status: 'settled', outcome: isProven ? 'cancelled' : 'lost' }
          : { status: expect.stringMatching(/requested|settled/), job: 'j' },
      );
      expect(await old.settled('j')).toMatchObject({
        outcome: isProven ? 'cancelled' : 'lost',
        requestedBy: ['anonymous'],
        pivoted: false,
        pivotProof: expect.stringMatching(/type|event/),
      });
      expect(old.sim.jobs.list()).toEqual([]);
      expect(old.wire.events.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED')).toHaveLength(1);
    },
  );

  it('a bounded wait ends within its bound, whatever QEMU says of its jobs', async () => {
    const old = await openOld(lacks);
    old.sim.jobs.start(slow('j'));
    await expect(old.wire.call('job.wait', { source: 'vm1', job: 'j', timeoutMs: 100 })).rejects.toMatchObject({
      reason: 'TIMEOUT',
      body: { data: { job: { job: 'j', status: 'running' } } },
    });
  });

  it('a job that ends by itself has completed only where an event said so', async () => {
    const old = await openOld(lacks);
    old.sim.jobs.start({ type: 'stream', id: 'j', len: 1_000_000_000, speed: 1_000 });
    await old.wire.call('job.get', { source: 'vm1', job: 'j' });
    const waiting = old.wire.call('job.wait', { source: 'vm1', job: 'j', timeoutMs: 10_000 });
    old.sim.jobs.setSpeed('j', 0);
    const isSaid = !lacks.includes('completed-events') || !lacks.includes('status-events');
    expect(await waiting).toMatchObject(
      isSaid ? { outcome: 'completed', provenance: 'observed' } : { outcome: 'lost', provenance: 'unknown' },
    );
  });

  it('a job that another client cancels is never taken for a completed one', async () => {
    const old = await openOld(lacks);
    old.sim.jobs.start(slow('j'));
    await old.wire.call('job.get', { source: 'vm1', job: 'j' });
    const waiting = old.wire.call('job.wait', { source: 'vm1', job: 'j', timeoutMs: 10_000 });
    old.sim.jobs.cancel('j');
    expect((await waiting).outcome).toBe(
      !lacks.includes('cancelled-events') ? 'cancelled' : !lacks.includes('status-events') ? 'failed' : 'lost',
    );
  });
});
