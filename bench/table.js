// In: results. Out: rows of what was measured against what, and the table as text.

const times = ({ median, low, high }) => `${median.toFixed(2)}x (${low.toFixed(2)} to ${high.toFixed(2)})`;
const verdict = (is) => (is ? 'met' : 'NOT MET');
/** For figures whose rounds differ more than the target is away. */
const within = ({ low, high }, most) => (high <= most ? 'met' : low > most ? 'NOT MET' : 'inconclusive');

const RESUME_PEERS = { bare: 'bare Node, the same bytes', ws: 'ws, the same bytes' };

/** Each row: figure, against what, measured, target, verdict. */
export function rowsOf(results) {
  const rows = [];
  const { fanOut, quiet, filters, latency, ingest, crowd, abort, growth, compression, disk, tail } = results;
  if (fanOut) {
    const targets = {
      bursts: { 'uWebSockets.js': 1.5, 'bare Node': 0.97, NATS: 2, 'ws loop': 30 },
      singles: { 'bare Node': 0.95 },
    };
    for (const [part, name] of [
      ['bursts', 'bursts of 64, 1,000 subscribers'],
      ['singles', 'single events, 1,000 subscribers'],
    ])
      for (const [kind, { gatewayIs, perCpuSecond }] of Object.entries(fanOut[part])) {
        const target = targets[part][kind];
        const rate = Math.round(perCpuSecond.median).toLocaleString('en');
        if (kind === 'gateway') rows.push([name, 'deliveries a CPU second', rate, '', '']);
        else
          rows.push([
            name,
            `${kind} (${rate})`,
            times(gatewayIs),
            target ? `>= ${target}x` : '',
            target ? verdict(gatewayIs.median >= target) : '',
          ]);
      }
  }
  for (const [rate, kinds] of Object.entries(quiet ?? {}))
    for (const [kind, figures] of Object.entries(kinds))
      for (const [name, { of, gatewayIs }] of Object.entries(figures)) {
        const unit = name === 'cpuUs' ? 'µs of CPU a delivery' : `${name}, ms`;
        const row = `${rate} single events a second, ${unit}`;
        if (kind === 'gateway') rows.push([row, 'itself', `${of.median.toFixed(2)}`, '', '']);
        else {
          const most = name === 'cpuUs' ? { 'bare Node': 1.08 }[kind] : { 'uWebSockets.js': 1.2 }[kind];
          rows.push([
            row,
            `${kind} (${of.median.toFixed(2)})`,
            times(gatewayIs),
            most ? `<= ${most}x` : '',
            most ? verdict(gatewayIs.median <= most) : '',
          ]);
        }
      }
  if (filters) {
    rows.push([
      '100 filters, 5,000 subscribers',
      'one filter',
      times(filters.ratio),
      '>= 0.7x',
      verdict(filters.ratio.median >= 0.7),
    ]);
    rows.push(['100 filters, 5,000 subscribers', 'uWebSockets.js, 100 topics', times(filters.againstUws), '', '']);
  }
  if (latency)
    for (const [kind, each] of Object.entries(latency.against))
      for (const name of ['p50', 'p99', 'p999']) {
        const target = kind === 'bare' && name === 'p99';
        const theirs = latency.half[kind][name].median.toFixed(2);
        rows.push([
          `latency at half of saturation, ${name}`,
          `${kind} (${theirs} ms)`,
          times(each[name]),
          target ? '<= 1.5x' : '',
          target ? within(each[name], 1.5) : '',
        ]);
      }
  if (ingest) {
    const rate = Math.round(ingest.gateway.median);
    rows.push([
      'ingest, nobody subscribed',
      'split and JSON.parse',
      times(ingest.ratio),
      '>= 0.6x',
      verdict(ingest.ratio.median >= 0.6),
    ]);
    if (ingest.keepRatio)
      rows.push(['split, JSON.parse and keep 16,384 events', 'split and JSON.parse', times(ingest.keepRatio), '', '']);
    rows.push([
      'ingest, nobody subscribed',
      'events a CPU second',
      rate.toLocaleString('en'),
      '>= 250,000',
      verdict(rate >= 250_000),
    ]);
  }
  if (crowd) {
    const { memory, cpu } = crowd.idle;
    const kib = (value) => `${value.toFixed(1)} KiB`;
    rows.push([
      'memory a connection',
      '10,000 on 1,000 monitors',
      kib(memory.gateway),
      '<= 7 KiB',
      verdict(memory.gateway <= 7),
    ]);
    for (const kind of ['ws loop', 'uWebSockets.js'])
      rows.push([
        'memory a connection',
        `${kind} (${kib(memory[kind])})`,
        `${(memory.gateway / memory[kind]).toFixed(2)}x`,
        '',
        '',
      ]);
    rows.push(['idle CPU', 'a core', `${(cpu * 100).toFixed(2)} %`, '< 1.5 %', verdict(cpu < 0.015)]);
    const { seconds, delayP99, delayMax } = crowd.resume;
    const range = ({ median, low, high }, unit) =>
      `${median.toFixed(1)} ${unit} (${low.toFixed(1)} to ${high.toFixed(1)})`;
    rows.push([
      '10,000 resume at once',
      'until all are live',
      range(seconds, 's'),
      '<= 2 s',
      verdict(seconds.median <= 2),
    ]);
    const peers = Object.entries(RESUME_PEERS).flatMap(([key, name]) => {
      const peer = crowd.resume.peers?.[key];
      return peer ? [{ name, peer }] : [];
    });
    for (const { name, peer } of peers)
      rows.push(['10,000 resume at once', `${name} (${peer.seconds.median.toFixed(1)} s)`, times(peer.ratio), '', '']);
    rows.push([
      '10,000 resume at once',
      'loop delay p99',
      range(delayP99, 'ms'),
      '< 100 ms',
      verdict(delayP99.median < 100),
    ]);
    rows.push([
      '10,000 resume at once',
      'longest stall of the loop',
      range(delayMax, 'ms'),
      '<= 50 ms',
      verdict(delayMax.median <= 50),
    ]);
    for (const { name, peer } of peers)
      rows.push([
        '10,000 resume at once',
        `longest stall of ${name} (${peer.delayMax.median.toFixed(0)} ms)`,
        times(peer.delayRatio),
        '',
        '',
      ]);
  }
  if (abort) {
    const { median, low, high } = abort.addedMs;
    rows.push([
      'sync abort',
      `raw job-cancel (${abort.rawMs.toFixed(2)} ms)`,
      `+${median.toFixed(2)} ms (${low.toFixed(2)} to ${high.toFixed(2)})`,
      '',
      '',
    ]);
    if (abort.beyondRelayMs) {
      const { median: more, low: least, high: most } = abort.beyondRelayMs;
      rows.push([
        'sync abort',
        `a bare relay on Node (${abort.relayMs.toFixed(2)} ms)`,
        `+${more.toFixed(2)} ms (${least.toFixed(2)} to ${most.toFixed(2)})`,
        '',
        '',
      ]);
    }
    const own = median - abort.emptyMs;
    rows.push([
      'sync abort, beyond a raw cancel',
      `an empty request (server.info, ${abort.emptyMs.toFixed(2)} ms)`,
      `${own < 0 ? '' : '+'}${own.toFixed(2)} ms`,
      '<= +0.3 ms',
      verdict(own <= 0.3),
    ]);
  }
  if (growth) {
    rows.push([
      'rate at 10,000 subscribers',
      'at 100',
      times(growth.linear),
      'linear',
      verdict(growth.linear.median >= 0.67),
    ]);
    rows.push(['rate at 10,000 subscribers', 'at 100, bare Node', times(growth.linearNode), '', '']);
    rows.push([
      'leave and join beside 10,000',
      'beside 100',
      times(growth.joinRatio),
      'O(1)',
      verdict(growth.joinRatio.median <= 1.5),
    ]);
  }
  if (compression)
    for (const [events, { bytes, fewerBytes, perCpuSecond, rate }] of Object.entries(compression)) {
      const name = `compressed, ${events === '1' ? 'single events' : `bursts of ${events}`}, 500 subscribers`;
      const [plain, deflated] = [bytes.plain.median, bytes.deflated.median].map((each) => Math.round(each));
      const each = Math.round(perCpuSecond.plain.median).toLocaleString('en');
      rows.push([name, `bytes a delivery: ${deflated}, plain ${plain}`, `${times(fewerBytes)} fewer`, '', '']);
      const least = events === '8' ? 1 : undefined;
      rows.push([
        name,
        `deliveries a CPU second, plain (${each})`,
        times(rate),
        least ? `>= ${least}x` : '',
        least ? verdict(rate.median >= least) : '',
      ]);
    }
  for (const [what, { memory, onDisk, ratio }] of Object.entries(disk ?? {})) {
    const rate = ({ median, low, high }) => [median, low, high].map((each) => Math.round(each).toLocaleString('en'));
    const [least, most] = rate(memory).slice(1);
    rows.push([
      `log on disk: ${what}`,
      `a CPU second, in memory (${rate(memory)[0]}; ${least} to ${most})`,
      `${times(ratio)}: ${rate(onDisk)[0]}`,
      '',
      '',
    ]);
  }
  for (const [what, { p50, p99, most }] of Object.entries(tail ?? {})) {
    const of = ({ median, high }) => `${median.toFixed(1)} ms (to ${high.toFixed(1)})`;
    rows.push([
      `an event to one of 200 subscribers: ${what}`,
      `p50 ${of(p50)}, p99 ${of(p99)}`,
      `most ${of(most)}`,
      '',
      '',
    ]);
  }
  return rows;
}

const HEAD = ['figure', 'against', 'gateway, median (range)', 'target', ''];

export function markdown(rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(HEAD), line(HEAD.map(() => '---')), ...rows.map(line)].join('\n');
}

export function table(rows) {
  const all = [HEAD, ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
