// Which items of the feed are shown. In: what is typed. Out: a test. Words are ANDed; gaps always pass: they are never hidden.
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
