// The frame around every page: the top bar, banners, the page, the status line.
import { useEffect } from 'preact/hooks';
import type { Gateway } from '../gateway.js';
import { route } from '../location.js';
import { Banners } from './banners.js';
import { Console } from './console.js';
import { Events } from './events.js';
import { Fleet } from './fleet.js';
import { Header } from './header.js';
import { JobPage } from './job-page.js';
import { Notice } from './notice.js';
import { Status } from './status.js';

interface AppProps {
  gateway: Gateway;
  url: string;
}

export function App({ gateway, url }: AppProps) {
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header gateway={gateway} />
      <Banners gateway={gateway} />
      <main id="main" tabIndex={-1}>
        <Page gateway={gateway} url={url} />
      </main>
      <Status gateway={gateway} />
    </>
  );
}

const TITLES = { fleet: 'Fleet', events: 'Events', console: 'Console', missing: 'No such page' } as const;

function Page({ gateway, url }: AppProps) {
  const at = route.value;
  const title = at.page === 'job' ? `${at.source} / ${at.job}` : TITLES[at.page];
  useEffect(() => {
    // The console begins in its field; other pages get the keyboard focus themselves.
    const first = at.page === 'console' ? '#console-line' : '#main';
    document.querySelector<HTMLElement>(first)?.focus();
  }, [at.page]);
  useEffect(() => {
    document.title = `${title} · qmp-gateway`;
  }, [title]);
  switch (at.page) {
    case 'fleet':
      return <Fleet gateway={gateway} />;
    case 'job':
      return <JobPage key={at.run ?? `${at.source}/${at.job}`} gateway={gateway} {...at} />;
    case 'events':
      return <Events gateway={gateway} />;
    case 'console':
      return <Console url={url} />;
    case 'missing':
      return (
        <Notice title="No such page">
          <a href="#/">Go to the fleet</a>
        </Notice>
      );
  }
}
