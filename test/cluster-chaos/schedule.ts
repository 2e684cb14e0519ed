// The faults of a run, from its seed: what, to whom, when and for how long.
import { dice } from '../chaos/dice.js';
import type { FaultKind } from './record.js';

export interface Fault {
  /** Milliseconds since the beginning. */
  atMs: number;
  kind: FaultKind;
  /** Number of the owner or edge; which node leads is known only then. */
  target: number;
  /** Milliseconds until it is over: the process is started again, the line is healed. */
  forMs: number;
  /** Of a line: its connections end, or nothing passes and nobody is told. */
  how: 'cut' | 'frozen';
}

export interface Plan {
  seed: number;
  durationMs: number;
  /** Of each kind. */
  kills: number;
  owners: number;
  edges: number;
  /** Only these kinds. */
  only?: readonly string[] | undefined;
  /** How often the stream is deleted. */
  deletions: number;
}

/** Before the first fault, so that everybody is there, and after the last. */
const CALM = 0.06;
const KINDS = ['leader-kill', 'owner-kill', 'edge-kill', 'owner-term', 'owner-cut', 'edge-cut'] as const;
const FOR_MS: Record<FaultKind, readonly [number, number]> = {
  'leader-kill': [1_000, 6_000],
  'owner-kill': [200, 6_000],
  'edge-kill': [200, 4_000],
  'owner-term': [200, 3_000],
  'owner-cut': [500, 10_000],
  'edge-cut': [500, 8_000],
  'stream-delete': [0, 0],
};

export function schedule({ seed, durationMs, kills, owners, edges, deletions, only = KINDS }: Plan): Fault[] {
  const throws = dice(seed, 'faults');
  const kinds: FaultKind[] = [];
  for (let n = 0; n < kills; n += 1) kinds.push(...KINDS.filter((kind) => only.includes(kind)));
  for (let n = 0; n < deletions; n += 1) kinds.push('stream-delete');
  for (let at = kinds.length - 1; at > 0; at -= 1) {
    const other = throws.between(0, at);
    [kinds[at], kinds[other]] = [kinds[other] as FaultKind, kinds[at] as FaultKind];
  }
  const step = (durationMs * (1 - 2 * CALM)) / Math.max(1, kinds.length);
  return kinds.map((kind, n) => ({
    atMs: Math.round(durationMs * CALM + step * (n + throws.roll() * 0.8)),
    kind,
    target: throws.between(0, (kind.startsWith('owner') ? owners : edges) - 1),
    forMs: throws.between(...FOR_MS[kind]),
    how: throws.chance(0.5) ? ('cut' as const) : ('frozen' as const),
  }));
}
