// One domain's conversation: the order of what is signalled, what `refresh` promises, and when the domain counts as stalled.
import { expect, it } from 'vitest';
import type { QmpEvent } from '../../../src/qmp/index.js';
import type { CommandReply } from '../../../src/sources/port.js';
import { openConversation as open, REFUSED, VDA, VDB } from '../../support/libvirt-conversation.js';

const row = (id: string, status: string): object => ({
  ...{ id, type: 'backup', status, 'current-progress': 1, 'total-progress': 2 },
});

it('two jobs that end at once, the id of one used again at once: all is signalled in the order in which it came', async () => {
  const { clock, status, told, conversation, world, hear } = await open();
  status(VDA, 'created', 'running');
  status(VDB, 'created', 'running');
  status(VDA, 'concluded', 'null');
  status(VDB, 'concluded', 'null', 'created', 'running');
  world.jobs = [row(VDB, 'running')];
  const refreshed = conversation.refresh();
  await clock.turn(2);
  hear('RESUME', {});
  await clock.advance(1_200);
  expect(await refreshed).toBe(true);
  expect(told()).toEqual([
    ...[`${VDA} created`, `${VDA} running`, `${VDB} created`, `${VDB} running`, `${VDA} concluded`],
    'querying',
    ...[`${VDA} null`, `${VDB} concluded`],
    ...[`${VDB} null`, `${VDB} created`, `${VDB} running`],
    `jobs: ${VDB} running`,
    'RESUME',
  ]);
});

it('libvirt’s words on two jobs that end at once come before their ends, whichever comes first', async () => {
  const { clock, status, told, word } = await open();
  status(VDA, 'created');
  status(VDB, 'created');
  status(VDA, 'null');
  status(VDB, 'null');
  word('vdb');
  word('vda');
  const ends = [`word on vda, ${VDA}`, `${VDA} null`, `word on vdb, ${VDB}`, `${VDB} null`];
  expect(told().slice(2)).toEqual(ends);
  await clock.advance(1_000);
  expect(told()).toHaveLength(6);
});

it.each(['abort', 'complete', 'setSpeed'] as const)(
  '%s of a job that is not libvirt’s is not sent to libvirt’s job of the disk',
  async (verb) => {
    const { status, conversation, written } = await open();
    status('pull-vda-libvirt-1-format', 'created', 'running');
    status('backup-vda', 'created', 'running');
    const replies: CommandReply[] = [];
    const command = { verb, id: 'backup-vda' };
    const options = { timeoutMs: 1_000, lane: 'abort', written: () => undefined } as const;
    expect(conversation.carrierOf(command)).toBeUndefined();
    conversation.send(command, { ...options, replied: (reply) => replies.push(reply) });
    expect(replies).toMatchObject([{ kind: 'refused', class: 'NotLibvirts' }]);
    expect(written).toEqual([]);
    expect(conversation.carrierOf({ verb, id: 'pull-vda-libvirt-1-format' })?.arguments).toMatchObject({ disk: 'vda' });
  },
);

it('a refresh resolves when the jobs are signalled, though the first reply is left to libvirt', async () => {
  const { clock, status, told, conversation, world } = await open();
  status(VDA, 'created', 'running', 'concluded');
  world.jobs = [row(VDA, 'concluded')];
  let isDone = false;
  const refreshed = conversation.refresh().finally(() => {
    isDone = true;
  });
  await clock.advance(40);
  expect([isDone, told().some((each) => each.startsWith('jobs'))]).toEqual([false, false]);
  world.jobs = [];
  await clock.advance(20);
  expect(await refreshed).toBe(true);
  expect(told().at(-1)).toBe('jobs: ');
});

it('a refresh whose second query is refused signals nothing, and says so', async () => {
  const { clock, status, told, conversation, world } = await open();
  status(VDA, 'created', 'running', 'concluded');
  world.jobs = [row(VDA, 'concluded')];
  const refreshed = conversation.refresh();
  await clock.advance(40);
  world.jobs = REFUSED;
  await clock.advance(20);
  expect(await refreshed).toBe(false);
  expect(told().filter((each) => each.startsWith('jobs'))).toEqual([]);
});

it('a connection whose first jobs are left to libvirt asks until it has them, though QEMU refuses once', async () => {
  const { clock, conversation, world, told } = await open({}, (begun, beginning) => {
    begun.jobs = [row(VDA, 'concluded')];
    const data = { id: VDA, status: 'concluded' };
    beginning.hear({ kind: 'event', event: { type: 'JOB_STATUS_CHANGE', time: null, data } as QmpEvent });
  });
  expect(conversation.isSynced).toBe(false);
  world.jobs = REFUSED;
  await clock.advance(60);
  expect([conversation.isSynced, told().at(-1)]).toEqual([false, 'refused']);
  world.jobs = [];
  await clock.advance(300);
  expect([conversation.isSynced, told().at(-1)]).toEqual([true, 'jobs: ']);
});

it('a domain is responsive when nothing is owed any more, whatever libvirtd’s pings say', async () => {
  const { clock, told, conversation, connection, abort, release, world } = await open();
  const stalls = (): string[] => told().filter((each) => /stalled|responsive/.test(each));
  world.holds = true;
  const replies = abort(VDA);
  await clock.advance(5_000);
  expect(stalls()).toEqual(['stalled']);
  connection.isSilent = true;
  conversation.silent(true);
  connection.isSilent = false;
  conversation.silent(false);
  expect(stalls()).toEqual(['stalled']);
  release();
  expect(replies).toHaveLength(1);
  expect(stalls()).toEqual(['stalled', 'responsive']);
});

it('a query that is refused at last is answered: the domain is responsive', async () => {
  const { clock, told, conversation, release, world } = await open();
  world.holds = true;
  const refreshed = conversation.refresh();
  await clock.advance(5_000);
  world.jobs = REFUSED;
  world.holds = false;
  release();
  await clock.advance(10);
  expect(await refreshed).toBe(false);
  expect(told().filter((each) => /stalled|responsive/.test(each))).toEqual(['stalled', 'responsive']);
});
