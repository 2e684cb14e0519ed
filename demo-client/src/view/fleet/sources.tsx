// The sources, one line each, with the state as a text and what would help.
import { describeReason, formatDuration, type SourceInfo } from 'qmp-gateway/protocol';
import type { Frame } from '../../model/fleet/live-table.js';
import { changeListing } from '../../page/location.js';
import { now } from '../../page/now.js';

const TONE = { up: 'good', connecting: 'calm', down: 'bad' } as const;

export function Sources({ table: { sources, jobsOf } }: { table: Frame }) {
  // Sources with a problem come first.
  const order = { down: 0, connecting: 1, up: 2 } as const;
  const sorted = [...sources.values()].sort((a, b) => order[a.state] - order[b.state] || (a.name < b.name ? -1 : 1));
  return (
    <section class="card sources" aria-labelledby="sources-title">
      <h2 id="sources-title">Sources</h2>
      {sources.size === 0 ? (
        <p class="muted pad">
          None yet. Start the gateway with <code>--source name=/path/to/qmp.sock</code>.
        </p>
      ) : (
        <ul tabIndex={0} aria-label="Sources, what is wrong first">
          {sorted.map((source) => (
            <SourceLine key={source.name} source={source} jobs={jobsOf.get(source.name) ?? 0} />
          ))}
        </ul>
      )}
    </section>
  );
}

function SourceLine({ source, jobs }: { source: SourceInfo; jobs: number }) {
  const { name, state, reason, since, qemu, label, owner, provider } = source;
  const age = Date.parse(since);
  return (
    <li class="source" data-source={name} data-state={state}>
      <button
        type="button"
        class="source-name"
        title="Show only its jobs"
        onClick={() => changeListing({ filter: `source:${name}` })}
      >
        {name}
      </button>
      <span class={`state text-${TONE[state]}`} title={reason && describeReason(reason, provider)}>
        <span class="dot" aria-hidden="true" />
        {state}
        {reason ? `: ${reason}` : ''}
      </span>
      <span class="muted small source-more">
        {label ? `${label} · ` : ''}
        {owner ? `owner ${owner} · ` : ''}
        {qemu ? `QEMU ${qemu} · ` : ''}
        {jobs} {jobs === 1 ? 'job' : 'jobs'}
        {Number.isNaN(age) ? '' : ` · ${formatDuration(Math.max(0, now.value - age))}`}
      </span>
      {(state !== 'up' || reason) && (
        <span class="small source-advice">
          {reason ? describeReason(reason, provider) : state === 'down' ? 'Not connected.' : ''}
        </span>
      )}
    </li>
  );
}
