// An abort under way, with its wait counted against the bound, and its outcome.
import { useEffect, useState } from 'preact/hooks';
import { describePivot, formatDuration, HOLDS_ID_TEXT, PROVENANCE_TEXT } from 'qmp-gateway/protocol';
import type { Stage } from '../../model/run/abort-stage.js';
import { type Asked, abortText, OUTCOME_TONE } from '../../model/run/outcome.js';

type Of<Name extends Stage['name']> = Extract<Stage, { name: Name }>;

export function AbortWait({ stage, onStop }: { stage: Of<'waiting'>; onStop(): void }) {
  const { since, params } = stage;
  const [elapsed, setElapsed] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setElapsed(performance.now() - since), 100);
    return () => clearInterval(timer);
  }, [since]);
  return (
    <div class="abort-wait">
      <p class="big num" data-testid="waited">
        {(elapsed / 1_000).toFixed(1)} s
      </p>
      <p class="muted">
        {params.sync ? 'Waiting for the end' : 'Waiting for QEMU to accept'}, for at most{' '}
        {formatDuration(params.timeoutMs)}
        {params.escalateAfterMs === undefined ? '' : `; by force after ${formatDuration(params.escalateAfterMs)}`}.
      </p>
      <progress max={params.timeoutMs} value={Math.min(elapsed, params.timeoutMs)} aria-label="Time waited" />
      <div class="dialog-buttons">
        <button type="button" onClick={onStop}>
          Stop waiting
        </button>
      </div>
    </div>
  );
}

interface AbortEndProps {
  stage: Of<'requested'> | Of<'settled'> | Of<'refused'>;
  asked: Asked;
  onClose(): void;
  onAgain(): void;
}

export function AbortEnd({ stage, asked, onClose, onAgain }: AbortEndProps) {
  return (
    <div class="abort-end">
      <div role="status">
        <Said stage={stage} asked={asked} />
      </div>
      <div class="dialog-buttons">
        {stage.name === 'refused' && (
          <button type="button" onClick={onAgain}>
            Change and try again
          </button>
        )}
        <button type="button" class="primary" onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  );
}

function Said({ stage, asked }: Pick<AbortEndProps, 'stage' | 'asked'>) {
  switch (stage.name) {
    case 'requested':
      return (
        <>
          <p class="outcome-word tone-calm">Requested</p>
          <p>QEMU has accepted the cancel. The end comes as an event, and shows here too.</p>
        </>
      );
    case 'refused':
      return (
        <>
          <p class={`outcome-word tone-${stage.inForce ? 'warn' : 'bad'}`}>
            {stage.inForce ? 'No end yet' : 'Not aborted'}
          </p>
          <p>{stage.text}</p>
          <p class="muted small num">after {formatDuration(stage.tookMs)}</p>
        </>
      );
    case 'settled': {
      const { ending, tookMs } = stage;
      return (
        <>
          <p class={`outcome-word tone-${OUTCOME_TONE[ending.outcome]}`} data-testid="abort-outcome">
            {ending.outcome}
          </p>
          <p data-testid="abort-text">{abortText(ending, asked)}</p>
          {ending.error && <p class="error-text">{ending.error}</p>}
          {ending.pivoted === 'unknown' && <p class="unclear">{describePivot(ending.pivoted)}</p>}
          <p class="muted small">
            <span class="num">After {formatDuration(tookMs)}.</span> {PROVENANCE_TEXT[ending.provenance]}
            {ending.dismissed ? '' : ` ${HOLDS_ID_TEXT}`}
          </p>
        </>
      );
    }
  }
}
