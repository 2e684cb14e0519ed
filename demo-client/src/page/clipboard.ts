// Copies a text, and says so. Over plain HTTP to another host the browser has no clipboard for pages, so there a hidden field is copied.
import { say } from './said.js';

export async function copy(text: string, what: string): Promise<void> {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyField(text);
    say(`Copied: ${what}`);
  } catch {
    say(`The browser did not allow to copy. ${what}: ${text}`);
  }
}

function copyField(text: string): void {
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  const before = document.activeElement;
  // Within an open dialog nothing outside can have the focus.
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  if (!isCopied) throw new Error('not copied');
}
