// After a batch was sent: the count of what is done, and each answer as it comes.
import type { JobTable } from 'qmp-gateway/client';
import type { Batch } from '../../gateway/batch.js';
import { byUrgency, type Plan, type Progress, retryable, type Target, tallyOf } from '../../model/fleet/batch.js';
import type { Tone } from '../../model/run/outcome.js';
import { BatchList } from './batch-list.js';

interface BatchAnswersProps {
  plan: Plan;
  batch: Batch;
  table: JobTable;
  onClose(): void;
  onAgain(targets: readonly Target[]): void;
}

export function BatchAnswers({ plan, batch, table, onClose, onAgain }: BatchAnswersProps) {
  const states = batch.states.value;
  const { open, done, failed, withheld } = tallyOf(states.values());
  const again = retryable(plan.steps, states);
  const parts = [
    `${done} done`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(withheld > 0 ? [`${withheld} not sent`] : []),
    ...(open > 0 ? [`${open} to go`] : []),
  ];
  return (
    <div class="batch-form">
      <p role="status" class="batch-tally num" data-testid="tally">
        {parts.join(' · ')}
      </p>
      <progress max={plan.steps.length} value={plan.steps.length - open} aria-label="Answers" />
      <div class="batch-lists" tabIndex={0} role="group" aria-label="Answers">
        <BatchList>
          {byUrgency(plan.steps, states).map((step) => {
            const state = states.get(step.run) ?? { name: 'queued' };
            const now = table.jobs.get(step.run);
            return {
              ...step,
              ...answerOf(state),
              progress: state.name,
              state: table.settled.get(step.run)?.settled.outcome ?? now?.settled?.outcome ?? now?.status,
            };
          })}
        </BatchList>
        {plan.excluded.length > 0 && (
          <BatchList title="Nothing was sent for">
            {plan.excluded.map((each) => ({ ...each, tone: 'calm', text: each.why }))}
          </BatchList>
        )}
      </div>
      <div class="dialog-buttons">
        {open > 0 && (
          <button type="button" onClick={batch.stop}>
            Send no more
          </button>
        )}
        {open === 0 && again.length > 0 && (
          <button type="button" onClick={() => onAgain(again)}>
            Try {again.length.toLocaleString('en')} again…
          </button>
        )}
        <button type="button" class="primary" onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  );
}

function answerOf(state: Progress): { text: string; tone: Tone } {
  switch (state.name) {
    case 'queued':
      return { text: 'waits for its turn', tone: 'calm' };
    case 'sent':
      return { text: 'sent, waiting for the answer…', tone: 'calm' };
    case 'done':
      return state;
    case 'failed':
      return { text: state.text, tone: state.inForce ? 'warn' : 'bad' };
    case 'withheld':
      return { text: `Not sent. ${state.text}`, tone: 'warn' };
  }
}
