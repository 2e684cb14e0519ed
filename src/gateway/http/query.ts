// The query of a URL as params of a method. Pure.

/** `list`: given several times, or separated by commas; `texts`: given several times. */
export type Kind = 'text' | 'number' | 'boolean' | 'list' | 'texts' | 'interval';

export type ReadQuery = { ok: true; params: Record<string, unknown> } | { ok: false; why: string };

/**
 * The values themselves are judged with the method's params. An unknown name is refused, so that a typo can't silently match more.
 * @param url path and query
 */
export function readQuery(url: string, kinds: Readonly<Record<string, Kind>>): ReadQuery {
  const given = new URLSearchParams(url.split('#', 1)[0]?.split('?').slice(1).join('?'));
  const params: Record<string, unknown> = {};
  for (const name of new Set(given.keys())) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      const known = Object.keys(kinds).join(', ');
      return { ok: false, why: `unknown parameter ${name.slice(0, 64)}; there is ${known === '' ? 'none' : known}` };
    }
    const values = given.getAll(name);
    const isList = kind === 'list' || kind === 'texts';
    if (!isList && values.length > 1) return { ok: false, why: `${name} is given twice` };
    const [first = ''] = values;
    params[name] = isList
      ? values.flatMap((each) => (kind === 'list' ? each.split(',') : [each]))
      : convert(kind, first);
  }
  return { ok: true, params };
}

/** A text that is no value of its kind stays as it is, and is refused with the params. */
function convert(kind: Exclude<Kind, 'list' | 'texts'>, text: string): unknown {
  const isTruth = text === 'true' || text === 'false';
  if (kind === 'boolean' || (kind === 'interval' && isTruth)) return isTruth ? text === 'true' : text;
  if (kind === 'number' || kind === 'interval') return /^\d{1,15}$/.test(text) ? Number(text) : text;
  return text;
}
