// The form of an abort. It says what a soft cancel will do to this job.
import { useState } from 'preact/hooks';
import { type AbortParams, describeAbort, hasVerb, type Job, type SourceInfo, softCancel } from 'qmp-gateway/protocol';
import { ABORT_FORM, planAbort } from '../../model/run/abort.js';
import { AbortFields } from './abort-fields.js';

interface AbortFormProps {
  job: Job;
  /** The source of the job; `undefined`: it is not known, and may have every verb. */
  source: SourceInfo | undefined;
  onSend(params: AbortParams & { timeoutMs: number }): void;
  onCancel(): void;
}

export function AbortForm({ job, source, onSend, onCancel }: AbortFormProps) {
  const soft = softCancel(job);
  const [form, setForm] = useState(ABORT_FORM);
  const plan = planAbort(job, form);
  return (
    <form
      class="abort-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (plan.ok) onSend(plan.params);
      }}
    >
      <AbortFields form={form} plan={plan} mayForce={hasVerb(source, 'force')} onChange={setForm} />
      <p class={`expect small tone-${!form.force && soft !== 'cancels' ? 'warn' : 'calm'}`} role="status">
        {describeAbort(job, form.force, source)}
      </p>
      <div class="dialog-buttons">
        <button type="button" onClick={onCancel}>
          Keep it
        </button>
        <button type="submit" class="danger" disabled={!plan.ok}>
          {form.force ? 'Abort by force' : 'Abort'}
        </button>
      </div>
    </form>
  );
}
