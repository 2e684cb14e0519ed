// What the page shows, as its address says. Only this file writes the address; back and forward of the browser go through it.
import { effect, signal } from '@preact/signals';
import type { Listing } from '../model/fleet/listing.js';
import { EVENTS, type Feed, FLEET, parseRoute, printRoute, type Route } from '../model/page/route.js';

export const route = signal(parseRoute(location.hash));

/** The fleet and the events as they were seen last, to which the page's own links go back. */
const seen = { fleet: signal(FLEET), events: signal(EVENTS) };
effect(() => {
  const { page } = route.value;
  if (page === 'fleet') seen.fleet.value = route.value;
  // A single event that is open is not a view to come back to.
  if (page === 'events') seen.events.value = { page, feed: { ...route.value.feed, open: undefined } };
});

const read = (): void => {
  route.value = parseRoute(location.hash);
};
addEventListener('hashchange', read);
addEventListener('popstate', read);

/** @param how `push`: the browser's back button comes back here; `replace`: what changes with each key is one step in all. */
export function go(next: Route, how: 'push' | 'replace' = 'push'): void {
  const hash = printRoute(next);
  if (hash === printRoute(route.peek())) return;
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', hash);
  route.value = next;
}

export const fleetHref = (): string => printRoute(seen.fleet.value);
export const eventsHref = (): string => printRoute(seen.events.value);

/** As it stands in the address, or as it was when the fleet was seen last. */
export function listing(): Listing {
  const at = seen.fleet.value;
  return at.page === 'fleet' ? at.listing : (FLEET as { listing: Listing }).listing;
}

/** Opens the fleet with these changes. */
export function changeListing(changes: Partial<Listing>, how: 'push' | 'replace' = 'push'): void {
  go({ page: 'fleet', listing: { ...listing(), ...changes } }, how);
}

export function changeFeed(changes: Partial<Feed>, how: 'push' | 'replace' = 'push'): void {
  const at = route.peek();
  if (at.page === 'events') go({ page: 'events', feed: { ...at.feed, ...changes } }, how);
}
