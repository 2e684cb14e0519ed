// Light, dark, or as the system, set as `data-theme` on the document; theme.js sets it before the first paint.
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const KEY = 'theme';

const stored = localStorage.getItem(KEY);
export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');
const systemDark = matchMedia('(prefers-color-scheme: dark)');
/** Plots draw on a canvas, which CSS does not change. */
export const isDark = signal(false);

const settle = (): void => {
  isDark.value = theme.peek() === 'dark' || (theme.peek() === 'system' && systemDark.matches);
};
systemDark.addEventListener('change', settle);

effect(() => {
  const choice = theme.value;
  if (choice === 'system') {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.theme = choice;
    localStorage.setItem(KEY, choice);
  }
  settle();
});

export const nextTheme = (): void => {
  theme.value = NEXT[theme.peek()];
};
