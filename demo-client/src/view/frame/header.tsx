// The top bar: navigation, and whether the page is live.
import type { Gateway } from '../../gateway/gateway.js';
import { zoneName } from '../../model/page/clock.js';
import { linkText } from '../../model/page/link.js';
import { eventsHref, fleetHref, route } from '../../page/location.js';
import { now } from '../../page/now.js';
import { nextTheme, type Theme, theme } from '../../page/theme.js';
import { switchZone, zone } from '../../page/zone.js';

const PAGES = [
  { page: 'fleet', href: fleetHref, label: 'Fleet' },
  { page: 'events', href: eventsHref, label: 'Events' },
  { page: 'console', href: () => '#/console', label: 'Console' },
] as const;

export function Header({ gateway }: { gateway: Gateway }) {
  const at = route.value.page;
  return (
    <header class="bar">
      <a class="brand" href="#/" aria-label="qmp-gateway, fleet">
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <path d="M1 3.5h13M1 8h8M1 12.5h10" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />
        </svg>
        <span>qmp-gateway</span>
      </a>
      <nav aria-label="Pages">
        {PAGES.map(({ page, href, label }) => (
          <a
            key={page}
            href={href()}
            aria-current={at === page || (at === 'job' && page === 'fleet') ? 'page' : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      <div class="bar-end">
        <Identity gateway={gateway} />
        <Connection gateway={gateway} />
        <ZoneButton />
        <ThemeButton />
      </div>
    </header>
  );
}

/** Who one is, and what one may do; nothing where nobody is asked. */
function Identity({ gateway }: { gateway: Gateway }) {
  const state = gateway.state.value;
  if (state.phase !== 'open' || state.principal === undefined) return null;
  return (
    <span class="muted small" title={state.scopes?.join('\n')} data-testid="principal">
      {state.principal}
    </span>
  );
}

function Connection({ gateway }: { gateway: Gateway }) {
  const { label, detail, tone } = linkText(gateway.state.value, now.value);
  return (
    <span class={`pill tone-${tone}`} title={detail} data-testid="connection">
      <span class="dot" aria-hidden="true" />
      {label}
    </span>
  );
}

function ZoneButton() {
  const name = zoneName(Date.now(), zone.value);
  return (
    <button
      type="button"
      class="quiet zone-button"
      onClick={switchZone}
      aria-label={`Times in ${name}. Change it`}
      title={zone.value === 'UTC' ? 'Times are in UTC' : 'Times are in the zone of this computer'}
      data-testid="zone"
    >
      {name}
    </button>
  );
}

const THEME_LABEL: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' };

function ThemeButton() {
  const label = THEME_LABEL[theme.value];
  return (
    <button type="button" class="quiet theme" onClick={nextTheme} aria-label={`Theme: ${label}. Change it`}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
      <span>{label}</span>
    </button>
  );
}
