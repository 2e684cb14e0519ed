// What an edge says of the sources that owners have.
import { beforeEach, expect, it } from 'vitest';
import { Edge } from '../../src/cluster/edge.js';
import { CLUSTER_DEFAULTS } from '../../src/cluster/options.js';
import { SourceWriter, WRITER_DEFAULTS } from '../../src/log/index.js';
import { subjectsOf } from '../../src/nats/subjects.js';
import { Projection } from '../../src/protocol/projection.js';
import type { Entry, SourceInfo } from '../../src/protocol/types.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryBus } from '../support/memory-bus.js';
import { MemoryStream } from '../support/memory-stream.js';

const subjects = subjectsOf('qmp');

let clock: FakeClock;
let stream: MemoryStream;
let bus: MemoryBus;

beforeEach(() => {
  clock = new FakeClock();
  stream = new MemoryStream();
  bus = new MemoryBus();
});

const ignored = (): undefined => undefined;

/** A writer of the source s. */
async function own(owner: string): Promise<SourceWriter> {
  const info: SourceInfo = { name: 's', provider: 'qmp', state: 'up', since: '2026-11-29T08:00:00Z' };
  const line = { kind: 'source', name: 's', about: {}, info, evidence: {} };
  const writer = new SourceWriter({
    ...{ stream, source: 's', owner, epoch: stream.epoch, last: stream.lastSeq, save: () => [JSON.stringify(line)] },
    listener: {
      fenced: ignored,
      acknowledged: ignored,
      gap: ignored,
      renewed: ignored,
      reused: ignored,
      failing: ignored,
    },
    options: { clock, ...WRITER_DEFAULTS },
  });
  await writer.drained();
  say(owner);
  return writer;
}

const say = (member: string): void => bus.publish(subjects.hold, { v: 1, member, instance: member, owned: ['s'] });

async function openEdge(): Promise<Edge> {
  const edge = new Edge({
    ...{
      member: 'edge',
      stream,
      bus,
      subjects,
      clock,
      options: CLUSTER_DEFAULTS,
      limits: {},
      listener: { failing: ignored, malformed: ignored },
    },
  });
  await edge.open();
  return edge;
}

const ownersOf = (edge: Edge): unknown[] => edge.view.sources().map(({ owner }) => owner);

it('a source is listed with the member that has it, and after a takeover with the next', async () => {
  await own('rack1');
  const early = await openEdge();
  expect(ownersOf(early)).toEqual(['rack1']);
  await own('rack2');
  expect(ownersOf(early)).toEqual(['rack2']);
  expect(ownersOf(await openEdge())).toEqual(['rack2']);
});

it('a source whose owner is not heard of is listed as down, with no owner', async () => {
  await own('rack1');
  const edge = await openEdge();
  await clock.advance(CLUSTER_DEFAULTS.unownedMs + 1);
  expect(edge.view.sources()).toMatchObject([{ state: 'down', reason: 'unowned' }]);
  expect(ownersOf(edge)).toEqual([undefined]);
  say('rack1');
  await clock.turn();
  expect(ownersOf(edge)).toEqual(['rack1']);
});

it('clients that fold the events have the owner that a list would name', async () => {
  const edge = await openEdge();
  const seen = new Projection(stream.epoch);
  edge.log.entries$.subscribe(({ json }) => seen.apply(JSON.parse(json) as Entry));
  const owner = (): unknown => seen.sources.get('s')?.owner;
  const first = await own('rack1');
  first.append([{ source: 's', type: 'GATEWAY_SOURCE_UP', time: 1, data: { qemu: '10.0.13', same: false } }]);
  first.append([{ source: 's', type: 'GATEWAY_SOURCE_SYNCED', time: 1, data: { jobs: 0 } }]);
  await first.drained();
  expect([owner(), ...ownersOf(edge)]).toEqual(['rack1', 'rack1']);
  const second = await own('rack2');
  second.append([{ source: 's', type: 'GATEWAY_SOURCE_DOWN', time: 2, data: { reason: 'absent' } }]);
  await second.drained();
  expect([owner(), ...ownersOf(edge)]).toEqual(['rack2', 'rack2']);
});
