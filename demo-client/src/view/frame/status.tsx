// The status line: whether the page is up to date, in words; the figures behind it on demand.
import { formatDuration } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { cliEvents } from '../../model/page/commands.js';
import { freshness } from '../../model/page/freshness.js';
import { runAction } from '../../page/actions.js';
import { notifies, switchNotify } from '../../page/notify.js';
import { now } from '../../page/now.js';
import { said } from '../../page/said.js';
import { thisGate } from '../../page/token.js';
import { Copy } from '../parts/copy.js';
import { Menu } from '../parts/menu.js';

export function Status({ gateway }: { gateway: Gateway }) {
  const { text, tone } = freshness(gateway.state.value, gateway.lag.value, now.value);
  return (
    <footer class="status">
      <span class={`fresh text-${tone}`} data-testid="freshness">
        {text}
      </span>
      <span role="status" class="said-line" data-testid="said">
        {said.value}
      </span>
      <button
        type="button"
        class="quiet notify"
        aria-pressed={notifies.value}
        title="Desktop notifications of jobs that need you, fail, are lost, or end as you asked"
        onClick={() => void switchNotify()}
      >
        {notifies.value ? 'Notifies' : 'Notify me'}
      </button>
      <Menu label="Details" name="Details of the connection" isUp>
        <Details gateway={gateway} />
      </Menu>
      <button type="button" class="quiet" onClick={() => runAction('palette')}>
        Commands <kbd>Ctrl K</kbd>
      </button>
      <button type="button" class="quiet" onClick={() => runAction('help')}>
        Keys <kbd>?</kbd>
      </button>
    </footer>
  );
}

function Details({ gateway }: { gateway: Gateway }) {
  const { roundTripMs, eventMs, eventAt, heardAt } = gateway.lag.value;
  const cursor = gateway.table.value?.cursor;
  const ago = (at: number | undefined): string =>
    at === undefined ? '—' : `${formatDuration(Math.max(0, now.value - at))} ago`;
  return (
    <>
      <dl class="details">
        <Detail label="Cursor" value={cursor ?? '—'} />
        <Detail label="Round trip" value={roundTripMs === undefined ? '—' : formatDuration(roundTripMs)} />
        <Detail label="Last message" value={ago(heardAt)} />
        <Detail label="Last event" value={eventAt === undefined ? 'none yet' : ago(eventAt)} />
        <Detail label="It came after" value={eventMs === undefined ? '—' : formatDuration(eventMs)} />
        <Detail
          label="Resets"
          value={String(gateway.feed.value.reduce((n, item) => n + Number(item.kind === 'gap'), 0))}
        />
      </dl>
      {cursor !== undefined && (
        <div class="copy-list">
          <Copy text={cursor} what="cursor" />
          <Copy text={cliEvents(thisGate(), cursor)} what="command line">
            Copy as qmp-gateway events
          </Copy>
        </div>
      )}
    </>
  );
}

function Detail({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt class="muted">{label}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}
