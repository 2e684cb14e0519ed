// The plot of a run's progress and rate, from the gateway's history and since the page was loaded, with a slider that marks a moment of it.
import type { Signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { formatRate, type JobType } from 'qmp-gateway/protocol';
import { ratesOf, type Trail } from '../../model/fleet/pace.js';
import { exactMoment } from '../../model/page/clock.js';
import { type Chapter, placeText, sharesOf, spanOf } from '../../model/run/story.js';
import { zone } from '../../page/zone.js';
import type { Plot } from '../parts/plot.js';

interface ThroughputProps {
  trail: Trail;
  chapters: readonly Chapter[];
  type: JobType | null;
  len: number;
  /** In place of the plot where there are no figures. */
  empty: string;
  /** The marked moment, in milliseconds since 1970. */
  at: Signal<number | undefined>;
}

export function Throughput({ trail, chapters, type, len, empty, at }: ThroughputProps) {
  const PlotView = useLater();
  const [times, rates] = ratesOf(trail);
  return (
    <section class="card pad" aria-labelledby="throughput-title">
      <h2 id="throughput-title">Progress and throughput</h2>
      {times.length < 2 ? (
        <p class="muted plot-empty">{empty}</p>
      ) : (
        PlotView && (
          <PlotView
            series={[times, rates, sharesOf(trail, len).slice(1)]}
            marks={chapters.flatMap((chapter) => chapter.at ?? [])}
            at={at}
            label="Throughput and progress over time"
            height={180}
            format={(value) => formatRate(value, type)}
          />
        )
      )}
      <Scrubber trail={trail} chapters={chapters} len={len} at={at} />
    </section>
  );
}

/** Steps from one end to the other, by the arrow keys. */
const STEPS = 200;

function Scrubber({ trail, chapters, len, at }: Pick<ThroughputProps, 'trail' | 'chapters' | 'len' | 'at'>) {
  const span = spanOf(chapters, trail);
  if (!span) return null;
  const { from, to } = span;
  const ms = Math.max(from, Math.min(to, at.value ?? to));
  const text = placeText(chapters, trail, len, ms);
  const moment = exactMoment(ms, Date.now(), zone.value);
  return (
    <div class="scrubber">
      <input
        type="range"
        aria-label="Moment of the run"
        aria-valuetext={`${moment}: ${text}`}
        min={from}
        max={to}
        step={Math.max(1, (to - from) / STEPS)}
        value={ms}
        onInput={(event) => (at.value = Number(event.currentTarget.value))}
      />
      <p class="small" data-testid="place">
        <span class="num">{moment}</span> <span class="muted">{text}</span>
      </p>
    </div>
  );
}

/** Milliseconds until a part of the page is asked for again, where its server was not there. */
const AGAIN_MS = 2_000;

/** uPlot is a quarter of the page's code, and only the page of a job needs it. The gateway that serves it may be restarting. */
function useLater(): typeof Plot | undefined {
  const [view, setView] = useState<{ Plot: typeof Plot }>();
  useEffect(() => {
    let timer: number | undefined;
    let isOver = false;
    const load = (): void =>
      void import('../parts/plot.js').then(
        (loaded) => isOver || setView(loaded),
        () => {
          if (!isOver) timer = window.setTimeout(load, AGAIN_MS);
        },
      );
    load();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
  return view?.Plot;
}
