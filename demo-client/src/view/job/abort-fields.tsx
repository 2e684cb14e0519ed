// The settings of an abort: for how long to wait for what, and whether by force.
import type { AbortForm, AbortPlan } from '../../model/run/abort.js';

interface AbortFieldsProps {
  form: AbortForm;
  plan: AbortPlan;
  /** Whether a source can end a job by force. */
  mayForce: boolean;
  onChange(form: AbortForm): void;
}

export function AbortFields({ form, plan, mayForce, onChange }: AbortFieldsProps) {
  const wrong = (field: string): string | undefined => (!plan.ok && plan.field === field ? plan.why : undefined);
  return (
    <>
      <fieldset>
        <legend>Answer</legend>
        <label class="choice">
          <input
            type="radio"
            name="mode"
            value="wait"
            checked={form.mode === 'wait'}
            onChange={() => onChange({ ...form, mode: 'wait' })}
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
            onChange={() => onChange({ ...form, mode: 'return' })}
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
            onInput={(event) => onChange({ ...form, boundSeconds: event.currentTarget.value })}
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
              onChange={(event) => onChange({ ...form, force: event.currentTarget.checked })}
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
              onInput={(event) => onChange({ ...form, escalateSeconds: event.currentTarget.value })}
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
    </>
  );
}
