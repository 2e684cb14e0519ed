// One command of the gateway to a monitor and its entries in the log: GATEWAY_COMMAND as it is written, GATEWAY_COMMAND_ANSWERED as QEMU answers. A
// command that was never written has no entry.
import type { Clock } from '../../clock.js';
import { allows } from '../../protocol/rules.js';
import type { GatewayEventData } from '../../protocol/types.js';
import type { CommandReply, JobCommand, SendOptions } from '../../sources/index.js';
import type { JobInput } from '../model/input.js';
import type { Run } from '../model/run.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import type { WrittenCommand } from '../tracking/track-listener.js';

export interface CommandHandlers extends Pick<SendOptions, 'lane' | 'timeoutMs'> {
  /** Called in the event-loop turn in which the command is written: whatever the command causes lies after its entry. */
  written: (command: WrittenCommand) => void;
  replied: (reply: CommandReply) => void;
  /** Called right before the command goes to the source. */
  before?: () => void;
  clock: Clock;
}

interface Target {
  tracker: SourceTracker;
  run: Run;
}

type CommandData = Omit<GatewayEventData['GATEWAY_COMMAND'], 'command'>;

/** @returns withdraws the command if it is not yet written. */
export function sendCommand(
  target: Target,
  data: CommandData,
  command: JobCommand,
  handlers: CommandHandlers,
): () => boolean {
  if (target.tracker.isFenced) return sendFenced(target, data, command, handlers);
  const { tracker, run } = target;
  const { lane, timeoutMs, written, replied, before } = handlers;
  before?.();
  let entry: WrittenCommand | undefined;
  return tracker.send(command, {
    lane,
    timeoutMs,
    written: () => {
      entry = tracker.written(run, data);
      written(entry);
    },
    replied: (reply) => {
      if (entry) answered(tracker, entry, command, reply);
      replied(reply);
    },
  });
}

/**
 * The entry first, and the command once the log shows it. A command that is not written after all is answered as refused in the log, since its entry is
 * there.
 */
function sendFenced(
  { tracker, run }: Target,
  data: CommandData,
  command: JobCommand,
  { lane, timeoutMs, written, replied, before, clock }: CommandHandlers,
): () => boolean {
  const dueAt = clock.now() + timeoutMs;
  let phase: 'waiting' | 'withdrawn' | 'late' | 'sent' = 'waiting';
  let withdrawSent = (): boolean => false;
  const entry = tracker.written(run, data);
  const notSent = (why: string): void => tracker.answered(entry, { result: 'refused', error: `not sent: ${why}` });
  const stop = clock.after(timeoutMs, () => {
    if (phase !== 'waiting') return;
    phase = 'late';
    replied({ kind: 'timeout', sent: false });
  });
  const shown = (): void => {
    stop();
    if (phase === 'withdrawn') return notSent('it was withdrawn');
    if (phase === 'late') return notSent('the log did not take the command within its bound');
    phase = 'sent';
    // Entries that are shown without a place were dropped: nothing proves that the source is still ours.
    const isOurs = entry.position.cursor !== undefined && tracker.isUp;
    if (!isOurs || !mayStill(tracker.runs.get(run.id), run, command)) {
      notSent(isOurs ? 'the job has changed meanwhile' : 'the source is down');
      return isOurs ? replied(CHANGED) : replied({ kind: 'closed', sent: false });
    }
    let isWritten = false;
    before?.();
    withdrawSent = tracker.send(command, {
      lane,
      timeoutMs: Math.max(1, dueAt - clock.now()),
      written: () => {
        isWritten = true;
        written(entry);
      },
      replied: (reply) => {
        if (isWritten) answered(tracker, entry, command, reply);
        else notSent('the source took no command');
        replied(reply);
      },
    });
  };
  tracker.whenShown(shown, () => {
    stop();
    if (phase === 'waiting') replied({ kind: 'closed', sent: false });
  });
  return () => {
    if (phase === 'waiting') {
      phase = 'withdrawn';
      stop();
      return true;
    }
    if (phase !== 'sent' || !withdrawSent()) return false;
    notSent('it was withdrawn');
    return true;
  };
}

/** The run has gone on while the log took the entry. */
function mayStill(present: Run | undefined, { run }: Run, { verb }: JobCommand): boolean {
  if (present?.run !== run || (present.end && verb !== 'dismiss')) return false;
  return allows(present.status, verb);
}

/** As QEMU would answer. */
const CHANGED: CommandReply = {
  kind: 'refused',
  class: 'GenericError',
  desc: 'the job has changed before the command could be written',
};

function answered(tracker: SourceTracker, entry: WrittenCommand, command: JobCommand, reply: CommandReply): void {
  tracker.answered(entry, answerOf(reply));
  // No event will say that the job is gone.
  if (reply.kind === 'accepted' && command.verb === 'abort' && tracker.quietCancel) void tracker.refresh();
}

export function answerOf(reply: CommandReply): Extract<JobInput, { kind: 'answered' }>['answer'] {
  if (reply.kind === 'accepted') return { result: 'accepted' };
  if (reply.kind === 'refused') return { result: 'refused', error: reply.desc };
  return { result: 'unknown' };
}
