// Messages of the console's WebSocket: a list that stays at its end unless the user scrolled away.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { formatDuration } from 'qmp-gateway/protocol';
import type { Frame } from '../../gateway/console-socket.js';
import { Notice } from '../parts/notice.js';
import { Time } from '../parts/time.js';

/** Number of messages that are drawn, the newest. */
const SHOWN = 200;

export function Frames({ frames }: { frames: readonly Frame[] }) {
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    const element = list.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [frames]);
  const follow = (): void => {
    const element = list.current;
    if (element) atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
  };
  return (
    <div class="scroller frames" ref={list} tabIndex={0} role="log" aria-label="Frames" onScroll={follow}>
      {frames.length === 0 ? (
        <Notice title="Nothing sent yet">
          Type <code>source.list</code> and press Enter, or <code>subscribe</code> to see events arrive.
        </Notice>
      ) : (
        <ol>
          {frames.slice(-SHOWN).map((frame) => (
            <FrameLine key={frame.key} frame={frame} />
          ))}
        </ol>
      )}
    </div>
  );
}

const WAYS = { in: '← received', out: '→ sent', note: '' } as const;

function FrameLine({ frame: { way, at, text, title, tookMs, failed } }: { frame: Frame }) {
  const time = <Time at={at} isExact />;
  if (way === 'note') {
    return (
      <li class={`frame note ${failed ? 'text-warn' : 'muted'}`}>
        {time} {text}
      </li>
    );
  }
  return (
    <li class={`frame way-${way} ${failed ? 'failed' : ''}`} data-way={way} data-title={title}>
      <details>
        <summary>
          {time}
          <span class="way" title={WAYS[way]}>
            {WAYS[way].slice(0, 1)}
          </span>
          <strong>{title}</strong>
          <span class="num took">{tookMs === undefined ? '' : formatDuration(tookMs)}</span>
          <code class="text">{text.slice(0, 400)}</code>
        </summary>
        <pre>{pretty(text)}</pre>
      </details>
    </li>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
