// The story of one run, each part with its time and the time since the one before; the part at the marked moment is marked.
import { computed, type Signal } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Gap } from 'qmp-gateway/client';
import { describeGap, type Entry, formatDuration } from 'qmp-gateway/protocol';
import { walk } from '../../model/fleet/selection.js';
import { type Chapter, chapterAt } from '../../model/run/story.js';
import { useActions } from '../../page/actions.js';
import { JsonDialog } from '../parts/json-dialog.js';
import { Time } from '../parts/time.js';

interface TimelineProps {
  chapters: readonly Chapter[];
  /** Why the log has not everything. */
  gap: Gap | undefined;
  /** The marked moment, in milliseconds since 1970. */
  at: Signal<number | undefined>;
}

export function Timeline({ chapters, gap, at }: TimelineProps) {
  const [open, setOpen] = useState<Entry>();
  const list = useRef<HTMLOListElement>(null);
  /** Of several at one moment, the key of the one that was pointed at. */
  const [pointed, setPointed] = useState<string>();
  const place = useMemo(
    () =>
      computed(() => {
        const ms = at.value;
        if (ms === undefined) return -1;
        const index = chapters.findIndex(({ key, at }) => key === pointed && at === ms);
        return index >= 0 ? index : chapterAt(chapters, ms);
      }),
    [at, chapters, pointed],
  );
  const here = place.value;

  function mark(index: number): void {
    const chapter = chapters[index];
    if (chapter?.at === undefined) return;
    setPointed(chapter.key);
    at.value = chapter.at;
  }
  const step = (by: number) => () => {
    const index = walk(here, by, chapters.length);
    mark(index);
    list.current?.querySelector<HTMLElement>(`[data-chapter="${index}"]`)?.focus();
  };
  useActions(chapters.length > 0 ? { next: step(1), previous: step(-1) } : {});
  useEffect(() => {
    if (here >= 0 && chapters[here]?.key !== pointed) scrollWithin(list.current, here);
  }, [here, pointed]);

  return (
    <section class="card pad" aria-labelledby="run-title">
      <h2 id="run-title">Story</h2>
      {gap && chapters.every(({ kind }) => kind !== 'state') && (
        <p class="muted small" data-testid="log-gap">
          Its events have left the gateway’s log: {describeGap(gap.reason)}
        </p>
      )}
      <ol class="timeline" ref={list} tabIndex={0} aria-labelledby="run-title">
        {chapters.length === 0 && (
          <li class="tone-calm begin">
            <span class="what muted">{gap ? 'Nothing is known of it any more.' : 'Asking the log…'}</span>
          </li>
        )}
        {chapters.map((chapter, n) => (
          <Item
            key={chapter.key}
            index={n}
            chapter={chapter}
            before={chapters[n - 1]}
            isHere={n === here}
            onMark={() => mark(n)}
            onOpen={() => setOpen(chapter.entry)}
          />
        ))}
      </ol>
      {open && <JsonDialog title={open.type} value={open} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

/** Scrolls the list alone: the page, and the plot under the pointer, stay where they are. */
function scrollWithin(list: HTMLElement | null, index: number): void {
  const item = list?.children[index] as HTMLElement | undefined;
  if (!list || !item) return;
  const { offsetTop: top, offsetHeight: height } = item;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
}

interface ItemProps {
  index: number;
  chapter: Chapter;
  before: Chapter | undefined;
  isHere: boolean;
  onMark(): void;
  onOpen(): void;
}

function Item({ index, chapter, before, isHere, onMark, onOpen }: ItemProps) {
  const { at, kind, tone, text, entry } = chapter;
  const since = at !== undefined && before?.at !== undefined ? at - before.at : undefined;
  return (
    <li
      class={`tone-${tone} kind-${kind} ${isHere ? 'is-here' : ''}`}
      data-type={entry?.type}
      aria-current={isHere ? 'step' : undefined}
      // Not `mouseenter`: a list that scrolls under a pointer at rest would move the mark away from the focus.
      onMouseMove={onMark}
      onFocusIn={onMark}
    >
      <Time at={at} isExact />
      <span class="num muted since">{since === undefined ? '' : `+${formatDuration(since)}`}</span>
      <span class="what">
        {entry ? (
          <button
            type="button"
            class="as-text"
            title={`Show ${entry.type} as JSON`}
            data-chapter={index}
            onClick={onOpen}
          >
            <code>{entry.type}</code>
          </button>
        ) : (
          <span class="muted small" tabIndex={-1} data-chapter={index}>
            From the history
          </span>
        )}{' '}
        <span>{text}</span>
      </span>
    </li>
  );
}
