// A button that copies a text.
import type { ComponentChildren } from 'preact';
import { copy } from '../../page/clipboard.js';

interface CopyProps {
  text: string;
  /** What is copied, as it is said afterwards. */
  what: string;
  children?: ComponentChildren;
}

export function Copy({ text, what, children }: CopyProps) {
  return (
    <button type="button" class="copy" data-copy={what} title={text} onClick={() => void copy(text, what)}>
      {children ?? `Copy ${what}`}
    </button>
  );
}
