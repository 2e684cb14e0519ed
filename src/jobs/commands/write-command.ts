// One command of ours on a monitor, and its trail in the log: GATEWAY_COMMAND as it is written, GATEWAY_COMMAND_ANSWERED as QEMU answers. What
// was never written leaves none.
import type { GatewayEventData } from '../../protocol/types.js';
import type { ExecuteOptions, QmpReply, QmpSession } from '../../qmp/index.js';
import type { JobInput } from '../model/input.js';
import type { Run } from '../model/run.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import type { WrittenCommand } from '../tracking/track-listener.js';
import type { QmpCall } from './command.js';

export interface CommandHandlers {
  /** Called in the turn in which it is written: what it causes lies after its entry. */
  written: (command: WrittenCommand) => void;
  answer: (reply: QmpReply) => void;
}

/** @returns takes the command back if it is not yet written. */
export function writeCommand(
  { tracker, session, run }: { tracker: SourceTracker; session: QmpSession; run: Run },
  data: Omit<GatewayEventData['GATEWAY_COMMAND'], 'command'>,
  { name, args }: QmpCall,
  { lane, timeoutMs }: Required<Pick<ExecuteOptions, 'lane' | 'timeoutMs'>>,
  handlers: CommandHandlers,
): () => boolean {
  let command: WrittenCommand | undefined;
  const onWrite = (): void => {
    command = tracker.written(run, data);
    handlers.written(command);
  };
  const answer = (reply: QmpReply): void => {
    if (command) tracker.answered(command, answerOf(reply));
    handlers.answer(reply);
  };
  return session.request(name, args, answer, { lane, timeoutMs, onWrite });
}

function answerOf(reply: QmpReply): Extract<JobInput, { kind: 'answered' }>['answer'] {
  if (reply.kind === 'return') return { result: 'accepted' };
  if (reply.kind === 'error') return { result: 'refused', error: reply.desc };
  return { result: 'unknown' };
}
