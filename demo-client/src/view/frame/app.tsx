// The frame around every page: the top bar, banners, the page, the status line.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { Gateway } from '../../gateway/gateway.js';
import { CONSOLE, parseRoute } from '../../model/page/route.js';
import { useActions } from '../../page/actions.js';
import { copy } from '../../page/clipboard.js';
import { eventsHref, fleetHref, go, route } from '../../page/location.js';
import { switchNotify } from '../../page/notify.js';
import { nextTheme } from '../../page/theme.js';
import { switchZone } from '../../page/zone.js';
import { Console } from '../console/console.js';
import { Events } from '../events/events.js';
import { Fleet } from '../fleet/fleet.js';
import { openTab } from '../fleet/toolbar.js';
import { JobPage } from '../job/job-page.js';
import { Notice } from '../parts/notice.js';
import { Announcer } from './announcer.js';
import { Banners } from './banners.js';
import { Header } from './header.js';
import { Help } from './help.js';
import { Palette } from './palette.js';
import { Status } from './status.js';

interface AppProps {
  gateway: Gateway;
  url: string;
}

type Over = 'help' | 'palette';

/** The field that `/` goes to. */
const field = (): HTMLElement | null => document.querySelector<HTMLElement>('#filter, #console-line');

export function App({ gateway, url }: AppProps) {
  const [over, setOver] = useState<Over>();
  // A dialog says late that it was closed: another one may be open by then.
  const close = (closed: Over) => () => setOver((now) => (now === closed ? undefined : now));
  useActions({
    help: () => setOver('help'),
    palette: () => setOver('palette'),
    filter: () => field()?.focus(),
    'copy-link': () => void copy(location.href, 'link'),
    utc: switchZone,
    theme: nextTheme,
    notify: () => void switchNotify(),
    fleet: () => go(parseRoute(fleetHref())),
    events: () => go(parseRoute(eventsHref())),
    console: () => go(CONSOLE),
    active: () => openTab('active'),
    ended: () => openTab('ended'),
    all: () => openTab('all'),
  });
  return (
    <>
      {/* Not a link: the part of an address after # is the page's. */}
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>('#main')?.focus()}>
        Skip to content
      </button>
      <Header gateway={gateway} />
      <Banners gateway={gateway} />
      <main id="main" tabIndex={-1}>
        <Page gateway={gateway} url={url} />
      </main>
      <Status gateway={gateway} />
      <Announcer gateway={gateway} />
      {over === 'help' && <Help onClose={close('help')} />}
      {over === 'palette' && <Palette table={gateway.table.value} onClose={close('palette')} />}
    </>
  );
}

const TITLES = { fleet: 'Fleet', events: 'Events', console: 'Console', missing: 'No such page' } as const;

function Page({ gateway, url }: AppProps) {
  const at = route.value;
  const title = at.page === 'job' ? `${at.source} / ${at.job}` : TITLES[at.page];
  // Before the next key is handled: what is typed at once goes where the user sees it.
  useLayoutEffect(() => {
    // The console begins in its field; other pages get the keyboard focus themselves.
    const first = at.page === 'console' ? '#console-line' : '#main';
    document.querySelector<HTMLElement>(first)?.focus();
  }, [at.page]);
  const needing = gateway.needing.value;
  useEffect(() => {
    document.title = `${needing > 0 ? `(${needing}) ` : ''}${title} · qmp-gateway`;
  }, [title, needing]);
  switch (at.page) {
    case 'fleet':
      return <Fleet gateway={gateway} />;
    case 'job':
      return (
        <JobPage
          key={at.run ?? `${at.source}/${at.job}`}
          gateway={gateway}
          source={at.source}
          job={at.job}
          run={at.run}
        />
      );
    case 'events':
      return <Events gateway={gateway} feed={at.feed} />;
    case 'console':
      return <Console url={url} />;
    case 'missing':
      return (
        <Notice title="No such page">
          <a href={fleetHref()}>Go to the fleet</a>
        </Notice>
      );
  }
}
