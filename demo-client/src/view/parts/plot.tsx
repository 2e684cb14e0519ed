// A plot with axes on a canvas, by uPlot. Colours come from the style sheet.
import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { timeOfDay } from '../../model/page/clock.js';
import { isDark } from '../../page/theme.js';
import { zone } from '../../page/zone.js';

/** Seconds since 1970, the values, and shares of 0 to 100. */
type Series = [number[], number[], number[]];

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Steps of the value axis: 64, 128, 256 MiB/s rather than 95.4. */
const POWERS = Array.from({ length: 64 }, (_, n) => 2 ** n);

/** Steps of the time axis in seconds: none below one, whose labels would be equal. */
const SECONDS = [
  1,
  2,
  5,
  10,
  15,
  30,
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60),
  3_600,
  7_200,
  21_600,
  43_200,
].concat([1, 2, 7, 30].map((days) => days * 86_400));

interface PlotProps {
  series: Series;
  /** Moments that are marked on the time axis, in milliseconds since 1970. */
  marks: readonly number[];
  /** The moment that is marked, by the plot and by others. */
  at: Signal<number | undefined>;
  label: string;
  height: number;
  format(value: number): string;
}

export function Plot({ series, marks, at, label, height, format }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef({ series, format, marks });
  latest.current = { series, format, marks };
  const dark = isDark.value;
  const place = zone.value;
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const [ink, grid] = [colour('--muted'), colour('--line')];
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      ...{ width: element.clientWidth, height, legend: { show: false }, cursor: { y: false, points: { size: 6 } } },
      padding: [10, 0, 0, 0],
      scales: {
        '%': { range: [0, 105] },
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 2 ** 20] },
      },
      axes: [
        {
          ...axis,
          space: 90,
          size: 26,
          incrs: SECONDS,
          values: (_plot, splits) => splits.map((at) => timeOfDay(at * 1_000, place)),
        },
        {
          ...axis,
          size: 78,
          space: 36,
          incrs: POWERS,
          values: (_plot, splits) => splits.map((value) => latest.current.format(value)),
        },
        {
          ...axis,
          scale: '%',
          side: 1,
          size: 46,
          grid: { show: false },
          values: (_plot, splits) => splits.map((value) => (value > 100 ? '' : `${value} %`)),
        },
      ],
      series: [
        {},
        { label, stroke: colour('--accent'), fill: colour('--accent-wash'), width: 1.5, points: { show: false } },
        { label: 'Progress', scale: '%', stroke: colour('--muted'), width: 1, dash: [4, 3], points: { show: false } },
      ],
      hooks: {
        ready: [(drawn) => showMoment(drawn, at.peek())],
        draw: [(drawn) => drawMarks(drawn, latest.current.marks, ink)],
      },
    };
    const drawn = new uPlot(options, latest.current.series, element);
    plot.current = drawn;
    // Not uPlot's `setCursor` hook: it also fires for new figures, and would mark what stands now where the cursor was.
    drawn.over.addEventListener('mousemove', ({ offsetX }) => {
      at.value = drawn.posToVal(offsetX, 'x') * 1_000;
    });
    // uPlot takes the cursor away, but the moment is still the one that the page marks.
    drawn.over.addEventListener('mouseleave', () => showMoment(drawn, at.peek()));
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [dark, place, height, label]);
  // In a batch, so that the moment is placed on the new axes and not on those before.
  useEffect(() => plot.current?.batch(() => plot.current?.setData(series)), [series]);
  const ms = at.value;
  useEffect(() => {
    if (plot.current) showMoment(plot.current, ms);
  }, [ms, series]);
  return <div ref={host} class="plot" style={{ height: `${height}px` }} role="img" aria-label={label} />;
}

/** Puts the cursor at `ms`, milliseconds since 1970; takes it away where the plot does not reach. */
function showMoment(drawn: uPlot, ms: number | undefined): void {
  if (ms === undefined) return;
  const left = drawn.valToPos(ms / 1_000, 'x');
  const isInside = left >= 0 && left <= drawn.over.clientWidth;
  drawn.setCursor({ left: isInside ? left : -10, top: 0 }, false);
}

/** A short stroke at the foot of the plot for each moment. */
function drawMarks({ ctx, bbox, valToPos }: uPlot, marks: readonly number[], ink: string): void {
  ctx.save();
  ctx.fillStyle = ink;
  for (const mark of marks) {
    const x = Math.round(valToPos(mark / 1_000, 'x', true));
    if (x >= bbox.left && x <= bbox.left + bbox.width) ctx.fillRect(x, bbox.top + bbox.height - 8, 2, 8);
  }
  ctx.restore();
}
