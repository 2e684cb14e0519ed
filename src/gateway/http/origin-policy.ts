// Which web pages may use the gateway: any page can open a WebSocket to localhost, so the Host and Origin headers are checked. Pure. A header that
// can't be parsed is refused.

export interface GuardOptions {
  /** Host names (`gateway.example`, or with a port) in addition to loopback ones. */
  allowHosts: readonly string[];
  /** Origins (`https://dash.example`) in addition to that of the Host. */
  allowOrigins: readonly string[];
}

export type Verdict = { ok: true } | { ok: false; why: string };

/** @param scheme `http:` or `https:`, whose default port may be present or absent. */
function parseHost(host: string, scheme = 'http:'): URL | undefined {
  // A Host has no path, user or space; the URL parser would accept these.
  if (!/^[A-Za-z0-9.\-_[\]:]+$/.test(host)) return undefined;
  return tryUrl(`${scheme}//${host}`);
}

function tryUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

export function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

export function judgeHost(host: string | undefined, { allowHosts }: GuardOptions): Verdict {
  const url = host === undefined ? undefined : parseHost(host);
  if (!url) return { ok: false, why: 'the Host header is missing or malformed' };
  if (isLoopbackName(url.hostname)) return { ok: true };
  const allowed = allowHosts.some((each) => each === host || each === url.hostname);
  return allowed ? { ok: true } : { ok: false, why: `Host ${host} is not allowed (--allow-host adds to loopback)` };
}

/** A request without an Origin does not come from a web page. */
export function judgeOrigin(
  origin: string | undefined,
  host: string | undefined,
  { allowOrigins }: GuardOptions,
): Verdict {
  if (origin === undefined) return { ok: true };
  if (allowOrigins.includes(origin) && origin !== 'null') return { ok: true };
  const refused: Verdict = {
    ok: false,
    why: `Origin ${origin.slice(0, 200)} is not allowed (--allow-origin adds to the gateway's own)`,
  };
  const from = tryUrl(origin);
  if (!from || !/^https?:$/.test(from.protocol) || from.origin !== origin) return refused;
  // A TLS proxy forwards the Host of an https page.
  const to = host === undefined ? undefined : parseHost(host, from.protocol);
  if (!to) return refused;
  return from.host === to.host ? { ok: true } : refused;
}
