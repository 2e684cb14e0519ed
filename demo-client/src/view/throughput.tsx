// A plot of the rate since the page was loaded; there are no earlier figures.
import type { Signal } from '@preact/signals';
import { formatRate, type JobType } from 'qmp-gateway/protocol';
import { ratesOf, type Trail } from '../model/pace.js';
import { Plot } from './plot.js';

interface ThroughputProps {
  trail: Signal<Trail>;
  type: JobType | null;
  live: boolean;
}

export function Throughput({ trail, type, live }: ThroughputProps) {
  const series = ratesOf(trail.value);
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
        <Plot series={series} label="Throughput over time" height={180} format={(value) => formatRate(value, type)} />
      )}
    </section>
  );
}
