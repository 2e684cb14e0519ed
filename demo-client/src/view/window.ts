// Which rows of a long list are visible, by the scroll position. All rows have the same height.
import type { RefObject } from 'preact';
import { useCallback, useLayoutEffect, useState } from 'preact/hooks';

export interface Range {
  first: number;
  /** Exclusive. */
  last: number;
}

/** Rows drawn beyond each edge, so that fast scrolling shows no blanks. */
const BEYOND = 6;

export function rangeOf(top: number, height: number, rowHeight: number, count: number): Range {
  const first = Math.max(0, Math.min(count, Math.floor(top / rowHeight)) - BEYOND);
  return { first, last: Math.min(count, Math.ceil((top + height) / rowHeight) + BEYOND) };
}

export function useWindow(ref: RefObject<HTMLElement | null>, rowHeight: number, count: number): Range {
  const [view, setView] = useState({ top: 0, height: 800 });
  const measure = useCallback(() => {
    const element = ref.current;
    if (!element) return;
    const { scrollTop: top, clientHeight: height } = element;
    // Renders only when a row boundary was crossed.
    const step = Math.floor(top / rowHeight) * rowHeight;
    setView((before) => (before.top === step && before.height === height ? before : { top: step, height }));
  }, [ref, rowHeight]);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, [ref, measure]);
  return rangeOf(view.top, view.height, rowHeight, count);
}
