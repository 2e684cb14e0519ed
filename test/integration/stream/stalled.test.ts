// A QEMU that is connected and does not answer, or refuses to: what is published of it, and what becomes of commands meanwhile.
import { describe, expect, it } from 'vitest';
import type { Settlement } from '../../../src/protocol/index.js';
import { startApp } from '../../support/app.js';
import { isCluster } from '../../support/log.js';
import type { WireError } from '../../support/wire.js';
import { openBench, openSims, until } from './support.js';

const MIB = 1024 * 1024;
const target = (job: string) => ({ source: 'vm1', job });
const dataOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (result) => result,
    (error: WireError) => error.body.data,
  );

async function metricsOf(url: string): Promise<string[]> {
  const text = await (await fetch(`${url}metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith('qmp_gateway_source_'));
}

describe('a stall', () => {
  it('is published, listed and measured, and so is its end', async () => {
    const bench = await openBench(['vm1'], { source: { probeMs: 20, queryMs: 30 } });
    await bench.wire.call('subscribe', {});
    bench.sim('vm1').faults.hang();
    expect(await bench.wire.typed('GATEWAY_SOURCE_STALLED')).toMatchObject({ source: 'vm1', data: { waitedMs: 30 } });
    const listed = async (): Promise<unknown> => (await bench.wire.call('source.list', {})).sources[0];
    expect(await listed()).toMatchObject({ state: 'up', reason: 'stalled' });
    expect(await metricsOf(bench.app.url)).toEqual(
      expect.arrayContaining([
        'qmp_gateway_source_up{source="vm1"} 0',
        'qmp_gateway_source_state{source="vm1",state="stalled"} 1',
        'qmp_gateway_source_state{source="vm1",state="up"} 0',
      ]),
    );
    bench.sim('vm1').faults.wake();
    const { data } = await bench.wire.typed('GATEWAY_SOURCE_RESPONSIVE');
    expect((data as { stalledMs: number }).stalledMs).toBeGreaterThanOrEqual(30);
    expect(await listed()).toEqual(expect.not.objectContaining({ reason: expect.anything() }));
    expect(await metricsOf(bench.app.url)).toContain('qmp_gateway_source_up{source="vm1"} 1');
    // Once each, however often it was queried meanwhile.
    const types = bench.wire.events.map(({ type }) => type);
    expect(types.filter((type) => /STALLED|RESPONSIVE/.test(type))).toHaveLength(2);
  });

  it('leaves no unwritten command in the log, and a later one is sent anew', async () => {
    const bench = await openBench();
    const { faults, jobs } = bench.sim('vm1');
    await bench.wire.call('subscribe', {});
    const ids = Array.from({ length: 12 }, (_, n) => `j${n}`);
    for (const id of ids) jobs.start({ id, type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    for (const id of ids) await bench.wire.status(id, 'running');
    await bench.wire.call('job.get', target('j0'));
    faults.hang();
    const answers = await Promise.all(
      ids.map((id) => dataOf(bench.wire.call('job.abort', { ...target(id), timeoutMs: 200 }))),
    );
    // QEMU takes eight commands before it stops reading.
    expect(answers.map((data) => (data as { accepted: unknown }).accepted)).toEqual([
      ...Array(8).fill(null),
      ...Array(4).fill(false),
    ]);
    expect(bench.wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND')).toHaveLength(isCluster ? 12 : 8);
    faults.wake();
    expect(await bench.wire.call('job.abort', { ...target('j11'), sync: true })).toMatchObject({
      outcome: 'cancelled',
    });
    expect(await dataOf(bench.wire.call('job.get', target('j9')))).toMatchObject({ status: 'running' });
  });

  it('and a crowd of other verbs before it do not keep an abort from being written', async () => {
    const bench = await openBench(['vm1'], { source: { qmp: { maxQueued: 4 } } });
    const { faults, jobs } = bench.sim('vm1');
    await bench.wire.call('subscribe', {});
    for (const id of ['a', 'b']) jobs.start({ id, type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
    await bench.wire.status('b', 'running');
    await bench.wire.call('job.get', target('a'));
    faults.hang();
    const pauses = Array.from({ length: 20 }, () => dataOf(bench.wire.call('job.pause', target('a'))));
    const abort = dataOf(bench.wire.call('job.abort', { ...target('b'), timeoutMs: 200 }));
    expect(await abort).toMatchObject({ reason: 'TIMEOUT', accepted: null });
    const commands = (): unknown[] =>
      bench.wire.events
        .filter(({ type }) => type === 'GATEWAY_COMMAND')
        .map(({ data }) => (data as { verb: string }).verb);
    expect(commands()).toEqual([...Array(isCluster ? 20 : 7).fill('pause'), 'abort']);
    faults.wake();
    const busy = (await Promise.all(pauses)).filter((data) => (data as { reason?: string }).reason === 'SOURCE_BUSY');
    expect(busy).toHaveLength(20 - 7 - 4);
    expect(busy[0]).toMatchObject({ retryAfterMs: expect.any(Number) });
    expect((await bench.wire.typed('GATEWAY_JOB_SETTLED', 'b')).data).toMatchObject({ outcome: 'cancelled' });
    expect(commands()).toHaveLength(isCluster ? 21 : 12);
  });
});

describe('a job known from events only', () => {
  it.each([
    ['mirror', ['BLOCK_JOB_CANCELLED'], { outcome: 'cancelled', forced: false }],
    ['create', [], { outcome: 'cancelled', forced: true }],
  ] as const)(
    'a %s: the abort is written at once, and carried out when QEMU goes on',
    async (type, events, expected) => {
      const bench = await openBench();
      const { faults, jobs } = bench.sim('vm1');
      await bench.wire.call('subscribe', {});
      faults.hang();
      jobs.start({ id: 'j', type, len: 64 * MIB, bytesPerSecond: MIB });
      await bench.wire.status('j', 'running');
      const answer = await dataOf(bench.wire.call('job.abort', { ...target('j'), timeoutMs: 150 }));
      expect(answer).toMatchObject({ reason: 'TIMEOUT', accepted: null, job: { type: null } });
      faults.wake();
      const settled = (await bench.wire.typed('GATEWAY_JOB_SETTLED', 'j')).data as Settlement;
      expect(settled).toMatchObject({ ...expected, requestedBy: ['anonymous'] });
      const raised = bench.wire.events.map((each) => each.type).filter((each) => each.startsWith('BLOCK_JOB_'));
      expect(raised).toEqual(events);
    },
  );
});

describe('a monitor that refuses its first query', () => {
  it.each(['query-jobs', 'query-block-jobs', 'query-commands'])(
    '%s: it is asked again, and the reason is said',
    async (name) => {
      const { sims, paths } = await openSims('vm1');
      for (let n = 0; n < 3; n++)
        sims.vm1?.faults.refuseNextCommand(name, { class: 'GenericError', desc: 'The command is not permitted' });
      const app = await startApp(paths, { source: { refusedMs: 20, refusedMaxMs: 20 } });
      const wire = await app.wire();
      const seen = new Set<string>();
      await until(async () => {
        const { state, reason } = (await wire.call('source.list', {})).sources[0] ?? {};
        seen.add(`${state} ${reason ?? ''}`);
        return state === 'up';
      });
      expect([...seen]).toContain('down refused-query');
      expect([...seen].at(-1)).toBe('up ');
    },
  );
});
