// A plot of the rate: from the gateway's history, and since the page was loaded.
import type { Signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { formatRate, type JobType, type ProgressSample } from 'qmp-gateway/protocol';
import { ratesOf, type Trail } from '../../model/fleet/pace.js';
import { withPast } from '../../model/run/past.js';
import type { Plot } from '../parts/plot.js';

interface ThroughputProps {
  trail: Signal<Trail>;
  type: JobType | null;
  live: boolean;
  /** The run's start, and its figures from the history. */
  start: string | null | undefined;
  progress: readonly ProgressSample[];
}

export function Throughput({ trail, type, live, start, progress }: ThroughputProps) {
  const PlotView = useLater();
  const series = ratesOf(withPast(trail.value, start, progress));
  return (
    <section class="card pad" aria-labelledby="throughput-title">
      <h2 id="throughput-title">Throughput</h2>
      {series[0].length < 2 ? (
        <p class="muted plot-empty">
          {live
            ? 'Waiting for the second figure; the gateway queries QEMU once a second.'
            : 'Nobody watched this run from here.'}
        </p>
      ) : (
        PlotView && (
          <PlotView
            series={series}
            label="Throughput over time"
            height={180}
            format={(value) => formatRate(value, type)}
          />
        )
      )}
    </section>
  );
}

/** uPlot is a quarter of the page's code, and only the page of a job needs it. */
function useLater(): typeof Plot | undefined {
  const [view, setView] = useState<{ Plot: typeof Plot }>();
  useEffect(() => void import('../parts/plot.js').then(setView), []);
  return view?.Plot;
}
