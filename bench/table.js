// In: results. Out: rows of what was measured against what, and the table as text.

const times = ({ median, low, high }) => `${median.toFixed(2)}x (${low.toFixed(2)} to ${high.toFixed(2)})`;
const verdict = (is) => (is ? 'met' : 'NOT MET');

/** Each row: figure, against what, measured, target, verdict. */
export function rowsOf(results) {
  const rows = [];
  const { fanOut } = results;
  if (fanOut) {
    const targets = {
      bursts: { 'uWebSockets.js': 1.5, NATS: 2, 'ws loop': 30 },
      singles: { 'uWebSockets.js': 0.9 },
    };
    for (const [part, name] of [['bursts', 'bursts of 64, 1,000 subscribers'], ['singles', 'single events, 1,000 subscribers']])
      for (const [kind, { gatewayIs, perCpuSecond }] of Object.entries(fanOut[part])) {
        const target = targets[part][kind];
        const rate = Math.round(perCpuSecond.median).toLocaleString('en');
        if (kind === 'gateway') rows.push([name, 'deliveries a CPU second', rate, '', '']);
        else rows.push([name, `${kind} (${rate})`, times(gatewayIs), target ? `>= ${target}x` : '', target ? verdict(gatewayIs.median >= target) : '']);
      }
  }
  return rows;
}

export function table(rows) {
  const all = [['figure', 'against', 'gateway, median (range)', 'target', ''], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()).join('\n');
}
