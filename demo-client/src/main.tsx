// The page's entry: a client of the gateway that served the page, and the view.
import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/shell.css';
import './style/fleet.css';
import './style/job.css';
import './style/feed.css';
import { render } from 'preact';
import { createClient } from 'qmp-gateway/client';
import { openGateway } from './gateway.js';
import { listenToKeys } from './keys.js';
import { socketUrl } from './model/socket-url.js';
import { storedToken } from './token.js';
import { App } from './view/app.js';

async function start(): Promise<void> {
  const url = socketUrl(document.baseURI);
  // `npm run demo:mock`: a gateway inside the browser. The published page lacks this branch.
  if (import.meta.env.MODE === 'mock') await (await import('../mock/start.js')).startMock(url);
  const gateway = openGateway(createClient({ url, ...storedToken() }));
  const root = document.getElementById('app');
  if (!root) throw new Error('no #app in the page');
  root.replaceChildren();
  listenToKeys();
  render(<App gateway={gateway} url={url} />, root);
}

void start();
