// How long anything stood still at each kind of fault: the clients, and each source in the stream. Pure.
import { type ClusterRecord, FAULTS, type FaultKind, type FaultRecord, type Span } from './record.js';

/** Milliseconds after a fault within which a silence that begins counts as its consequence. */
const AFTER_MS = 3_000;
/** Milliseconds without a message of a source that count as a pause. */
const PAUSE_MS = 250;

interface Figures {
  count: number;
  p50: number;
  max: number;
}

export interface Pauses {
  kind: FaultKind;
  faults: number;
  /** Longest silence of each client that had one. */
  clients: Figures;
  /** Longest pause of each source in the stream that had one. */
  sources: Figures;
  /** From the fault to the first message of another owner, for each source whose owner it concerned. */
  takeovers: Figures;
}

export function pausesOf({ faults, clients, streams }: ClusterRecord): Pauses[] {
  const pauses = new Map<string, Span[]>();
  const owners = new Map<string, { at: number; owner: string }[]>();
  const lasts = new Map<string, number>();
  for (const { messages } of streams)
    for (const { source, at, owner } of messages) {
      const last = lasts.get(source);
      if (last !== undefined && at - last > PAUSE_MS) push(pauses, source, { from: last, to: at });
      lasts.set(source, at);
      if (owners.get(source)?.at(-1)?.owner !== owner) push(owners, source, { at, owner });
    }
  return FAULTS.flatMap((kind) => {
    const mine = faults.filter((fault) => fault.kind === kind);
    if (mine.length === 0) return [];
    const longest = (spans: readonly Span[]): number =>
      Math.max(0, ...spans.filter((span) => causeOf(span, faults)?.kind === kind).map(({ from, to }) => to - from));
    const takeovers = mine.flatMap((fault) =>
      [...owners.values()].flatMap((list) => {
        const index = list.findLastIndex(({ at }) => at <= fault.from);
        const next = list[index + 1];
        return list[index]?.owner === fault.target && next && next.at < fault.to + 10_000 ? [next.at - fault.from] : [];
      }),
    );
    return {
      ...{ kind, faults: mine.length },
      clients: figuresOf(clients.map(({ silences }) => longest(silences))),
      sources: figuresOf([...pauses.values()].map(longest)),
      takeovers: figuresOf(takeovers),
    };
  });
}

/** The pauses of sources that lasted so many milliseconds or longer, with who wrote before and after. */
export function longSilences({ streams }: ClusterRecord, ms: number): (Span & { source: string; owners: string })[] {
  const lasts = new Map<string, { at: number; owner: string }>();
  return streams.flatMap(({ messages }) =>
    messages.flatMap(({ source, at, owner }) => {
      const last = lasts.get(source);
      lasts.set(source, { at, owner });
      return last && at - last.at >= ms
        ? [{ source, from: last.at, to: at, owners: `${last.owner}, then ${owner}` }]
        : [];
    }),
  );
}

/** The fault that began nearest to it. */
function causeOf(span: Span, faults: readonly FaultRecord[]): FaultRecord | undefined {
  const distance = (fault: Span): number => Math.abs(fault.from - span.from);
  return faults
    .filter((fault) => span.to > fault.from && span.from < fault.to + AFTER_MS)
    .reduce<FaultRecord | undefined>(
      (best, each) => (best && distance(best) <= distance(each) ? best : each),
      undefined,
    );
}

function push<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function figuresOf(all: readonly number[]): Figures {
  const sorted = all.filter((each) => each > 0).sort((a, b) => a - b);
  return { count: sorted.length, p50: sorted[sorted.length >> 1] ?? 0, max: sorted.at(-1) ?? 0 };
}
