// What the monitors raised against what the stream has: each event once, in order, and what lacks is explained by a time in which nobody listened.
import type { LogEntry } from './log.js';
import { isBlind } from './log.js';
import type { MonitorRecord, StreamMessage, StreamRecord, Violation } from './record.js';

/** Where in the streams a raised event is. */
export interface Place {
  index: number;
  entry: LogEntry;
}

type Item = { kind: 'blind' } | { kind: 'entry'; entry: LogEntry; where: string };

export function checkMonitor(
  monitor: MonitorRecord,
  streams: readonly StreamRecord[],
): { violations: Violation[]; places: Place[] } {
  const violations: Violation[] = [];
  const places: Place[] = [];
  const { source, raised } = monitor;
  const wrong = (where: string, what: string): void =>
    void violations.push({ rule: 'monitor', who: `${source} ${where}`, what });
  const indexes = new Map<number, number[]>();
  for (const [index, { token }] of raised.entries()) {
    const list = indexes.get(token);
    if (list) list.push(index);
    else indexes.set(token, [index]);
  }
  let last = -1;
  let blind = true;
  for (const item of itemsOf(source, streams)) {
    if (item.kind === 'blind') {
      blind = true;
      continue;
    }
    const { entry, where } = item;
    if (isBlind(entry.type)) blind = true;
    if (entry.internal || entry.type.startsWith('GATEWAY_')) continue;
    const candidates = indexes.get(entry.token);
    const index = candidates?.find((each) => each > last);
    if (index === undefined) {
      wrong(where, `${entry.type} ${candidates ? 'is there twice, or out of order' : 'was never raised'}`);
      continue;
    }
    const lacks = raised.slice(last + 1, index).filter(({ delivered }) => delivered).length;
    if (lacks > 0 && !blind) wrong(where, `lacks ${lacks} events that were raised before ${entry.type}`);
    places.push({ index, entry });
    last = index;
    blind = false;
  }
  const rest = raised.slice(last + 1).filter(({ delivered }) => delivered);
  const [first] = rest;
  if (first) wrong('at the end', `lacks the last ${rest.length} events: ${first.job ?? 'no job'} ${first.what ?? ''}`);
  return { violations, places };
}

/** The entries of a source, and the changes of its owner. */
function* itemsOf(source: string, streams: readonly StreamRecord[]): Generator<Item> {
  for (const { epoch, messages } of streams) {
    let owner: string | undefined;
    for (const message of messages as readonly StreamMessage[]) {
      if (message.source !== source) continue;
      // One that was started again has the name that it had: its GATEWAY_SOURCE_UP says that it was blind.
      if (message.owner !== owner) yield { kind: 'blind' };
      owner = message.owner;
      for (const entry of message.entries)
        yield { kind: 'entry', entry: { ...entry, source }, where: `${epoch}:${entry.offset}` };
    }
  }
}
