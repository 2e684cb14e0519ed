// The proof of a pivot by libvirt's XML, which libvirt changes some time after a job's end has been heard.
import { expect, it } from 'vitest';
import { GraphIndex } from '../../../src/jobs/model/graph-index.js';
import { comparePivot, readBaseline } from '../../../src/jobs/model/pivot.js';
import type { QmpEvent } from '../../../src/qmp/index.js';
import type { DomainCalls } from '../../../src/sources/libvirt/calls.js';
import { HeardJobs } from '../../../src/sources/libvirt/heard-jobs.js';
import { NativeReader } from '../../../src/sources/libvirt/native-reader.js';
import type { GraphReply } from '../../../src/sources/port.js';
import { FakeClock } from '../../support/fake-clock.js';

const JOB = 'copy-vda-libvirt-1-format';

const xml = (source: string, mirror?: string): string =>
  `<domain><devices><disk><source file='${source}'/>${mirror ? `<mirror job='copy'><source file='${mirror}'/></mirror>` : ''}
<target dev='vda'/></disk></devices></domain>`;

const status = (id: string, status: string): QmpEvent =>
  ({ type: 'JOB_STATUS_CHANGE', time: 0, data: { id, status } }) as QmpEvent;

function open(): { reader: NativeReader; clock: FakeClock; show: (xml: string) => void; asked: () => number } {
  const clock = new FakeClock();
  let shown = '';
  let asked = 0;
  const calls = {
    send: (_procedure: unknown, _args: unknown, { answer }: { answer: (reply: unknown) => void }) => {
      asked += 1;
      answer({ kind: 'return', value: shown });
    },
  } as unknown as DomainCalls;
  const hooks = {
    asked: () => undefined,
    merge: () => undefined,
    inOrder: (action: () => void) => action(),
    stalled: () => undefined,
  };
  const heard = new HeardJobs();
  heard.hear(status(JOB, 'ready'));
  const reader = new NativeReader(calls, { name: 'pure', uuid: '', id: 1 }, heard, { clock, queryMs: 5_000 }, hooks);
  return {
    reader,
    clock,
    show: (text) => {
      shown = text;
    },
    asked: () => asked,
  };
}

const read = (reader: NativeReader): Promise<GraphIndex> =>
  new Promise((resolve, reject) => {
    reader.readGraph('query', (reply: GraphReply) =>
      reply.kind === 'graph' ? resolve(new GraphIndex(reply.graph)) : reject(new Error(reply.kind)),
    );
  });

it.each([
  ['/copy', true],
  ['/disk', false],
])('a disk that libvirt has yet to change is read again: it uses %s then, so pivoted is %s', async (after, pivoted) => {
  const { reader, clock, show, asked } = open();
  show(xml('/disk', '/copy'));
  const baseline = readBaseline(await read(reader), JOB);
  if (!baseline || baseline === 'never') throw new Error('no baseline');
  reader.hear(status(JOB, 'concluded'));
  reader.hear(status(JOB, 'null'));
  const graph = read(reader);
  await clock.advance(20);
  expect(asked()).toBe(2);
  show(xml(after));
  await clock.advance(100);
  expect(comparePivot(baseline, await graph)).toBe(pivoted);
});

it('a disk that libvirt never changes proves nothing', async () => {
  const { reader, clock, show } = open();
  show(xml('/disk', '/copy'));
  const baseline = readBaseline(await read(reader), JOB);
  if (!baseline || baseline === 'never') throw new Error('no baseline');
  reader.hear(status(JOB, 'null'));
  const graph = read(reader);
  for (let ms = 0; ms < 6_000; ms += 25) await clock.advance(25);
  expect(comparePivot(baseline, await graph)).toBe('unknown');
});

it('a copy that is still running is not waited for', async () => {
  const { reader, show, asked } = open();
  show(xml('/disk', '/copy'));
  await read(reader);
  expect(asked()).toBe(1);
});
