// Globs: `*` and `?` only, whole string, case-sensitive. Two pointers and one backtrack point, so that no pattern is slow:
// at most length(pattern) x length(text) steps (a regular expression of many `*` is exponential).

export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    const char = pattern[p];
    if (char === '*') {
      star = p++;
      mark = t;
    } else if (char === '?' || (char !== undefined && char === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** A predicate for "any of these"; nothing given matches everything. */
export function compileGlobs(patterns: readonly string[] | undefined): (text: string) => boolean {
  if (!patterns || patterns.includes('*')) return () => true;
  const exact = new Set(patterns.filter((pattern) => !/[*?]/.test(pattern)));
  const wild = patterns.filter((pattern) => !exact.has(pattern));
  if (wild.length === 0) return (text) => exact.has(text);
  return (text) => exact.has(text) || wild.some((pattern) => matchesGlob(pattern, text));
}
