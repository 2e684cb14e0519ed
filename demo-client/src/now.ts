// The time as a signal, for countdowns and ages. Out: milliseconds, four times a second while somebody reads it.
import { signal } from '@preact/signals';

let timer: ReturnType<typeof setInterval> | undefined;

export const now = signal(Date.now(), {
  watched() {
    this.value = Date.now();
    timer = setInterval(() => {
      now.value = Date.now();
    }, 250);
  },
  unwatched() {
    clearInterval(timer);
  },
});
