// The page with all sources and all jobs.
import { useMemo } from 'preact/hooks';
import { formatRate } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { currentIn } from '../../model/fleet/current.js';
import { withTab } from '../../model/fleet/listing.js';
import { summarize } from '../../model/fleet/summary.js';
import { changeListing, listing } from '../../page/location.js';
import { beat } from '../../page/now.js';
import { Notice } from '../parts/notice.js';
import { JobTableView } from './job-table.js';
import { Sources } from './sources.js';

export function Fleet({ gateway }: { gateway: Gateway }) {
  const table = gateway.table.value;
  const phase = gateway.state.value.phase;
  const at = beat.value;
  const summary = useMemo(
    () => table && summarize(table, { trails: gateway.trails, isCurrent: currentIn(phase, table), now: at }),
    [table, gateway, phase, at],
  );
  if (!table || !summary) return <Loading gateway={gateway} />;
  return (
    <div class="fleet">
      <h1 class="hidden">Fleet</h1>
      <dl class="figures">
        <Figure label="Active jobs" value={summary.active.toLocaleString('en')} filter="" />
        <Figure
          label="Need you"
          value={summary.attention.toLocaleString('en')}
          tone={summary.attention > 0 ? 'bad' : undefined}
          filter="is:needs-you"
        />
        <Figure label="Ready" value={summary.ready.toLocaleString('en')} filter="is:ready" />
        <Figure label="Throughput" value={phase === 'open' ? formatRate(summary.bytesPerSecond, 'mirror') : '—'} />
        <Figure
          label="Sources up"
          value={`${summary.up} / ${summary.sources}`}
          tone={summary.up < summary.sources ? 'warn' : undefined}
        />
      </dl>
      <Sources sources={[...table.sources.values()]} table={table} />
      <JobTableView gateway={gateway} table={table} />
    </div>
  );
}

interface FigureProps {
  label: string;
  value: string;
  tone?: 'warn' | 'bad' | undefined;
  /** Of the jobs that are counted: a click shows them. */
  filter?: string;
}

function Figure({ label, value, tone, filter }: FigureProps) {
  return (
    <div class="kpi">
      <dt>{label}</dt>
      <dd class={tone ? `text-${tone}` : ''}>
        {filter === undefined ? (
          value
        ) : (
          <button
            type="button"
            title="Show these jobs"
            onClick={() => changeListing({ ...withTab(listing(), 'active'), filter })}
          >
            {value}
          </button>
        )}
      </dd>
    </div>
  );
}

export function Loading({ gateway }: { gateway: Gateway }) {
  return gateway.state.value.phase === 'open' ? (
    <Notice title="Asking for the jobs…">The gateway is connected; its first snapshot is on the way.</Notice>
  ) : (
    <Notice title="Connecting to the gateway…">
      Nothing is shown until the first snapshot. If this stays, check that <code>qmp-gateway serve</code> runs.
    </Notice>
  );
}
