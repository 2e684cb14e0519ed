// What a command of ours changes in the record of a run: who asked for its end, and how far QEMU has answered. Pure.
import type { JobInput } from './input.js';
import type { Run } from './run.js';

export function requestChanges(
  run: Run,
  { verb, phase, by, force, escalation }: Extract<JobInput, { kind: 'command' }>,
): Partial<Run> {
  if (verb !== 'abort' && verb !== 'complete') return {};
  const slot = verb === 'complete' ? 'complete' : force ? 'force' : 'soft';
  const { requestedBy } = run;
  if (phase === 'refused') {
    const at = requestedBy.lastIndexOf(by);
    return {
      [slot]: 'none',
      requestedBy: requestedBy.filter((_, index) => index !== at),
      ...(escalation && { escalated: false }),
    };
  }
  return {
    ...(phase === 'written' && { requestedBy: [...requestedBy, by] }),
    ...(run[slot] !== 'accepted' && { [slot]: phase }),
    ...(slot === 'complete' && phase === 'accepted' && { completeObserved: true }),
    ...(escalation && { escalated: true }),
  };
}
