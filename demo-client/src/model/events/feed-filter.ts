// Which items of the feed match the typed words, all of which must match. Gaps always do. Pure.
import type { Entry } from 'qmp-gateway/protocol';

type Item = { kind: 'entry'; entry: Entry } | { kind: 'gap' };

export function feedMatcher(text: string): (item: Item) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  return (item) => {
    if (item.kind === 'gap') return true;
    const { source, type, job, data } = item.entry;
    const hay = `${source} ${type} ${job?.id ?? ''} ${JSON.stringify(data)}`.toLowerCase();
    return words.every((word) => hay.includes(word));
  };
}
