// How a run ended and how that is known: outcome, provenance, and where the disk is.
import {
  describePivot,
  describeProof,
  durationOf,
  formatDuration,
  type HistoryRun,
  PROVENANCE_TEXT,
  type Settlement,
} from 'qmp-gateway/protocol';
import { parseTime } from '../../model/page/clock.js';
import { OUTCOME_TONE } from '../../model/run/outcome.js';
import { Time } from '../parts/time.js';

interface OutcomeCardProps {
  settled: Settlement;
  time: string | null;
  /** From the gateway's history. */
  past: HistoryRun | undefined;
  /** Who finalized it through this gateway: not a request for its end, but an action of a user. */
  finalizedBy: readonly string[];
}

export function OutcomeCard({ settled, time, past, finalizedBy }: OutcomeCardProps) {
  const proof = describeProof(settled.pivotProof);
  const hands = [...settled.requestedBy, ...finalizedBy.map((by) => `${by} (finalize)`)];
  const { outcome, provenance, pivoted, forced, escalated, dismissed, libvirt, error } = settled;
  const tookMs = past && durationOf(past);
  return (
    <section class={`card pad outcome tone-${OUTCOME_TONE[outcome]}`} aria-label="Outcome" data-testid="outcome">
      <h2>
        <span class="outcome-word">{outcome}</span>
        {time && (
          <span class="muted small">
            <Time at={parseTime(time)} />
          </span>
        )}
      </h2>
      {error && <p class="error-text">{error}</p>}
      {pivoted === 'unknown' && (
        <p class="unclear" role="note">
          {describePivot(pivoted)} Ask the VM which file it uses (<code>query-named-block-nodes</code>) before you
          remove anything.
        </p>
      )}
      <dl class="facts">
        {past && (
          <>
            <div>
              <dt>Start</dt>
              <dd data-testid="start">{past.start === null ? 'not known' : <Time at={parseTime(past.start)} />}</dd>
            </div>
            <div>
              <dt>Duration</dt>
              <dd data-testid="duration">{tookMs === undefined ? 'not known' : formatDuration(tookMs)}</dd>
            </div>
          </>
        )}
        <div>
          <dt>Provenance</dt>
          <dd data-testid="provenance">{provenance}</dd>
        </div>
        <div>
          <dt>Pivoted</dt>
          <dd data-testid="pivoted">{pivoted === 'unknown' ? 'unknown' : pivoted ? 'yes' : 'no'}</dd>
        </div>
        <div>
          <dt>Requested by</dt>
          <dd data-testid="requested-by">{hands.length > 0 ? hands.join(', ') : 'not through this gateway'}</dd>
        </div>
        <div>
          <dt>Force</dt>
          <dd>{escalated ? 'escalated' : forced ? 'yes' : 'no'}</dd>
        </div>
        <div>
          <dt>Dismissed</dt>
          <dd>{dismissed ? 'yes' : 'no, it holds its id'}</dd>
        </div>
        {libvirt && (
          <div>
            <dt>libvirt says</dt>
            <dd data-testid="libvirt">{libvirt}</dd>
          </div>
        )}
      </dl>
      <p class="muted small">
        {PROVENANCE_TEXT[provenance]} {pivoted !== 'unknown' && describePivot(pivoted)}{' '}
        {pivoted !== 'unknown' && proof && <span data-testid="proof">Known because {proof}.</span>}
      </p>
    </section>
  );
}
