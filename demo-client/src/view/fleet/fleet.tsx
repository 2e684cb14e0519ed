// The page with all sources and all jobs.
import { useMemo, useRef, useState } from 'preact/hooks';
import { formatRate } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { withTab } from '../../model/fleet/listing.js';
import { summarize } from '../../model/fleet/summary.js';
import { Throughput } from '../../model/fleet/throughput.js';
import { changeListing, listing } from '../../page/location.js';
import { beat } from '../../page/now.js';
import { Notice } from '../parts/notice.js';
import { ActingDialog } from './acting-dialog.js';
import { JobTableView } from './job-table.js';
import { NeedYou } from './need-you.js';
import { Sources } from './sources.js';

export function Fleet({ gateway }: { gateway: Gateway }) {
  const table = gateway.table.value;
  const phase = gateway.state.value.phase;
  const at = beat.value;
  const throughput = useRef(new Throughput()).current;
  const summary = useMemo(
    () => table && summarize(table, throughput.at({ table, phase, trails: gateway.trails, now: at })),
    [table, gateway, phase, at, throughput],
  );
  const [isAsked, setAsked] = useState(false);
  if (!table || !summary) return <Loading gateway={gateway} />;
  return (
    <div class="fleet">
      <h1 class="hidden">Fleet</h1>
      <dl class="figures">
        <Figure label="Active jobs" value={summary.active.toLocaleString('en')} onPress={show('')} />
        <Figure
          label="Need you"
          value={summary.needing.toLocaleString('en')}
          tone={summary.needing > 0 ? 'bad' : undefined}
          onPress={() => setAsked(true)}
        />
        <Figure label="Ready" value={summary.ready.toLocaleString('en')} onPress={show('is:ready')} />
        <Figure label="Throughput" value={phase === 'open' ? formatRate(summary.bytesPerSecond, 'mirror') : '—'} />
        <Figure
          label="Sources up"
          value={`${summary.up} / ${summary.sources}`}
          tone={summary.up < summary.sources ? 'warn' : undefined}
        />
      </dl>
      <Sources table={table} />
      <JobTableView gateway={gateway} table={table} />
      {isAsked && <NeedYou table={table} onClose={() => setAsked(false)} />}
      <ActingDialog gateway={gateway} table={table} />
    </div>
  );
}

const show = (filter: string) => () => changeListing({ ...withTab(listing(), 'active'), filter });

interface FigureProps {
  label: string;
  value: string;
  tone?: 'warn' | 'bad' | undefined;
  /** Shows the jobs that are counted. */
  onPress?(): void;
}

function Figure({ label, value, tone, onPress }: FigureProps) {
  return (
    <div class="kpi">
      <dt>{label}</dt>
      <dd class={tone ? `text-${tone}` : ''}>
        {onPress === undefined ? (
          value
        ) : (
          <button type="button" title="Show these jobs" onClick={onPress}>
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
