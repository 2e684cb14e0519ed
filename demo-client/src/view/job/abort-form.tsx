// The form of an abort. It says what a soft cancel will do to this job.
import { useState } from 'preact/hooks';
import { type AbortParams, describeAbort, type Job, softCancel } from 'qmp-gateway/protocol';
import { ABORT_FORM, planAbort } from '../../model/run/abort.js';

interface AbortFormProps {
  job: Job;
  /** Whether the source of the job can end it by force. */
  mayForce: boolean;
  onSend(params: AbortParams & { timeoutMs: number }): void;
  onCancel(): void;
}

export function AbortForm({ job, mayForce, onSend, onCancel }: AbortFormProps) {
  const soft = softCancel(job);
  const [form, setForm] = useState(ABORT_FORM);
  const plan = planAbort(job, form);
  const wrong = (field: string): string | undefined => (!plan.ok && plan.field === field ? plan.why : undefined);
  return (
    <form
      class="abort-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (plan.ok) onSend(plan.params);
      }}
    >
      <fieldset>
        <legend>Answer</legend>
        <label class="choice">
          <input
            type="radio"
            name="mode"
            value="wait"
            checked={form.mode === 'wait'}
            onChange={() => setForm({ ...form, mode: 'wait' })}
          />
          <span>
            Wait for the end <span class="muted small">the outcome, as it happened</span>
          </span>
        </label>
        <label class="choice">
          <input
            type="radio"
            name="mode"
            value="return"
            checked={form.mode === 'return'}
            onChange={() => setForm({ ...form, mode: 'return' })}
          />
          <span>
            Return at once <span class="muted small">when QEMU has accepted; the end comes as an event</span>
          </span>
        </label>
        <label class="field">
          <span>For at most</span>
          <input
            name="bound"
            inputMode="decimal"
            value={form.boundSeconds}
            aria-invalid={wrong('bound') !== undefined}
            onInput={(event) => setForm({ ...form, boundSeconds: event.currentTarget.value })}
          />
          <span>seconds</span>
        </label>
        <p class="small text-bad">{wrong('bound')}</p>
      </fieldset>
      {mayForce ? (
        <fieldset>
          <legend>How</legend>
          <label class="choice">
            <input
              type="checkbox"
              name="force"
              checked={form.force}
              onChange={(event) => setForm({ ...form, force: event.currentTarget.checked })}
            />
            <span>
              Force <span class="muted small">cancel at once, give up the copy</span>
            </span>
          </label>
          <label class="field">
            <span>Force it after</span>
            <input
              name="escalate"
              inputMode="decimal"
              placeholder="never"
              disabled={form.force}
              value={form.escalateSeconds}
              onInput={(event) => setForm({ ...form, escalateSeconds: event.currentTarget.value })}
            />
            <span>seconds</span>
          </label>
          <p class="small text-bad">{wrong('escalate')}</p>
        </fieldset>
      ) : (
        <p class="small muted" data-testid="no-force">
          libvirt has no forced abort: the job ends as soon as QEMU lets it.
        </p>
      )}
      <p class={`expect small tone-${!form.force && soft !== 'cancels' ? 'warn' : 'calm'}`} role="status">
        {describeAbort(job, form.force)}
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
