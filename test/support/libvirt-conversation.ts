// A conversation with one domain over a connection in the test's hand: QEMU and libvirt answer as `world` says, at once or when they are released.
import { expect } from 'vitest';
import type { QmpEvent } from '../../src/qmp/index.js';
import { CallBudget } from '../../src/sources/libvirt/budget.js';
import type { LibvirtConnection, LibvirtReply } from '../../src/sources/libvirt/connection.js';
import { DomainConversation } from '../../src/sources/libvirt/domain-conversation.js';
import { HeardJobs } from '../../src/sources/libvirt/heard-jobs.js';
import { LIBVIRT_DEFAULTS, type LibvirtOptions } from '../../src/sources/libvirt/options.js';
import { PROCEDURES } from '../../src/sources/libvirt/procedures.js';
import type { CommandReply, SourceSignal } from '../../src/sources/port.js';
import { FakeClock } from './fake-clock.js';

const DOMAIN = { name: 'vm1', uuid: '00112233445566778899aabbccddeeff', id: 1 };
export const VDA = 'backup-vda-libvirt-1-format';
export const VDB = 'backup-vdb-libvirt-2-format';
const COMMANDS = ['query-jobs', 'query-block-jobs'].map((name) => ({ name }));
export const REFUSED = { error: { class: 'GenericError', desc: 'not now' } };

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
export async function openConversation(
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
