// Globs: `*` and `?` only, whole string, case-sensitive. The cost of a match is bounded: for one pattern and one text, length(text) + length(pattern)
// x length(text) / 31 steps (a backtracking matcher takes length x length).

/** A predicate for "matches any of these"; without globs it matches everything. */
export function compileGlobs(patterns: readonly string[] | undefined): (text: string) => boolean {
  if (!patterns || patterns.includes('*')) return () => true;
  const exact = new Set(patterns.filter((pattern) => !isWild(pattern)));
  const wild = patterns.filter(isWild).map(compileGlob);
  if (wild.length === 0) return (text) => exact.has(text);
  return (text) => exact.has(text) || wild.some((matches) => matches(text));
}

export const isWild = (pattern: string): boolean => /[*?]/.test(pattern);

/**
 * The parts between stars. The first must be at the beginning of the text, the last at the end, and each other one as early as possible after the one
 * before it.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return (text) => text.length === first.length && fitsAt(first, text, 0);
  const parts = rest.filter((part) => part !== '');
  const least = parts.reduce((sum, part) => sum + part.length, first.length + last.length);
  return (text) => {
    const end = text.length - last.length;
    if (text.length < least || !fitsAt(first, text, 0) || !fitsAt(last, text, end)) return false;
    let from = first.length;
    for (const part of parts) {
      const at = part.includes('?') ? search(part, text, from) : text.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return from <= end;
  };
}

function fitsAt(part: string, text: string, at: number): boolean {
  if (!part.includes('?')) return text.startsWith(part, at);
  for (let n = 0; n < part.length; n++) {
    const char = part.charCodeAt(n);
    if (char !== QUESTION_MARK && char !== text.charCodeAt(at + n)) return false;
  }
  return true;
}

const QUESTION_MARK = 63;
/** Positions of the text that one integer holds. */
const WIDTH = 31;

/**
 * The first position of the part, from a given one on; -1 if there is none. Bit n of a word is a position in the text: the part may begin where its
 * k-th character is k positions further, for every k (Shift-And, for all positions of a word at once).
 */
function search(part: string, text: string, from: number): number {
  const places = placesOf(text);
  for (let base = from; base + part.length <= text.length; base += WIDTH) {
    let begins = 0x7fffffff;
    for (let k = 0; k < part.length && begins !== 0; k++) {
      const char = part.charCodeAt(k);
      if (char !== QUESTION_MARK) begins &= wordAt(places.get(char), base + k);
    }
    if (begins === 0) continue;
    const at = base + 31 - Math.clz32(begins & -begins);
    return at + part.length <= text.length ? at : -1;
  }
  return -1;
}

/** 31 positions from `at` on, taken from words of 31. */
function wordAt(words: Int32Array | undefined, at: number): number {
  if (!words) return 0;
  const word = Math.floor(at / WIDTH);
  const shift = at % WIDTH;
  const low = (words[word] ?? 0) >>> shift;
  return shift === 0 ? low : (low | ((words[word + 1] ?? 0) << (WIDTH - shift))) & 0x7fffffff;
}

let newest: { text: string; places: Map<number, Int32Array> } | undefined;

/** The positions of each character in the text. Those of the last text are cached, as many patterns in a row are matched against it. */
function placesOf(text: string): Map<number, Int32Array> {
  if (newest?.text === text) return newest.places;
  const places = new Map<number, Int32Array>();
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    let words = places.get(char);
    if (!words) {
      words = new Int32Array(Math.ceil(text.length / WIDTH));
      places.set(char, words);
    }
    const word = Math.floor(at / WIDTH);
    words[word] = (words[word] ?? 0) | (1 << (at % WIDTH));
  }
  newest = { text, places };
  return places;
}
