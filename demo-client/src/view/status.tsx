// The status line: how current the page is.

import { formatDuration } from 'qmp-gateway/protocol';
import type { Gateway } from '../gateway.js';
import { now } from '../now.js';

/** The gateway sends something at least every 15 s. */
const SILENT_MS = 20_000;
/** A larger lag is not shown as live. Differing clocks cause one too. */
const LATE_MS = 2_000;

export function Status({ gateway }: { gateway: Gateway }) {
  const { roundTripMs, eventMs, eventAt, heardAt } = gateway.lag.value;
  const cursor = gateway.table.value?.cursor;
  const age = (at: number | undefined): string =>
    at === undefined ? '—' : formatDuration(Math.max(0, now.value - at));
  return (
    <footer class="status">
      <Figure label="Position" value={cursor ?? '—'} />
      <Figure label="Round trip" value={roundTripMs === undefined ? '—' : formatDuration(roundTripMs)} />
      <Figure
        label="Last frame"
        value={heardAt === undefined ? '—' : `${age(heardAt)} ago`}
        late={heardAt !== undefined && now.value - heardAt > SILENT_MS}
      />
      <Figure label="Last event" value={eventAt === undefined ? 'none yet' : `${age(eventAt)} ago`} />
      <Figure
        label="Event lag"
        value={eventMs === undefined ? '—' : formatDuration(eventMs)}
        late={(eventMs ?? 0) > LATE_MS}
      />
      <Figure
        label="Resets"
        value={String(gateway.feed.value.reduce((n, item) => n + Number(item.kind === 'gap'), 0))}
      />
    </footer>
  );
}

function Figure({ label, value, late = false }: { label: string; value: string; late?: boolean }) {
  return (
    <span class="figure">
      <span class="muted">{label}</span> <span class={`num ${late ? 'text-warn' : ''}`}>{value}</span>
      {late && <span class="text-warn"> late</span>}
    </span>
  );
}
