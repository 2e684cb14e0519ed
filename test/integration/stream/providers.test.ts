// Sources that are added and removed under a live subscriber; and a log that fails for good.
import { Subject } from 'rxjs';
import { expect, it } from 'vitest';
import { MemoryLog, StoredLog } from '../../../src/log/index.js';
import { type ProvidedSource, parseSource, QmpJobSource } from '../../../src/sources/index.js';
import { startApp } from '../../support/app.js';
import { isCluster, TestStore } from '../../support/log.js';
import { openBench, openSims } from './support.js';

const sourceOf = (name: string, uri: string | undefined): ProvidedSource => {
  const parsed = parseSource(`${name}=${uri}`);
  if (!('source' in parsed) || parsed.source.kind !== 'qmp') throw new Error(`no monitor: ${uri}`);
  return { kind: 'added', source: new QmpJobSource(parsed.source, { baseMs: 5, maxMs: 20 }) };
};

it('a source that is added is served, one that is removed settles its runs, and a name may come back', async () => {
  const { sims, paths } = await openSims('one');
  const sources$ = new Subject<ProvidedSource>();
  const app = await startApp({}, { provider: { sources$ } });
  const wire = await app.wire();
  await wire.call('subscribe', {});
  sources$.next(sourceOf('vm1', paths.one));
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  sims.one?.jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
  const { job } = await wire.typed('JOB_STATUS_CHANGE');
  const waiting = wire.call('job.wait', { source: 'vm1', job: 'j', timeoutMs: 60_000 });
  // Answered in order: the wait stands.
  await wire.call('job.get', { source: 'vm1', job: 'j' });
  sources$.next({ kind: 'removed', name: 'vm1' });
  expect(await waiting).toMatchObject({ outcome: 'lost', provenance: 'unknown', run: job?.run });
  await wire.typed('GATEWAY_SOURCE_REMOVED');
  expect(wire.events.map(({ type }) => type).slice(-2)).toEqual(['GATEWAY_JOB_SETTLED', 'GATEWAY_SOURCE_REMOVED']);
  expect(await wire.call('source.list', {})).toEqual({ sources: [] });
  expect(await wire.call('job.list', {})).toMatchObject({ jobs: [] });
  await expect(wire.call('job.abort', { source: 'vm1', job: 'j' })).rejects.toMatchObject({
    body: { data: { reason: 'SOURCE_NOT_FOUND' } },
  });
  // Its QEMU runs on, and nothing of it is published meanwhile.
  sources$.next(sourceOf('vm1', paths.one));
  const found = await wire.typed('GATEWAY_JOB_FOUND');
  expect(found).toMatchObject({ source: 'vm1', job: { id: 'j' }, data: { continuity: 'new' } });
  expect(found.job?.run).not.toBe(job?.run);
});

it('a source with the name of another replaces it', async () => {
  const { sims, paths } = await openSims('one', 'two');
  const sources$ = new Subject<ProvidedSource>();
  const app = await startApp({}, { provider: { sources$ } });
  const wire = await app.wire();
  await wire.call('subscribe', {});
  sources$.next(sourceOf('vm1', paths.one));
  await wire.typed('GATEWAY_SOURCE_SYNCED');
  sources$.next(sourceOf('vm1', paths.two));
  await wire.typed('GATEWAY_SOURCE_REMOVED');
  const synced = (): number => wire.events.filter(({ type }) => type === 'GATEWAY_SOURCE_SYNCED').length;
  await expect.poll(synced).toBe(2);
  sims.one?.faults.emit('STOP', {});
  sims.two?.faults.emit('RESUME', {});
  await wire.typed('RESUME');
  expect(wire.events.map(({ type }) => type)).not.toContain('STOP');
});

it.skipIf(isCluster)(
  'a log that can take nothing more ends the gateway, and no client was sent what it lacks',
  async () => {
    const store = new TestStore('flaky');
    const log = new StoredLog(new MemoryLog(), store, { retryMs: 1, maxWaitingBytes: 20_000 });
    const { app, wire, sim } = await openBench(['vm1'], { openLog: () => log });
    await wire.call('subscribe', {});
    sim('vm1').jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
    await wire.typed('JOB_STATUS_CHANGE');
    store.die();
    const answer = wire.call('job.abort', { source: 'vm1', job: 'j', timeoutMs: 2_000 });
    // QEMU has it; that it is not in the log is no reason to say less than is known.
    await expect(answer).rejects.toMatchObject({ body: { data: { reason: 'TIMEOUT', accepted: true } } });
    const shown = wire.events.length;
    for (let n = 0; n < 50; n += 1) sim('vm1').faults.emit('STOP', { pad: 'x'.repeat(1_000) });
    expect((await app.failed).message).toContain('the log takes nothing');
    await app.close();
    await wire.end();
    expect(wire.events.slice(shown)).toEqual([]);
  },
);
