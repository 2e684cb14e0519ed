// The visible part of a long list: which rows, and its size.
import type { RefObject } from 'preact';
import { useCallback, useLayoutEffect, useState } from 'preact/hooks';
import { type Heights, type Range, rangeOf } from '../../model/page/heights.js';

/** Renders again only when another row has come to the top, so at most once for each row that is scrolled by. */
export function useWindow(ref: RefObject<HTMLElement | null>, heights: Heights): Range & { width: number } {
  const [view, setView] = useState({ top: 0, height: 800, width: 0 });
  const measure = useCallback(() => {
    const element = ref.current;
    if (!element) return;
    const { clientHeight: height, clientWidth: width } = element;
    const top = heights.topOf(heights.indexAt(element.scrollTop));
    setView((before) =>
      before.top === top && before.height === height && before.width === width ? before : { top, height, width },
    );
  }, [ref, heights]);
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
  const isPrinting = usePrinting();
  const range = isPrinting
    ? { first: 0, last: Math.min(heights.count, PRINTED) }
    : rangeOf(heights, view.top, view.height);
  return { ...range, width: view.width };
}

/** Rows on paper, at most: what is longer is better copied or queried. */
const PRINTED = 1_000;

function usePrinting(): boolean {
  const [isPrinting, setPrinting] = useState(false);
  useLayoutEffect(() => {
    const [begin, end] = [() => setPrinting(true), () => setPrinting(false)];
    addEventListener('beforeprint', begin);
    addEventListener('afterprint', end);
    return () => {
      removeEventListener('beforeprint', begin);
      removeEventListener('afterprint', end);
    };
  }, []);
  return isPrinting;
}
