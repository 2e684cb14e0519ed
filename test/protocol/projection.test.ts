import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutOf, foldEvents, foldProgress, type JobTable, tableOf } from '../../src/protocol/job-table.js';
import { SNAPSHOT_SETTLED } from '../../src/protocol/limits.js';
import { Projection } from '../../src/protocol/projection.js';
import type { Entry } from '../../src/protocol/types.js';
import { cursor, EPOCH, entry, JOB, SETTLEMENT, SOURCE, status, TIME } from '../client/support/fixtures.js';

const EMPTY = tableOf({ cursor: cursor(0), jobs: [], settled: [], sources: [] });
const fold = (events: Entry[], table: JobTable = EMPTY) =>
  foldEvents(table, events, cursor(events.at(-1)?.offset ?? 0));
const job = (table: JobTable) => table.jobs.get(cursor(1));
const settled = (offset: number, changes = {}) => entry(offset, 'GATEWAY_JOB_SETTLED', { ...SETTLEMENT, ...changes });

describe('job table', () => {
  it('follows a run from its first event to its settlement', () => {
    const created = fold([status(1, 'created'), status(2, 'running')]);
    expect(job(created)).toMatchObject({ source: 'vm1', job: 'drive0', status: 'running', type: null });
    const figures = { device: 'drive0', type: 'mirror', len: 7, offset: 7, speed: 9 };
    const ready = fold([status(3, 'ready'), entry(4, 'BLOCK_JOB_READY', figures)], created);
    expect(job(ready)).toMatchObject({ status: 'ready', type: 'mirror', len: 7, offset: 7, speed: 9, updated: TIME });
    expect(job(ready)).not.toHaveProperty('device');
    const ended = fold([status(5, 'null'), settled(6)], ready);
    expect(ended.jobs.size).toBe(0);
    expect(ended.settled.get(cursor(1))).toMatchObject({ cursor: cursor(6), settled: SETTLEMENT });
    expect(created.jobs.size, 'the old table is never changed').toBe(1);
  });

  it('keeps a concluded run until it is dismissed', () => {
    const concluded = fold([status(1, 'running'), status(2, 'concluded'), settled(3, { dismissed: false })]);
    expect(job(concluded)).toMatchObject({ status: 'concluded', settled: { outcome: 'cancelled' } });
    const dismissed = fold([status(4, 'null')], concluded);
    expect(dismissed.jobs.size).toBe(0);
    expect([...dismissed.settled.keys()]).toEqual([cursor(1)]);
  });

  it('moves a concluded run of a snapshot to settled on its dismissal', () => {
    const row = { ...JOB, status: 'concluded' as const, settled: { ...SETTLEMENT, dismissed: false } };
    const table = tableOf({ cursor: cursor(9), jobs: [row], settled: [], sources: [] });
    expect([...fold([status(10, 'null')], table).settled.keys()]).toEqual([cursor(1)]);
  });

  it('never brings an ended run back', () => {
    const ended = fold([status(1, 'running'), settled(2)]);
    expect(fold([status(3, 'running')], ended).jobs.size).toBe(0);
  });

  it('waits for the settlement after null', () => {
    expect(job(fold([status(1, 'running'), status(2, 'null')]))?.status).toBe('running');
  });

  it('leaves the status alone where QEMU names one that no query shows, or that is not known', () => {
    for (const other of ['undefined', 'hibernating'])
      expect(job(fold([status(1, 'paused'), status(2, other)]))?.status).toBe('paused');
  });

  it('reads the status from BLOCK_JOB_READY too, as QEMU before 3.0 raises nothing else', () => {
    const data = { device: 'drive0', type: 'mirror', len: 7, offset: 7, speed: 0 };
    expect(job(fold([status(1, 'running'), entry(2, 'BLOCK_JOB_READY', data)]))?.status).toBe('ready');
  });

  it('brings a run that has ended back as it began and ended, where a query finds that it still occupies its id', () => {
    const kept = { ...SETTLEMENT, dismissed: false, began: cursor(1) };
    const down = fold([status(1, 'running'), settled(2, kept), entry(3, 'GATEWAY_SOURCE_DOWN', { reason: 'closed' })]);
    expect(down.jobs.size).toBe(0);
    const data = { type: 'mirror', status: 'concluded', continuity: 'assumed' };
    expect(job(fold([entry(9, 'GATEWAY_JOB_FOUND', data)], down))).toMatchObject({
      ...data,
      ...{ began: cursor(1), len: 100, offset: 40, settled: kept },
    });
  });

  it('adopts what a query found, and that a run survived', () => {
    const data = { type: 'backup', status: 'paused', autoDismiss: false, continuity: 'assumed' };
    expect(job(fold([entry(1, 'GATEWAY_JOB_FOUND', data)]))).toMatchObject(data);
  });

  it('shows attention until the job runs again', () => {
    const data = { ioStatus: 'nospace', operation: 'write', action: 'stop' };
    const stopped = fold([status(1, 'running'), entry(2, 'GATEWAY_JOB_ATTENTION', data), status(3, 'paused')]);
    expect(job(stopped)?.ioStatus).toBe('nospace');
    for (const resumed of ['running', 'ready']) expect(job(fold([status(4, resumed)], stopped))?.ioStatus).toBe('ok');
  });

  it('follows the sources', () => {
    const up = fold([entry(1, 'GATEWAY_SOURCE_UP', { qemu: '10.0.13', same: true })]);
    expect(up.sources.get('vm1')).toMatchObject({ state: 'connecting', qemu: '10.0.13', since: TIME });
    const down = fold(
      [entry(2, 'GATEWAY_SOURCE_SYNCED', { jobs: 0 }), entry(3, 'GATEWAY_SOURCE_DOWN', { reason: 'closed' })],
      up,
    );
    expect(down.sources.get('vm1')).toMatchObject({ state: 'down', reason: 'closed', qemu: '10.0.13' });
    const again = fold([entry(4, 'GATEWAY_SOURCE_SYNCED', { jobs: 0 })], down);
    expect(again.sources.get('vm1')).toEqual({ name: 'vm1', state: 'up', qemu: '10.0.13', since: TIME });
  });

  it('follows the label of a source from QEMU to QEMU', () => {
    const up = (offset: number, label?: string) =>
      entry(offset, 'GATEWAY_SOURCE_UP', { qemu: '10.0.13', same: false, ...(label !== undefined && { label }) });
    const first = fold([up(1, 'web 1'), entry(2, 'GATEWAY_SOURCE_DOWN', { reason: 'closed' })]);
    expect(first.sources.get('vm1')).toMatchObject({ state: 'down', label: 'web 1' });
    expect(fold([up(3)], first).sources.get('vm1')).not.toHaveProperty('label');
  });

  it('adopts figures from progress, and neither status nor unknown runs', () => {
    const table = tableOf({ cursor: cursor(9), jobs: [JOB], settled: [], sources: [SOURCE] });
    const row = { source: 'vm1', job: 'drive0', run: cursor(1), status: 'ready' as const, len: 5, offset: 4, speed: 3 };
    const next = foldProgress(table, [row, { ...row, run: cursor(2) }], 'now');
    expect([...next.jobs.values()]).toEqual([{ ...JOB, len: 5, offset: 4, speed: 3, updated: 'now' }]);
  });

  it('keeps the newest settlements only', () => {
    const many = Array.from({ length: SNAPSHOT_SETTLED + 5 }, (_, n) =>
      entry(n + 1, 'GATEWAY_JOB_SETTLED', SETTLEMENT, `job${n}`, cursor(n + 1)),
    );
    const table = fold(many);
    expect(table.settled.size).toBe(SNAPSHOT_SETTLED);
    expect(table.settled.has(cursor(5))).toBe(false);
  });

  it('is the same however the events are cut into frames', () => {
    const kinds = fc.constantFrom<(at: number, run: string) => Entry>(
      (at, run) => status(at, 'running', run, run),
      (at, run) => status(at, 'paused', run, run),
      (at, run) => status(at, 'null', run, run),
      (at, run) => entry(at, 'GATEWAY_JOB_SETTLED', SETTLEMENT, run, run),
      (at, run) => entry(at, 'GATEWAY_JOB_SETTLED', { ...SETTLEMENT, dismissed: false }, run, run),
      (at) => entry(at, 'SHUTDOWN', { guest: true }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(kinds, fc.constantFrom(cursor(1), cursor(2), cursor(3)))),
        fc.nat(20),
        (steps, cutAt) => {
          const log = steps.map(([make, run], index) => make(index + 1, run));
          const whole = foldEvents(EMPTY, log, cursor(log.length));
          const half = tableOf(cutOf(foldEvents(EMPTY, log.slice(0, cutAt), cursor(Math.min(cutAt, log.length)))));
          expect(foldEvents(half, log.slice(cutAt), cursor(log.length))).toEqual(whole);
          const inPlace = new Projection(EPOCH);
          for (const each of log) inPlace.apply(each);
          const { jobs, settled: ended, sources } = inPlace;
          expect({ jobs, settled: ended, sources, cursor: whole.cursor }).toEqual(whole);
        },
      ),
    );
  });
});
