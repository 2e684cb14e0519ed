// In: the samples of each section. Out: rows of text, with the median, the least and the most.
import { median } from '../rig.js';

const digits = (value) =>
  value >= 1_000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
const range = (samples, unit = '') =>
  `${digits(median(samples))}${unit} (${digits(Math.min(...samples))} to ${digits(Math.max(...samples))})`;

const SECTIONS = {
  latency: (figures) =>
    Object.entries(figures).flatMap(([shape, rates]) =>
      Object.entries(rates).flatMap(([rate, { p50, p99 }]) => [
        [`event to socket, ${rate} a second`, shape, `p50 ${range(p50)} ms`, `p99 ${range(p99)} ms`],
      ]),
    ),
  fanOut: (figures) =>
    Object.entries(figures).map(([shape, { perCpuSecond, ownerCpu }]) => [
      'deliveries a CPU second',
      shape,
      range(perCpuSecond),
      ownerCpu ? `its owner: ${range(ownerCpu)} µs an event` : '',
    ]),
  append: (figures) =>
    Object.entries(figures).map(([shape, { perSecond, perCpuSecond, entriesAMessage }]) => [
      'entries a second of an owner',
      shape,
      range(perSecond),
      `${range(perCpuSecond)} a CPU second, ${range(entriesAMessage)} a message`,
    ]),
  takeover: (figures) =>
    Object.entries(figures).map(([shape, { first, all }]) => [
      'silence of a source',
      shape,
      `the shortest ${range(first)} ms`,
      `the longest ${range(all)} ms`,
    ]),
  opening: (figures) =>
    Object.entries(figures).map(([shape, { startMs, cpu, memory, windowMs, sourcesMs }]) => [
      'an edge serves after',
      shape,
      `${range(startMs)} ms`,
      `${range(cpu)} s of CPU, ${range(memory)} MiB; window ${range(windowMs)} ms, sources ${range(sourcesMs)} ms`,
    ]),
  edges: (figures) =>
    Object.entries(figures).map(([shape, { ownerPercent, natsPercent, edgePercent, bytesAnEvent, idlePercent }]) => [
      '% of a core, 1,000 events a second',
      shape,
      `owner ${range(ownerPercent)}, NATS ${range(natsPercent)}, each edge ${range(edgePercent)}`,
      `NATS sends ${range(bytesAnEvent)} bytes an event; all idle: ${range(idlePercent)} %`,
    ]),
  idle: (figures) =>
    Object.entries(figures).map(([shape, { natsPercent, ownerPercent, edgePercent, ownerMemory }]) => [
      '% of a core, nothing happens',
      shape,
      `NATS ${range(natsPercent)}, owner ${range(ownerPercent)}, edge ${range(edgePercent)}`,
      `the owner has ${range(ownerMemory)} MiB`,
    ]),
};

export function table(results) {
  const rows = Object.entries(SECTIONS).flatMap(([name, rowsOf]) => (results[name] ? rowsOf(results[name]) : []));
  return [
    '| figure | of | median (least to most) | |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}
