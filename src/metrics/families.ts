// The kinds of metrics that this gateway has, in one registry. Those of a count or a state are read from their layer when they are scraped.
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;
export type Sample = [labels: Labels, value: number];

/** Upper bounds in seconds: from an answer in the same turn of the loop to the 30 s after which QEMU counts as stalled. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/**
 * Milliseconds between two looks at the delay of the event loop. Each wakes the process: at the 10 ms of prom-client an idle gateway uses half a per
 * cent of a core for that alone.
 */
const LOOP_PRECISION_MS = 50;

const PREFIX = 'qmp_gateway_';

export class Families {
  readonly registry = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: LOOP_PRECISION_MS });
    // Gauges under names that Prometheus reserves for counters; each repeats another metric of the process.
    for (const kind of ['handles', 'requests', 'resources'])
      this.registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  }

  gauge(name: string, help: string, value: () => number): void {
    this.gauges(name, help, [], () => [[{}, value()]]);
  }

  /** One series for each sample that is read. */
  gauges(name: string, help: string, labelNames: readonly string[], samples: () => Iterable<Sample>): void {
    new Gauge({
      name: PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [labels, value] of samples()) this.set(labels, value);
      },
    });
  }

  /** A count that its layer keeps. */
  count(name: string, help: string, value: () => number): void {
    this.counts(name, help, [], () => [[{}, value()]]);
  }

  counts(name: string, help: string, labelNames: readonly string[], samples: () => Iterable<Sample>): void {
    new Counter({
      name: PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [labels, value] of samples()) this.inc(labels, value);
      },
    });
  }

  /** A count that is kept here. @param present label values whose series exist from the beginning, so that their first count is an increase. */
  counter<Name extends string>(
    name: string,
    help: string,
    labelNames: readonly Name[],
    present: readonly Record<Name, string>[] = [],
  ): Counter<Name> {
    const counter = new Counter({ name: PREFIX + name, help, labelNames: [...labelNames], registers: [this.registry] });
    for (const labels of present) counter.inc(labels as Partial<Record<Name, string>>, 0);
    return counter;
  }

  histogram(name: string, help: string, labelNames: readonly string[] = []): Histogram {
    const histogram = new Histogram(PREFIX + name, help, labelNames);
    this.registry.registerMetric(histogram as unknown as Metric);
    return histogram;
  }
}

/** Observations of one set of labels. */
export class Distribution {
  readonly labels: Labels;
  /** In the bucket of each bound of {@link SECONDS} alone; the last is of those beyond. */
  readonly #counts = new Float64Array(SECONDS.length + 1);
  #sum = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  observe(seconds: number): void {
    let at = 0;
    while (at < SECONDS.length && seconds > (SECONDS[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += seconds;
  }

  *values(name: string): Iterable<{ metricName: string; labels: Labels; value: number }> {
    let total = 0;
    for (const [at, count] of this.#counts.entries()) {
      total += count;
      yield {
        metricName: `${name}_bucket`,
        labels: { ...this.labels, le: String(SECONDS[at] ?? '+Inf') },
        value: total,
      };
    }
    yield { metricName: `${name}_sum`, labels: this.labels, value: this.#sum };
    yield { metricName: `${name}_count`, labels: this.labels, value: total };
  }
}

/** As the registry reads a metric. That of prom-client takes a microsecond for each observation, too much for what is observed for each event. */
class Histogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #labelNames: readonly string[];
  readonly #distributions = new Map<string, Distribution>();

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
  }

  /** @param labels bounded by the caller: each combination is one more set of series. */
  of(labels: Labels = {}): Distribution {
    const key = this.#labelNames.map((name) => labels[name]).join(' ');
    const known = this.#distributions.get(key) ?? new Distribution(labels);
    this.#distributions.set(key, known);
    return known;
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const values = [...this.#distributions.values()].flatMap((each) => [...each.values(name)]);
    return { name, help, type, aggregator, values };
  }

  reset(): void {
    this.#distributions.clear();
  }
}
