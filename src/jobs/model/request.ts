// A command of the gateway as entries, and what it changes in a run: who requested its end, and what QEMU has answered. Pure.
import type { GatewayEventData } from '../../protocol/types.js';
import type { JobInput, ReduceContext } from './input.js';
import type { JobDraft } from './journal.js';
import type { Run } from './run.js';

/** A tool may abort a job every second for days, each time under another name. */
const REQUESTERS = 64;
/** More than one can have commands unanswered, so that refusals of these leave one that stands. */
const TIMES_EACH = 16;

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
  if (verb !== 'abort' && verb !== 'complete') return {};
  const slot = verb === 'complete' ? 'complete' : args.force === true ? 'force' : 'soft';
  const isEscalation = args.escalation === true;
  const { [slot]: known, requestedBy } = run;
  // A command before this one was accepted, or may have had its effect: what becomes of this one takes nothing back.
  const stands = known === 'accepted' || known === 'unknown';
  switch (phase) {
    case 'unknown':
      return stands ? {} : { [slot]: 'unknown' };
    case 'refused': {
      const at = requestedBy.lastIndexOf(by);
      return {
        ...(!stands && { [slot]: 'none' }),
        requestedBy: requestedBy.filter((_, index) => index !== at),
        ...(isEscalation && known !== 'unknown' && { escalated: false }),
      };
    }
    case 'written':
    case 'accepted':
      return {
        ...(phase === 'written' && { requestedBy: requestedAlso(requestedBy, by) }),
        ...((phase === 'accepted' || !stands) && { [slot]: phase }),
        ...(slot === 'complete' && phase === 'accepted' && { completeObserved: true }),
        ...(isEscalation && { escalated: true }),
      };
  }
}

/** A command that was meant for an earlier run of the id may have reached this one. */
export function misdeliveredChanges({ requestedBy }: Run, by: string): Pick<Run, 'misdelivered' | 'requestedBy'> {
  return { misdelivered: true, requestedBy: requestedAlso(requestedBy, by) };
}

function requestedAlso(requestedBy: readonly string[], by: string): readonly string[] {
  const times = requestedBy.filter((each) => each === by).length;
  const isFull = times === 0 ? new Set(requestedBy).size >= REQUESTERS : times >= TIMES_EACH;
  return isFull ? requestedBy : [...requestedBy, by];
}
