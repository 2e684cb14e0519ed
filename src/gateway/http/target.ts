// The target of an HTTP request from its head: the path and the names of the gateway, or why the request is refused.
import type { IncomingMessage } from 'node:http';
import { type GuardOptions, judgeHost, judgeOrigin } from './origin-policy.js';

export interface Target {
  /** Without query, and without a slash at the end if the path is one of the gateway's own. */
  path: string;
  /** The path for the dashboard's files. */
  url: string;
  /** The host of the absolute form, which replaces the Host header (RFC 9112, 3.2.2). */
  authority: string | undefined;
}

export interface Refused {
  status: 400 | 403;
  why: string;
}

const OWN = ['/healthz', '/readyz', '/metrics', '/v1', '/v1/rpc', '/v1/events'] as const;

/** Never throws; `undefined`: the target is malformed. */
export function readTarget(url = '/'): Target | undefined {
  const absolute = /^https?:\/\//i.test(url);
  if (!absolute && !url.startsWith('/')) return undefined;
  if (absolute && !URL.canParse(url)) return undefined;
  const parsed = absolute ? new URL(url) : undefined;
  if (parsed && (parsed.username !== '' || parsed.password !== '')) return undefined;
  const local = parsed ? parsed.pathname + parsed.search : url;
  const [path = '/'] = local.split(/[?#]/, 1);
  const own = OWN.find((each) => path === each || path === `${each}/`);
  return { path: own ?? path, url: local, authority: parsed?.host };
}

/** Headers of which a second one would be read by nobody, or differently by a proxy. */
const SINGLE = ['host', 'origin', 'authorization', 'content-type', 'sec-websocket-key', 'sec-websocket-version'];

/** `undefined`: none of them is there twice. */
export function judgeHead({ rawHeaders }: IncomingMessage): Refused | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (!SINGLE.includes(name)) continue;
    if (seen.has(name)) return { status: 400, why: `the header ${name} is given twice` };
    seen.add(name);
  }
  return undefined;
}

/** The host that the request addresses, and the page that sends it. */
export function judgeNames(
  { headers }: IncomingMessage,
  { authority }: Target,
  guard: GuardOptions,
): Refused | undefined {
  const { host, origin } = headers;
  const verdicts = [judgeHost(host, guard), judgeOrigin(origin, authority ?? host, guard)];
  if (authority !== undefined) verdicts.push(judgeHost(authority, guard));
  const refused = verdicts.find((each) => !each.ok);
  return refused && !refused.ok ? { status: 403, why: refused.why } : undefined;
}
