// What a run says at its end.
import { longSilences, pausesOf } from './pauses.js';
import type { ClusterRecord, Violation } from './record.js';

/** Violations of one rule that are printed. */
const SHOWN = 12;
/** Milliseconds without a message of a source that are told one by one. */
const LONG_MS = 30_000;

const timeOf = (at: number): string => new Date(at).toISOString().slice(11, 19);

export function printVerdict(record: ClusterRecord, violations: readonly Violation[], seed: number): void {
  const messages = record.streams.flatMap((stream) => stream.messages);
  const entries = messages.reduce((sum, each) => sum + each.entries.length, 0);
  const delivered = record.clients.reduce((sum, { given }) => sum + given.events, 0);
  const raised = record.monitors.reduce((sum, each) => sum + each.raised.length, 0);
  console.log(`${raised} events raised, ${entries} entries in ${messages.length} messages, ${delivered} delivered`);
  const answers = new Map<string, number>();
  for (const { answer } of record.calls) {
    const name =
      answer.kind === 'error' ? answer.reason : answer.kind === 'result' ? String(answer.result.status) : 'none';
    answers.set(name, (answers.get(name) ?? 0) + 1);
  }
  console.log(`${record.calls.length} aborts: ${[...answers].map(([name, count]) => `${count} ${name}`).join(', ')}`);
  const kept = record.calls.filter(({ cut }) => !cut);
  const slowest = Math.max(0, ...kept.map(({ tookMs, timeoutMs }) => tookMs - timeoutMs));
  console.log(`on connections that stayed, the latest answer came ${Math.round(slowest)} ms after its bound`);
  console.log('pauses in ms, median and longest: clients, sources in the stream, until another owner wrote');
  for (const { kind, faults, clients, sources, takeovers } of pausesOf(record)) {
    const figures = [clients, sources, takeovers].map(({ count, p50, max }) => `${p50} ${max} (${count})`.padStart(20));
    console.log(`${kind.padEnd(14)} ${String(faults).padStart(3)} times ${figures.join(' ')}`);
  }
  for (const { source, from, to, owners } of longSilences(record, LONG_MS))
    console.log(`${source} was silent from ${timeOf(from)} to ${timeOf(to)}: ${owners}`);
  const counts = new Map<string, number>();
  for (const { rule, who, what } of violations) {
    const count = (counts.get(rule) ?? 0) + 1;
    counts.set(rule, count);
    if (count <= SHOWN) console.log(`VIOLATION ${rule} ${who}: ${what}`);
  }
  const summary = [...counts].map(([rule, count]) => `${count} ${rule}`).join(', ');
  console.log(`${violations.length} violations (seed ${seed})${summary && `: ${summary}`}`);
}
