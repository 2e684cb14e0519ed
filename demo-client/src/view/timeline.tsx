// The events of one run from its beginning, each with its time and the time since the one before.
import { describeGap, type Entry, formatDuration } from 'qmp-gateway/protocol';
import { clock } from '../model/clock.js';
import { describe } from '../model/describe.js';
import type { openRunEvents } from '../run-events.js';

export function Timeline({ run }: { run: ReturnType<typeof openRunEvents> }) {
  const events = run.events.value;
  const gap = run.gap.value;
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
          <Item key={entry.offset} entry={entry} before={events[n - 1]} />
        ))}
      </ol>
    </section>
  );
}

function Item({ entry, before }: { entry: Entry; before: Entry | undefined }) {
  const { text, tone } = describe(entry);
  const since = before?.time && entry.time ? Date.parse(entry.time) - Date.parse(before.time) : undefined;
  return (
    <li class={`tone-${tone}`} data-type={entry.type}>
      <time class="num" dateTime={entry.time ?? undefined}>
        {clock(entry.time)}
      </time>
      <span class="num muted since">{since === undefined ? '' : `+${formatDuration(since)}`}</span>
      <span class="what">
        <code>{entry.type}</code> <span>{text}</span>
      </span>
    </li>
  );
}
