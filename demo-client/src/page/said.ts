// A short text for the user about what has just been done, gone after some seconds.
import { signal } from '@preact/signals';

const SHOWN_MS = 4_000;

export const said = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  clearTimeout(timer);
  said.value = text;
  timer = setTimeout(() => {
    said.value = '';
  }, SHOWN_MS);
}
