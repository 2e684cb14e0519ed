// The address bar as a signal. In: hash changes. Out: the route.
import { signal } from '@preact/signals';
import { parseRoute } from './model/route.js';

export const route = signal(parseRoute(location.hash));

addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash);
});
