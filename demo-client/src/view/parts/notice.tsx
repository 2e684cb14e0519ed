// A block for an empty place that says why it is empty and what to do.
import type { ComponentChildren } from 'preact';

export function Notice({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      <div class="notice-body">{children}</div>
    </div>
  );
}
