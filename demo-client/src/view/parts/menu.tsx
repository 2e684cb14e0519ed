// A button that opens a small panel under it; Escape, or a click elsewhere, closes it.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface MenuProps {
  label: ComponentChildren;
  /** For who does not see the label's context. */
  name?: string;
  side?: 'left' | 'right';
  /** Whether the panel is above the button. */
  isUp?: boolean;
  children: ComponentChildren;
}

export function Menu({ label, name, side = 'right', isUp = false, children }: MenuProps) {
  const element = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const closeOutside = (event: Event): void => {
      const menu = element.current;
      if (menu?.open && !menu.contains(event.target as Node)) menu.open = false;
    };
    addEventListener('pointerdown', closeOutside);
    addEventListener('focusin', closeOutside);
    return () => {
      removeEventListener('pointerdown', closeOutside);
      removeEventListener('focusin', closeOutside);
    };
  }, []);
  return (
    <details
      ref={element}
      class={`menu menu-${side} ${isUp ? 'menu-up' : ''}`}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !element.current?.open) return;
        event.stopPropagation();
        element.current.open = false;
        element.current.querySelector('summary')?.focus();
      }}
    >
      <summary aria-label={name}>{label}</summary>
      <div class="menu-panel">{children}</div>
    </details>
  );
}
