// Before a batch is sent: its settings, what will happen to each run, and for which runs nothing will be sent.
import { useMemo, useState } from 'preact/hooks';
import { hasVerb, type JobVerb, VERB_LABELS } from 'qmp-gateway/protocol';
import { type Plan, planBatch, type Scene, type Target } from '../../model/fleet/batch.js';
import { ABORT_FORM, planAbort } from '../../model/run/abort.js';
import { type Intent, regretText } from '../../model/run/intent.js';
import { parseSpeed } from '../../model/run/speed.js';
import { AbortFields } from '../job/abort-fields.js';
import { BatchList } from './batch-list.js';

interface BatchFormProps {
  verb: JobVerb;
  targets: readonly Target[];
  scene: Scene;
  onSend(intent: Intent, plan: Plan): void;
  onCancel(): void;
}

export function BatchForm({ verb, targets, scene, onSend, onCancel }: BatchFormProps) {
  const [form, setForm] = useState(ABORT_FORM);
  const [mib, setMib] = useState('');
  const speed = parseSpeed(mib);
  const abortPlan = planAbort({ source: '', job: '' }, form);
  const intent = useMemo(
    (): Intent => (verb === 'abort' ? { verb, form } : verb === 'setSpeed' ? { verb, speed: speed ?? '0' } : { verb }),
    [verb, form, speed],
  );
  const plan = useMemo(() => planBatch(intent, targets, scene), [intent, targets, scene]);
  const { steps, excluded } = plan;
  const isReady =
    steps.length > 0 && (verb !== 'abort' || abortPlan.ok) && (verb !== 'setSpeed' || speed !== undefined);
  const label = verb === 'abort' && form.force ? 'Abort by force' : VERB_LABELS[verb];
  return (
    <form
      class="batch-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) onSend(intent, plan);
      }}
    >
      {verb === 'abort' && (
        <AbortFields
          form={form}
          plan={abortPlan}
          mayForce={[...scene.table.sources.values()].some((source) => hasVerb(source, 'force'))}
          onChange={setForm}
        />
      )}
      {verb === 'setSpeed' && (
        <label class="field">
          <span>Limit of each</span>
          <input
            type="number"
            name="speed"
            min="0"
            step="any"
            required
            value={mib}
            onInput={(event) => setMib(event.currentTarget.value)}
          />
          <span>MiB per second, 0 is unlimited</span>
        </label>
      )}
      <div class="batch-lists" tabIndex={0} role="group" aria-label="What will happen">
        {excluded.length > 0 && (
          <BatchList title={`Nothing is sent for ${countOf(excluded.length)}`} testId="excluded">
            {excluded.map((each) => ({ ...each, tone: 'calm', text: each.why }))}
          </BatchList>
        )}
        {steps.length > 0 && (
          <BatchList title={`What will happen to ${countOf(steps.length)}`}>
            {steps.map((step) => ({
              ...step,
              tone: step.isUnusual ? 'warn' : 'calm',
              text: verb === 'setSpeed' && speed === undefined ? 'Its limit changes.' : step.effect,
            }))}
          </BatchList>
        )}
      </div>
      <p class="small muted">
        {regretText(verb)} {steps.length > 1 && 'Each is sent for itself: some may fail while others succeed.'}
      </p>
      <div class="dialog-buttons">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" class={verb === 'abort' ? 'danger' : 'primary'} disabled={!isReady}>
          {steps.length === 0 ? 'Nothing to send' : `${label}: ${countOf(steps.length)}`}
        </button>
      </div>
    </form>
  );
}

const countOf = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'job' : 'jobs'}`;
