// Whether times are shown in the browser's zone or in UTC. One choice for the whole page, kept in the browser.
import { effect, signal } from '@preact/signals';
import type { Zone } from '../model/page/clock.js';

const KEY = 'zone';

export const zone = signal<Zone>(localStorage.getItem(KEY) === 'UTC' ? 'UTC' : 'local');

effect(() => {
  if (zone.value === 'UTC') localStorage.setItem(KEY, 'UTC');
  else localStorage.removeItem(KEY);
});

export const switchZone = (): void => {
  zone.value = zone.peek() === 'UTC' ? 'local' : 'UTC';
};
