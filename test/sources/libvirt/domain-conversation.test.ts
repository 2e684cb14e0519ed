// One domain's conversation: the order of what is signalled, what `refresh` promises, and when the domain counts as stalled.
import { expect, it } from 'vitest';
import type { QmpEvent } from '../../../src/qmp/index.js';
import { CallBudget } from '../../../src/sources/libvirt/budget.js';
import type { LibvirtConnection, LibvirtReply } from '../../../src/sources/libvirt/connection.js';
import { DomainConversation } from '../../../src/sources/libvirt/domain-conversation.js';
import { HeardJobs } from '../../../src/sources/libvirt/heard-jobs.js';
import { LIBVIRT_DEFAULTS, type LibvirtOptions } from '../../../src/sources/libvirt/options.js';
import { PROCEDURES } from '../../../src/sources/libvirt/procedures.js';
import type { CommandReply, SourceSignal } from '../../../src/sources/port.js';
import { FakeClock } from '../../support/fake-clock.js';

const DOMAIN = { name: 'vm1', uuid: '00112233445566778899aabbccddeeff', id: 1 };
const VDA = 'backup-vda-libvirt-1-format';
const VDB = 'backup-vdb-libvirt-2-format';
const COMMANDS = ['query-jobs', 'query-block-jobs'].map((name) => ({ name }));
const REFUSED = { error: { class: 'GenericError', desc: 'not now' } };

type Answer = (reply: LibvirtReply<unknown>) => void;
type Info = object | undefined | { code: number; message: string };

interface World {
  /** QEMU's answer to query-jobs. */
  jobs: object[] | typeof REFUSED;
  /** libvirt's answer to jobInfo, by the disk. */
  info: (target: string) => Info;
  /** Answers wait to be released. */
  holds: boolean;
}

/** @param begin runs before the version of QEMU is known. */
async function open(
  options: Partial<LibvirtOptions> = {},
  begin: (world: World, conversation: DomainConversation) => void = () => undefined,
) {
  const clock = new FakeClock();
  const signals: SourceSignal[] = [];
  const written: string[] = [];
  const world: World = { jobs: [], info: () => undefined, holds: false };
  const held: (() => void)[] = [];
  const replyTo = (procedure: unknown, args: { command?: string; target?: string }): LibvirtReply<unknown> => {
    if (procedure === PROCEDURES.version) return { kind: 'return', value: 7_002_000 };
    if (procedure === PROCEDURES.jobInfo) {
      const info = world.info(args.target ?? '');
      if (info && 'code' in info) return { kind: 'error', ...(info as { code: number; message: string }) };
      return { kind: 'return', value: info };
    }
    if (procedure !== PROCEDURES.monitorCommand) return { kind: 'return', value: 1 };
    const { execute } = JSON.parse(args.command ?? '') as { execute: string };
    const of: Record<string, object> = {
      'query-version': { return: { qemu: { major: 7, minor: 2, micro: 0 }, package: '' } },
      'query-commands': { return: COMMANDS },
      'query-jobs': Array.isArray(world.jobs) ? { return: world.jobs } : world.jobs,
    };
    return { kind: 'return', value: JSON.stringify(of[execute] ?? { return: [] }) };
  };
  const connection = {
    isSilent: false,
    call: (procedure: unknown, args: { command?: string; target?: string }, answer: Answer): void => {
      written.push(Object.entries(PROCEDURES).find(([, each]) => each === procedure)?.[0] ?? '');
      const reply = (): void => answer(replyTo(procedure, args));
      if (world.holds) held.push(reply);
      else queueMicrotask(reply);
    },
    request: async () => ({ kind: 'return', value: 1 }),
  };
  const conversation = new DomainConversation(
    connection as unknown as LibvirtConnection,
    DOMAIN,
    new CallBudget(clock),
    {
      options: { ...LIBVIRT_DEFAULTS, clock, ...options },
      known: { uuid: DOMAIN.uuid, id: 1, boot: '' },
      same: 'unknown',
      heard: new HeardJobs(),
      emit: (signal) => signals.push(signal),
      broken: (why) => expect.unreachable(why),
      refused: (why) => expect.unreachable(why),
    },
  );
  begin(world, conversation);
  await clock.turn(5);
  signals.length = 0;
  written.length = 0;
  const hear = (type: string, data: object): void =>
    conversation.hear({ kind: 'event', event: { type, time: clock.date() * 1_000, data } as QmpEvent });
  return {
    ...{ clock, signals, written, world, connection, conversation, hear },
    release: (): void => {
      for (const reply of held.splice(0)) reply();
    },
    status: (id: string, ...statuses: string[]): void => {
      for (const status of statuses) hear('JOB_STATUS_CHANGE', { id, status });
    },
    word: (target: string): void =>
      conversation.hear({ kind: 'word', data: { target, type: 'backup', status: 'completed' } }),
    abort: (id: string): CommandReply[] => {
      const replies: CommandReply[] = [];
      const send = { timeoutMs: 60_000, lane: 'abort', written: () => undefined } as const;
      conversation.send({ verb: 'abort', id }, { ...send, replied: (reply) => replies.push(reply) });
      return replies;
    },
    /** What was signalled, in order. */
    told: (): string[] => signals.map(tell),
  };
}

function tell(signal: SourceSignal): string {
  if (signal.kind === 'jobs') return `jobs: ${signal.jobs.map(({ id, status }) => `${id} ${status}`).join()}`;
  if (signal.kind !== 'event') return signal.kind;
  if (signal.event.type === 'RESUME') return 'RESUME';
  const { id, status, target, device } = signal.event.data as Record<string, string>;
  return signal.event.type === 'LIBVIRT_BLOCK_JOB' ? `word on ${target}, ${device}` : `${id} ${status}`;
}

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

const INFO = { type: 1, bandwidth: 0n, cur: 5n, end: 10n };

it('natively a job that libvirt did not begin is as its events say, and is no obstacle to others', async () => {
  const { clock, status, told, hear, conversation, signals, written, world } = await open({ queries: 'native' });
  world.info = (target) => {
    if (target === 'vdb') return INFO;
    return target === 'vda' ? undefined : { code: 8, message: 'invalid argument: disk not found in domain' };
  };
  status('backup-vda', 'created', 'running');
  status('commit-base', 'created', 'running');
  status(VDB, 'created', 'running');
  hear('BLOCK_JOB_READY', { device: 'commit-base', type: 'commit', len: 7, offset: 6, speed: 5 });
  const refreshed = conversation.refresh();
  await clock.turn(5);
  expect(await refreshed).toBe(true);
  expect(told().at(-1)).toBe(`jobs: backup-vda running,commit-base running,${VDB} running`);
  expect(written).toEqual(['jobInfo']);
  expect(signals.at(-1)).toMatchObject({
    jobs: [
      { id: 'backup-vda', type: 'unknown', len: 0, offset: 0 },
      { id: 'commit-base', type: 'commit', len: 7, offset: 6, speed: 5 },
      { id: VDB, type: 'backup', len: 10, offset: 5 },
    ],
  });
});

it('natively a job of whose disk libvirt tells nothing any more keeps its figures', async () => {
  const { clock, status, conversation, signals, world } = await open({ queries: 'native' });
  world.info = () => INFO;
  status(VDA, 'created', 'running');
  status(VDB, 'created', 'running');
  void conversation.refresh();
  await clock.turn(5);
  world.info = (target) => (target === 'vda' ? { code: 8, message: 'disk not found' } : { ...INFO, cur: 6n });
  const refreshed = conversation.refresh();
  await clock.turn(5);
  expect(await refreshed).toBe(true);
  expect(signals.at(-1)).toMatchObject({
    jobs: [
      { id: VDA, status: 'running', offset: 5 },
      { id: VDB, status: 'running', offset: 6 },
    ],
  });
});

it('natively a domain that another call holds is asked again', async () => {
  const { clock, status, conversation, told, world } = await open({ queries: 'native' });
  status(VDA, 'created', 'running');
  let refusals = 2;
  world.info = () => (refusals-- > 0 ? { code: 68, message: 'cannot acquire state change lock' } : INFO);
  const refreshed = conversation.refresh();
  await clock.turn(10);
  expect(await refreshed).toBe(true);
  expect(told().slice(-3)).toEqual(['querying', 'responsive', `jobs: ${VDA} running`]);
});

it('natively what libvirt was asked of one run says nothing of the next under its id', async () => {
  const { clock, status, conversation, told, release, world } = await open({ queries: 'native' });
  status(VDA, 'created', 'running');
  world.holds = true;
  const refreshed = conversation.refresh();
  status(VDA, 'null', 'created', 'running');
  world.holds = false;
  release();
  await clock.advance(600);
  expect(await refreshed).toBe(true);
  expect(told().at(-1)).toBe(`jobs: ${VDA} running`);
});
