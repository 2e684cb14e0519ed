// A plot with axes on a canvas, by uPlot. Colours come from the style sheet.
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { timeOfDay } from '../../model/page/clock.js';
import { isDark } from '../../page/theme.js';
import { zone } from '../../page/zone.js';

type Series = [number[], number[]];

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
  label: string;
  height: number;
  format(value: number): string;
}

export function Plot({ series, label, height, format }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef({ series, format });
  latest.current = { series, format };
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
      padding: [10, 30, 0, 0],
      scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 2 ** 20] } },
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
      ],
      series: [
        {},
        { label, stroke: colour('--accent'), fill: colour('--accent-wash'), width: 1.5, points: { show: false } },
      ],
    };
    plot.current = new uPlot(options, latest.current.series, element);
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [dark, place, height, label]);
  useEffect(() => plot.current?.setData(series), [series]);
  return <div ref={host} class="plot" style={{ height: `${height}px` }} role="img" aria-label={label} />;
}
