// What a QEMU has and what it raises, by what it says of itself and never by its version: distributions have backported much of it.
import type { QmpReply, QmpSession } from '../../qmp/index.js';
import type { QueriedEvents } from '../port.js';
import { SYNCHRONOUS_CANCEL } from './commands.js';

/** What carries commands to QEMU and brings its replies, at their place between its events. */
export type QmpCaller = Pick<QmpSession, 'execute' | 'request'>;

export interface QemuFeatures extends QueriedEvents {
  /** By query-commands. */
  commands: ReadonlySet<string>;
}

/** Resolves with the features, or with why there are none. */
export async function askFeatures(qemu: QmpCaller, timeoutMs: number): Promise<QemuFeatures | QmpReply> {
  const listed = await qemu.execute('query-commands', {}, { timeoutMs });
  if (listed.kind !== 'return') return listed;
  const commands = new Set(listed.value.map(({ name }) => name));
  if (!commands.has('query-events')) return featuresOf(commands, undefined);
  const raised = await qemu.execute('query-events', {}, { timeoutMs });
  if (raised.kind === 'return') return featuresOf(commands, new Set(raised.value.map(({ name }) => name)));
  return raised.kind === 'error' ? featuresOf(commands, undefined) : raised;
}

/**
 * QEMU lists its events from 1.2 to 5.2. One that lists none and has query-jobs is later and raises all; without query-jobs it is earlier, and the
 * name of its cancel tells: `block-job-cancel` came together with BLOCK_JOB_COMPLETED and BLOCK_JOB_CANCELLED.
 *
 * @param events by query-events; `undefined` where QEMU lacks that.
 */
export function featuresOf(commands: ReadonlySet<string>, events: ReadonlySet<string> | undefined): QemuFeatures {
  const isRecent = commands.has('query-jobs');
  const isAsynchronous = commands.has('block-job-cancel') || !commands.has(SYNCHRONOUS_CANCEL);
  const raises = (event: 'JOB_STATUS_CHANGE' | 'BLOCK_JOB_COMPLETED' | 'BLOCK_JOB_CANCELLED'): boolean =>
    events?.has(event) ?? (isRecent || (isAsynchronous && event !== 'JOB_STATUS_CHANGE'));
  return {
    commands,
    legacy: !raises('JOB_STATUS_CHANGE'),
    quietCancel: !raises('BLOCK_JOB_CANCELLED') && (raises('BLOCK_JOB_COMPLETED') || !isAsynchronous),
  };
}
