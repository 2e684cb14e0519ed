// The time as a signal, for countdowns and ages: milliseconds, four times a second while it is read.
import { computed, signal } from '@preact/signals';

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

const BEAT_MS = 4_000;

/** The same in steps of 4 s, for what is slow to draw. Never earlier than a figure that has just come. */
export const beat = computed(() => Math.floor(now.value / BEAT_MS) * BEAT_MS);
