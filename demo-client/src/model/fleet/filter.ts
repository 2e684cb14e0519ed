// Which rows of the table of jobs match the typed words. Pure.
import type { Row } from './rows.js';

/** All words must match; `source:`, `job:`, `type:` and `is:` search one field, a bare word all of them. */
export function matcher(text: string): (row: Row) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  const tests = words.map((word) => {
    const [, field, value = ''] = /^(source|job|type|is):(.*)$/.exec(word) ?? [];
    const has = (hay: string | null | undefined, needle: string): boolean => (hay ?? '').toLowerCase().includes(needle);
    const isState = (row: Row, needle: string): boolean =>
      has(row.state, needle) || has(row.attention?.label, needle) || has(row.attention?.mark, needle);
    switch (field as 'source' | 'job' | 'type' | 'is' | undefined) {
      case 'source':
        return (row: Row) => has(row.source, value);
      case 'job':
        return (row: Row) => has(row.job, value);
      case 'type':
        return (row: Row) => has(row.type, value);
      case 'is':
        return (row: Row) =>
          isState(row, value) ||
          (value === 'attention' && row.attention !== undefined) ||
          (value === 'needs-you' && (row.attention?.mark === 'error' || row.attention?.mark === 'pending'));
      default:
        return (row: Row) => has(row.source, word) || has(row.job, word) || has(row.type, word) || isState(row, word);
    }
  });
  // A row never changes, so it is judged once.
  const judged = new WeakMap<Row, boolean>();
  return (row) => {
    let matches = judged.get(row);
    if (matches === undefined) {
      matches = tests.every((test) => test(row));
      judged.set(row, matches);
    }
    return matches;
  };
}
