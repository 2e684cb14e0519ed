// The keyboard in a long list of which only the rows in sight are in the document: from row to row, each brought into sight and focused.
import type { RefObject } from 'preact';
import { walk } from '../../model/fleet/selection.js';
import { type Heights, scrollTo, whollyInSight } from '../../model/page/heights.js';
import { useActions } from '../../page/actions.js';

/** Height of the heads that stay at the top of a list, in CSS pixels. */
const HEAD_PX = 34;

interface WalkOptions {
  scroller: RefObject<HTMLElement | null>;
  heights: Heights;
  /** Index of the row that the keyboard is at; -1: none. */
  at: number;
  /** Where that row was, if it has left the list: its neighbours are next. */
  gone?: number | undefined;
  /** Selector of what has the focus in a row, whose element has its index as `data-index`, and the class `at` where the keyboard is. */
  focus: string;
  /** The keyboard is now at this row. */
  onMove(index: number): void;
}

export function useWalk({ scroller, heights, at, gone, focus: inRow, onMove }: WalkOptions) {
  function bring(index: number): void {
    const element = scroller.current;
    if (!element) return;
    const top = scrollTo(heights, index, element.scrollTop, element.clientHeight - HEAD_PX);
    if (top !== undefined) element.scrollTop = top;
  }
  /** Returns the index that was reached. */
  function move(by: number): number {
    const { scrollTop: top = 0, clientHeight: height = 0 } = scroller.current ?? {};
    if (at >= 0) return moveTo(walk(at, by, heights.count));
    if (gone !== undefined) return moveTo(walk(by > 0 ? gone - 1 : gone, by, heights.count));
    const { first, last } = whollyInSight(heights, top, height - HEAD_PX);
    // From nowhere it goes to a row that is in sight, however far the step.
    return moveTo(by > 0 ? first : last);
  }
  function moveTo(index: number): number {
    onMove(index);
    bring(index);
    const focus = (row: string): boolean => {
      const found = scroller.current?.querySelector<HTMLElement>(`${row} ${inRow}`);
      found?.focus({ preventScroll: true });
      return found !== null;
    };
    // A row that was not in sight is in the document after the scroll position has been handled and drawn. By then it may have another index.
    if (!focus(`[data-index="${index}"]`)) requestAnimationFrame(() => requestAnimationFrame(() => focus('.row.at')));
    return index;
  }
  useActions({
    next: () => move(1),
    previous: () => move(-1),
    'page-down': () => move(10),
    'page-up': () => move(-10),
    first: () => moveTo(0),
    last: () => moveTo(heights.count - 1),
  });
  return { bring, move };
}
