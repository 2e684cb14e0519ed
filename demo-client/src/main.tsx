// The page's entry: a client of the gateway that served the page, and the view.

// Here, since the style of a part that is loaded later is loaded only once, whether that succeeds or not.
import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/shell.css';
import './style/fleet.css';
import './style/job.css';
import './style/feed.css';
import './style/over.css';
import './style/modes.css';
import { render } from 'preact';
import { createClient } from 'qmp-gateway/client';
import { openGateway } from './gateway/gateway.js';
import { watchNews } from './gateway/news.js';
import { socketUrl } from './model/page/socket-url.js';
import { listenToKeys } from './page/keys.js';
import { mayNotify, notify } from './page/notify.js';
import { storedToken } from './page/token.js';
import { App } from './view/frame/app.js';

async function start(): Promise<void> {
  const url = socketUrl(document.baseURI);
  // `npm run demo:mock`: a gateway inside the browser. The published page lacks this branch.
  if (import.meta.env.MODE === 'mock') await (await import('../mock/start.js')).startMock(url);
  const gateway = openGateway(createClient({ url, ...storedToken() }));
  const root = document.getElementById('app');
  if (!root) throw new Error('no #app in the page');
  root.replaceChildren();
  listenToKeys();
  watchNews(gateway, { isThere: mayNotify, publish: notify });
  render(<App gateway={gateway} url={url} />, root);
}

void start();
