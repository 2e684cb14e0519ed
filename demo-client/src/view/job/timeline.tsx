// The events of one run from its beginning, each with its time and the time since the one before.
import { useState } from 'preact/hooks';
import { describeGap, type Entry, formatDuration } from 'qmp-gateway/protocol';
import type { openRunEvents } from '../../gateway/run-events.js';
import { describe } from '../../model/events/describe.js';
import { parseTime } from '../../model/page/clock.js';
import { JsonDialog } from '../parts/json-dialog.js';
import { Time } from '../parts/time.js';

export function Timeline({ run }: { run: ReturnType<typeof openRunEvents> }) {
  const events = run.events.value;
  const gap = run.gap.value;
  const [open, setOpen] = useState<Entry>();
  return (
    <section class="card pad" aria-labelledby="run-title">
      <h2 id="run-title">Events</h2>
      <ol class="timeline">
        {gap && (
          <li class="tone-warn begin">
            <span class="what">Earlier events have left the gateway’s log: {describeGap(gap.reason)}</span>
          </li>
        )}
        {!gap && events.length === 0 && (
          <li class="tone-calm begin">
            <span class="what muted">Asking the log…</span>
          </li>
        )}
        {events.map((entry, n) => (
          <Item key={entry.offset} entry={entry} before={events[n - 1]} onOpen={() => setOpen(entry)} />
        ))}
      </ol>
      {open && <JsonDialog title={open.type} value={open} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

interface ItemProps {
  entry: Entry;
  before: Entry | undefined;
  onOpen(): void;
}

function Item({ entry, before, onOpen }: ItemProps) {
  const { text, tone } = describe(entry);
  const since = before?.time && entry.time ? Date.parse(entry.time) - Date.parse(before.time) : undefined;
  return (
    <li class={`tone-${tone}`} data-type={entry.type}>
      <Time at={parseTime(entry.time)} isExact />
      <span class="num muted since">{since === undefined ? '' : `+${formatDuration(since)}`}</span>
      <span class="what">
        <button type="button" class="as-text" title={`Show ${entry.type} as JSON`} onClick={onOpen}>
          <code>{entry.type}</code>
        </button>{' '}
        <span>{text}</span>
      </span>
    </li>
  );
}
