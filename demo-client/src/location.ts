// The route in the address bar, as a signal.
import { signal } from '@preact/signals';
import { parseRoute } from './model/route.js';

export const route = signal(parseRoute(location.hash));

addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash);
});
