// Plots on a canvas by uPlot: a sparkline, or a plot with axes. Colours come from the style sheet.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { isDark } from '../theme.js';

type Series = [number[], number[]];

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Created when the browser is idle, so that rows that pass quickly while scrolling cost no canvas. */
export function Spark({ series, width = 96, height = 24 }: { series: Series; width?: number; height?: number }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(series);
  latest.current = series;
  const dark = isDark.value;
  useEffect(() => {
    const timer = setTimeout(() => {
      if (!host.current) return;
      const hidden = { show: false };
      const line = { stroke: colour('--accent'), fill: colour('--accent-wash'), width: 1.25, points: hidden };
      const options: uPlot.Options = {
        ...{ width, height, padding: [2, 0, 1, 0], cursor: hidden, legend: hidden, axes: [hidden, hidden] },
        scales: { x: { time: false }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.05 : 1] } },
        series: [{}, line],
      };
      plot.current = new uPlot(options, latest.current, host.current);
    }, 80);
    return () => {
      clearTimeout(timer);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [dark, width, height]);
  useEffect(() => plot.current?.setData(series), [series]);
  return <div ref={host} class="spark" style={{ width: `${width}px`, height: `${height}px` }} aria-hidden="true" />;
}

/** Steps of the value axis: 64, 128, 256 MiB/s rather than 95.4. */
const POWERS = Array.from({ length: 64 }, (_, n) => 2 ** n);

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
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const [ink, grid] = [colour('--muted'), colour('--line')];
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      ...{ width: element.clientWidth, height, legend: { show: false }, cursor: { y: false, points: { size: 6 } } },
      padding: [8, 8, 0, 0],
      scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 2 ** 20] } },
      axes: [
        {
          ...axis,
          space: 90,
          size: 26,
          values: (_plot, splits) => splits.map((at) => new Date(at * 1_000).toTimeString().slice(0, 8)),
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
  }, [dark, height, label]);
  useEffect(() => plot.current?.setData(series), [series]);
  return <div ref={host} class="plot" style={{ height: `${height}px` }} role="img" aria-label={label} />;
}
