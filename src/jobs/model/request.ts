// A command of the gateway as entries, and what it changes in a run: who requested its end, and what QEMU has answered. Pure.
import type { GatewayEventData } from '../../protocol/types.js';
import type { JobInput, ReduceContext } from './input.js';
import type { JobDraft } from './journal.js';
import type { Run } from './run.js';

export type CommandInput = Extract<JobInput, { kind: 'written' | 'answered' }>;

export function commandDraft(input: CommandInput, { source, now }: ReduceContext): JobDraft {
  const entry = { source, time: now(), job: input.ref };
  if (input.kind === 'written')
    return { ...entry, type: 'GATEWAY_COMMAND', data: input.command, position: input.position };
  const { command } = input.command;
  return { ...entry, type: 'GATEWAY_COMMAND_ANSWERED', data: { command, ...input.answer } };
}

/** @param phase `unknown`: QEMU did not answer, and the command may have had its effect. */
export function requestChanges(
  run: Run,
  { verb, by, args }: GatewayEventData['GATEWAY_COMMAND'],
  phase: 'written' | 'accepted' | 'refused' | 'unknown',
): Partial<Run> {
  if ((verb !== 'abort' && verb !== 'complete') || phase === 'unknown') return {};
  const slot = verb === 'complete' ? 'complete' : args.force === true ? 'force' : 'soft';
  const isEscalation = args.escalation === true;
  const { requestedBy } = run;
  if (phase === 'refused') {
    const at = requestedBy.lastIndexOf(by);
    return {
      [slot]: 'none',
      requestedBy: requestedBy.filter((_, index) => index !== at),
      ...(isEscalation && { escalated: false }),
    };
  }
  return {
    ...(phase === 'written' && { requestedBy: [...requestedBy, by] }),
    ...(run[slot] !== 'accepted' && { [slot]: phase }),
    ...(slot === 'complete' && phase === 'accepted' && { completeObserved: true }),
    ...(isEscalation && { escalated: true }),
  };
}
