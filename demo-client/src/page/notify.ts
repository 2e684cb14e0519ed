// Desktop notifications: off until a click turns them on, and silent. The choice is kept in the browser.
import { effect, signal } from '@preact/signals';
import type { Bulletin } from '../model/events/news.js';
import { jobHref, parseRoute } from '../model/page/route.js';
import { fleetHref, go } from './location.js';
import { say } from './said.js';

const KEY = 'notify';
/** Missing over plain HTTP from another host, and in some browsers. */
const isPossible = 'Notification' in globalThis && isSecureContext;

/** Whether this page notifies. */
export const notifies = signal(
  isPossible && localStorage.getItem(KEY) === 'on' && Notification.permission === 'granted',
);

effect(() => {
  if (notifies.value) localStorage.setItem(KEY, 'on');
  else localStorage.removeItem(KEY);
});

/** By a click or a key alone: browsers refuse pages that ask by themselves. */
export async function switchNotify(): Promise<void> {
  if (!isPossible) return say('This browser has no notifications for this page; they need HTTPS.');
  if (notifies.peek()) {
    notifies.value = false;
    return say('Notifications are off.');
  }
  const answer = await Notification.requestPermission();
  notifies.value = answer === 'granted';
  say(
    notifies.peek()
      ? 'You are notified of jobs that need you, fail, are lost, or end as you asked.'
      : 'The browser does not allow notifications of this page. Its settings can change that.',
  );
}

/** Not while the page is in front: it shows the same. */
export const mayNotify = (): boolean =>
  notifies.peek() && !(document.visibilityState === 'visible' && document.hasFocus());

export function notify({ title, body, about }: Bulletin): void {
  // One tag: the newest replaces the one before.
  const shown = new Notification(title, { body, tag: 'qmp-gateway', silent: true });
  shown.onclick = () => {
    focus();
    go(parseRoute(about ? jobHref(about.source, about.job, about.run) : fleetHref()));
    shown.close();
  };
}
