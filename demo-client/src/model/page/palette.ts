// What the palette finds for the typed text: actions, jobs, sources. Pure.
import type { JobTable } from 'qmp-gateway/client';
import { type ActionId, BINDINGS } from './keys.js';

export type Found =
  | { kind: 'action'; id: ActionId; label: string; hint: string }
  | { kind: 'job'; source: string; job: string; run: string; label: string; hint: string }
  | { kind: 'source'; source: string; label: string; hint: string };

const MAX = 12;

/** All words must be in it; 0 where the text begins with the first of them, else 1. `undefined`: they are not. */
function rank(text: string, words: readonly string[]): number | undefined {
  const low = text.toLowerCase();
  if (!words.every((word) => low.includes(word))) return undefined;
  return low.startsWith(words[0] ?? '') ? 0 : 1;
}

/** @param offered actions that can be done now. At most 12, best first; actions before jobs and sources of the same rank. */
export function findAll(text: string, offered: readonly ActionId[], table: JobTable | undefined): Found[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found: { rank: number; what: Found }[] = [];
  const add = (haystack: string, what: () => Found): void => {
    const place = rank(haystack, words);
    if (place !== undefined) found.push({ rank: place, what: what() });
  };
  for (const id of offered) {
    const { label, room } = BINDINGS[id];
    if (id !== 'palette') add(`${label} ${room}`, () => ({ kind: 'action', id, label, hint: room }));
  }
  if (words.length > 0 && table) {
    for (const source of table.sources.keys())
      add(source, () => ({ kind: 'source', source, label: source, hint: 'Source' }));
    for (const { source, job, run } of [...table.jobs.values(), ...table.settled.values()])
      add(`${job} ${source}`, () => ({ kind: 'job', source, job, run, label: job, hint: source }));
  }
  return found
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MAX)
    .map(({ what }) => what);
}
