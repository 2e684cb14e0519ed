// One command of ours on a monitor, and its trail in the log: GATEWAY_COMMAND as it is written, GATEWAY_COMMAND_ANSWERED as QEMU answers. What
// was never written leaves none.
import type { Cursor, GatewayEventData } from '../protocol/types.js';
import type { ExecuteOptions, QmpReply, QmpSession } from '../qmp/index.js';
import type { QmpCall } from './command.js';
import type { Run } from './run.js';
import type { SourceTracker } from './track.js';

export interface CommandHandlers {
  /** @param cursor of its GATEWAY_COMMAND: what it causes lies after that. */
  written: (cursor: Cursor) => void;
  answer: (reply: QmpReply) => void;
}

/** @returns takes the command back if it is not yet written. */
export function writeCommand(
  { tracker, session, run }: { tracker: SourceTracker; session: QmpSession; run: Run },
  trail: Omit<GatewayEventData['GATEWAY_COMMAND'], 'command'>,
  { name, args }: QmpCall,
  { lane, timeoutMs }: Required<Pick<ExecuteOptions, 'lane' | 'timeoutMs'>>,
  handlers: CommandHandlers,
): () => boolean {
  let command: string | undefined;
  const onWrite = (): void => {
    command = tracker.trail.commandWritten(run, trail);
    handlers.written(tracker.cursor);
  };
  const answer = (reply: QmpReply): void => {
    if (command !== undefined) tracker.trail.commandAnswered(run, { command, ...resultOf(reply) });
    handlers.answer(reply);
  };
  return session.request(name, args, answer, { lane, timeoutMs, onWrite });
}

function resultOf(reply: QmpReply): Omit<GatewayEventData['GATEWAY_COMMAND_ANSWERED'], 'command'> {
  if (reply.kind === 'return') return { result: 'accepted' };
  if (reply.kind === 'error') return { result: 'refused', error: reply.desc };
  return { result: 'unknown' };
}
