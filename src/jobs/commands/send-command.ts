// One command of the gateway to a monitor and its entries in the log: GATEWAY_COMMAND as it is written, GATEWAY_COMMAND_ANSWERED as QEMU answers. A
// command that was never written has no entry.
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
}

/** @returns withdraws the command if it is not yet written. */
export function sendCommand(
  { tracker, run }: { tracker: SourceTracker; run: Run },
  data: Omit<GatewayEventData['GATEWAY_COMMAND'], 'command'>,
  command: JobCommand,
  { lane, timeoutMs, written, replied }: CommandHandlers,
): () => boolean {
  let entry: WrittenCommand | undefined;
  return tracker.send(command, {
    lane,
    timeoutMs,
    written: () => {
      entry = tracker.written(run, data);
      written(entry);
    },
    replied: (reply) => {
      if (entry) tracker.answered(entry, answerOf(reply));
      replied(reply);
      // No event will say that the job is gone.
      if (reply.kind === 'accepted' && command.verb === 'abort' && tracker.quietCancel) void tracker.refresh();
    },
  });
}

export function answerOf(reply: CommandReply): Extract<JobInput, { kind: 'answered' }>['answer'] {
  if (reply.kind === 'accepted') return { result: 'accepted' };
  if (reply.kind === 'refused') return { result: 'refused', error: reply.desc };
  return { result: 'unknown' };
}
