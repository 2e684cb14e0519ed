// A place with nothing to show says why, and what to do. In: a title, advice. Out: a calm block.
import type { ComponentChildren } from 'preact';

export function Notice({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      <div class="notice-body">{children}</div>
    </div>
  );
}
