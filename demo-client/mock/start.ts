// `npm run demo:mock`: a gateway inside the page, by msw. `?jobs=10000` gives many jobs.
import { setupWorker } from 'msw/browser';
import { handlers } from '../../test/client/msw/handlers.js';
import { DemoGateway } from './demo-gateway.js';
import { tellStory } from './story.js';

export async function startMock(url: string): Promise<void> {
  const gateway = new DemoGateway();
  tellStory(gateway, Number(new URLSearchParams(location.search).get('jobs') ?? 0));
  setInterval(() => gateway.bookmark(), 15_000);
  // For trying by hand how a page shows a lost connection, a restart or a reset: `mock.drop(1006)`, `mock.reset('retention')`.
  Object.assign(globalThis, { mock: gateway });
  await setupWorker(...handlers(gateway, url)).start({
    onUnhandledRequest: 'bypass',
    quiet: true,
    serviceWorker: { url: './mockServiceWorker.js' },
  });
}
