// The page with all sources and all jobs.
import { useMemo } from 'preact/hooks';
import { formatRate } from 'qmp-gateway/protocol';
import type { Gateway } from '../gateway.js';
import { currentIn } from '../model/current.js';
import { summarize } from '../model/summary.js';
import { beat } from '../now.js';
import { JobTableView } from './job-table.js';
import { Notice } from './notice.js';
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
        <Figure label="Active jobs" value={String(summary.active)} />
        <Figure label="Need you" value={String(summary.attention)} tone={summary.attention > 0 ? 'bad' : undefined} />
        <Figure label="Ready" value={String(summary.ready)} />
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

function Figure({ label, value, tone }: { label: string; value: string; tone?: 'warn' | 'bad' | undefined }) {
  return (
    <div class="kpi">
      <dt>{label}</dt>
      <dd class={tone ? `text-${tone}` : ''}>{value}</dd>
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
