// Runs of a batch, each with a text; of very many only the first.
import type { JobStatus, Outcome } from 'qmp-gateway/protocol';
import type { Target } from '../../model/fleet/batch.js';
import type { Tone } from '../../model/run/outcome.js';
import { StateBadge } from '../parts/badge.js';

/** More of them nobody reads, and each frame draws all. */
const SHOWN = 200;

export type Item = Target & {
  text: string;
  tone: Tone;
  /** How its command stands. */
  progress?: string;
  /** Of the job now. */
  state?: JobStatus | Outcome | undefined;
};

interface BatchListProps {
  title?: string;
  testId?: string;
  children: readonly Item[];
}

export function BatchList({ title, testId, children: items }: BatchListProps) {
  return (
    <section data-testid={testId}>
      {title && <h3>{title}</h3>}
      <ul class="batch-list">
        {items.slice(0, SHOWN).map(({ run, source, job, text, tone, progress, state }) => (
          <li key={run} data-job={job} data-progress={progress}>
            <span class="batch-name">
              <strong>{job}</strong> <span class="muted small">{source}</span>
            </span>
            {state && <StateBadge state={state} />}
            <span class={`small text-${tone}`}>{text}</span>
          </li>
        ))}
      </ul>
      {items.length > SHOWN && (
        <p class="muted small">and {(items.length - SHOWN).toLocaleString('en')} more of the same list</p>
      )}
    </section>
  );
}
