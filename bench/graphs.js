// In: results.json of the last whole run. Out: docs/fan-out.svg (deliveries against subscribers), docs/latency.svg (latency against load),
// readable on light and dark pages, and the table in docs/PERFORMANCE.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { markdown, rowsOf } from './table.js';

const results = JSON.parse(readFileSync(new URL('results.json', import.meta.url), 'utf8'));
const { growth, latency, taken, machine, rounds } = results;
const page = new URL('../docs/PERFORMANCE.md', import.meta.url);
const filled = `<!-- table -->\n\nTaken ${taken}, ${machine}; ${rounds} rounds; median, least and most.\n\n${markdown(rowsOf(results))}\n\n<!-- end -->`;
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(/<!-- table -->[\s\S]*<!-- end -->/, () => filled),
);

const COLOURS = { gateway: '#d9480f', 'uWebSockets.js': '#1971c2', 'bare Node': '#868e96', bare: '#2f9e44' };
const [WIDTH, HEIGHT] = [720, 380];
const PLOT = { left: 70, right: 190, top: 48, bottom: 52 };
const [across, down] = [WIDTH - PLOT.left - PLOT.right, HEIGHT - PLOT.top - PLOT.bottom];

function draw({ title, x, y, series }) {
  const at = (axis, value) => {
    const of = axis.log ? Math.log : (each) => each;
    return (of(value) - of(axis.from)) / (of(axis.to) - of(axis.from));
  };
  const px = (value) => (PLOT.left + at(x, value) * across).toFixed(1);
  const py = (value) => (PLOT.top + (1 - at(y, value)) * down).toFixed(1);
  const parts = [];
  for (const tick of y.ticks)
    parts.push(
      `<line class="grid" x1="${PLOT.left}" x2="${PLOT.left + across}" y1="${py(tick)}" y2="${py(tick)}"/>`,
      `<text x="${PLOT.left - 8}" y="${py(tick)}" dy=".35em" text-anchor="end">${y.format(tick)}</text>`,
    );
  for (const tick of x.ticks)
    parts.push(`<text x="${px(tick)}" y="${HEIGHT - PLOT.bottom + 18}" text-anchor="middle">${x.format(tick)}</text>`);
  let label = PLOT.top + 8;
  for (const { name, colour, dash, points } of series) {
    const line = points.map(([a, { median }]) => `${px(a)},${py(median)}`).join(' ');
    const stroke = `stroke="${colour}"${dash ? ' stroke-dasharray="5 4"' : ''}`;
    parts.push(`<polyline fill="none" stroke-width="2" ${stroke} points="${line}"/>`);
    for (const [a, { low, median, high }] of points) {
      const clamp = (value) => Math.min(y.to, Math.max(y.from, value));
      parts.push(
        `<line ${stroke} opacity=".4" x1="${px(a)}" x2="${px(a)}" y1="${py(clamp(low))}" y2="${py(clamp(high))}"/>`,
        `<circle r="3" fill="${colour}" cx="${px(a)}" cy="${py(median)}"/>`,
      );
    }
    parts.push(
      `<line stroke-width="2" ${stroke} x1="${WIDTH - PLOT.right + 14}" x2="${WIDTH - PLOT.right + 38}" y1="${label}" y2="${label}"/>`,
      `<text x="${WIDTH - PLOT.right + 44}" y="${label}" dy=".35em">${name}</text>`,
    );
    label += 20;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>text{font:12px system-ui,sans-serif;fill:#343a40}.title{font-weight:600;font-size:14px}.note{fill:#868e96;font-size:11px}.grid{stroke:#868e96;opacity:.25}
@media(prefers-color-scheme:dark){text{fill:#dee2e6}}</style>
<text class="title" x="${PLOT.left}" y="24">${title}</text>
${parts.join('\n')}
<text x="${PLOT.left + across / 2}" y="${HEIGHT - 14}" text-anchor="middle">${x.name}</text>
<text class="note" x="${WIDTH - 8}" y="${HEIGHT - 4}" text-anchor="end">${taken}, ${machine}; bars: range of the runs</text>
</svg>
`;
}

const rates = Object.values(growth.rates).map(({ high }) => high);
const top = Math.ceil(Math.max(...rates) / 1e6);
writeFileSync(
  new URL('../docs/fan-out.svg', import.meta.url),
  draw({
    title: 'Deliveries a CPU second, bursts of 64 events, in millions',
    x: {
      name: 'subscribers of one filter',
      log: true,
      from: 90,
      to: 11_000,
      ticks: growth.sizes,
      format: (value) => value.toLocaleString('en'),
    },
    y: { from: 0, to: top, ticks: Array.from({ length: top + 1 }, (_, at) => at), format: String, scale: 1e6 },
    series: ['gateway', 'uWebSockets.js', 'bare Node'].map((name) => ({
      name,
      colour: COLOURS[name],
      points: growth.sizes.map((size) => {
        const { low, median, high } = growth.rates[`${name} ${size}`];
        return [size, { low: low / 1e6, median: median / 1e6, high: high / 1e6 }];
      }),
    })),
  }),
);

const highest = Math.max(
  ...latency.curve.flatMap(({ load: _, ...kinds }) => Object.values(kinds).map(({ p99 }) => p99.median)),
);
writeFileSync(
  new URL('../docs/latency.svg', import.meta.url),
  draw({
    title: 'Latency, monitor’s write to subscriber’s frame, 1,000 subscribers, ms',
    x: {
      name: 'load, in parts of what saturates the gateway',
      from: 0.05,
      to: 1,
      ticks: latency.curve.map(({ load }) => load),
      format: (value) => `${Math.round(value * 100)} %`,
    },
    y: {
      log: true,
      from: 1,
      to: Math.max(100, highest * 1.2),
      ticks: [1, 3, 10, 30, 100, 300, 1000].filter((tick) => tick <= Math.max(100, highest * 1.2)),
      format: String,
    },
    series: ['gateway', 'bare', 'bare Node', 'uWebSockets.js'].flatMap((name) =>
      ['p50', 'p99'].map((part) => ({
        name: `${name} ${part}`,
        colour: COLOURS[name],
        dash: part === 'p50',
        points: latency.curve.map((step) => [step.load, step[name][part]]),
      })),
    ),
  }),
);
