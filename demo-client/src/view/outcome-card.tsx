// How a run ended, and how one knows. In: a settlement. Out: outcome, provenance, and where the disk is.
import type { Settlement } from 'qmp-gateway/protocol';
import { clock } from '../model/format.js';
import { OUTCOME_TONE, PROVENANCE_TEXT, pivotText } from '../model/outcome.js';

export function OutcomeCard({ settled, time }: { settled: Settlement; time: string | null }) {
  const { outcome, provenance, pivoted, forced, escalated, requestedBy, dismissed, error } = settled;
  return (
    <section class={`card pad outcome tone-${OUTCOME_TONE[outcome]}`} aria-label="Outcome" data-testid="outcome">
      <h2>
        <span class="outcome-word">{outcome}</span>
        {time && <span class="muted num small">{clock(time)}</span>}
      </h2>
      {error && <p class="error-text">{error}</p>}
      {pivoted === 'unknown' && (
        <p class="warning" role="alert">
          <strong>{pivotText(pivoted)}</strong> Ask the VM which file it uses (<code>query-named-block-nodes</code>)
          before you remove anything.
        </p>
      )}
      <dl class="facts">
        <div>
          <dt>Provenance</dt>
          <dd data-testid="provenance">{provenance}</dd>
        </div>
        <div>
          <dt>Pivoted</dt>
          <dd>{String(pivoted)}</dd>
        </div>
        <div>
          <dt>Requested by</dt>
          <dd>{requestedBy.length > 0 ? requestedBy.join(', ') : 'nobody here'}</dd>
        </div>
        <div>
          <dt>Force</dt>
          <dd>{escalated ? 'escalated' : forced ? 'yes' : 'no'}</dd>
        </div>
        <div>
          <dt>Dismissed</dt>
          <dd>{dismissed ? 'yes' : 'no, it holds its id'}</dd>
        </div>
      </dl>
      <p class="muted small">
        {PROVENANCE_TEXT[provenance]} {pivoted !== 'unknown' && pivotText(pivoted)}
      </p>
    </section>
  );
}
