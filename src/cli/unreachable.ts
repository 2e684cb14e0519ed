// Why no gateway was reached, and what to change, from how the connection failed. Pure.

const HTTP: Readonly<Record<string, string>> = {
  401: 'a proxy before it asks for credentials',
  403: 'refused; the gateway needs --allow-host for the name in this URL, or a proxy forbids it',
  404: 'no gateway at this path; --url is the address of its dashboard',
  429: 'too many connections from here; try again later',
  502: 'the proxy reaches no gateway behind it (is "qmp-gateway serve" running?)',
  503: 'it has too many connections, or the proxy reaches no gateway behind it',
  504: 'the gateway behind the proxy does not answer',
};

/** The first that matches the text of Node or of npm `ws`. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'connection refused (is "qmp-gateway serve" running there?)'],
  [/ENOENT/, 'there is no such socket (is "qmp-gateway serve" running, with that --listen?)'],
  [/EACCES/, 'this user may not open the socket'],
  [/ENOTFOUND|EAI_AGAIN/, 'no such host'],
  [/EHOSTUNREACH|ENETUNREACH/, 'the host cannot be reached'],
  [/ETIMEDOUT|not open after/, 'no answer in time'],
  [/wrong version number|EPROTO|packet length too long/, 'no TLS is spoken there: use http:// or ws://'],
  [/certificate|CERT/i, 'its certificate is not trusted; NODE_EXTRA_CA_CERTS=FILE adds an authority'],
  [/socket hang up|ECONNRESET/, 'it hung up before the handshake: is TLS needed (https://)?'],
];

export function whyUnreachable(url: string, detail: string): string {
  const status = /Unexpected server response: (\d+)/.exec(detail)?.[1];
  if (status !== undefined)
    return `no gateway at ${url}: HTTP ${status}: ${HTTP[status] ?? 'no WebSocket is served there'}`;
  const words = CAUSES.find(([pattern]) => pattern.test(detail))?.[1];
  return `no gateway at ${url}: ${words === undefined ? detail : `${words} [${detail}]`}`;
}
