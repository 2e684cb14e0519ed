// What a request says of its client: how it is connected, and what it presents to be known by. Pure.
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate, Credentials, Transport } from '../../access/index.js';

/** Which peers are proxies whose headers are believed. */
export interface ProxyTrust {
  /** Every peer of a unix listener is one. */
  readonly unix: boolean;
  /** As configured. */
  readonly peers: readonly string[];
  readonly trusts: (address: string) => boolean;
}

export type ParsedTrust = { ok: true; trust: ProxyTrust } | { ok: false; problems: string[] };

/** @param peers `unix`, IP addresses, and ranges as `10.0.0.0/8`. Never throws. */
export function parseTrust(peers: readonly string[]): ParsedTrust {
  const list = new BlockList();
  const problems: string[] = [];
  for (const peer of peers) {
    if (peer === 'unix') continue;
    const [address = '', bits, ...more] = peer.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const isRange = bits !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 'ipv6' ? 128 : 32);
    if (isIP(address) === 0 || more.length > 0 || (bits !== undefined && !isRange))
      problems.push(`${peer}: expected unix, an address, or a range as 10.0.0.0/8`);
    else if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  if (problems.length > 0) return { ok: false, problems };
  const trusts = (address: string): boolean => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  return { ok: true, trust: { unix: peers.includes('unix'), peers, trusts } };
}

export const NO_PROXY: ProxyTrust = { unix: false, peers: [], trusts: () => false };

export function transportOf(
  { headers, socket }: IncomingMessage,
  kind: Transport['kind'],
  listener: Transport['listener'],
  trust: ProxyTrust,
): Transport {
  const address = socket.remoteAddress && unmapped(socket.remoteAddress);
  const proxied = listener === 'unix' ? trust.unix : address !== undefined && trust.trusts(address);
  if (!proxied) return { kind, listener, proxied, address };
  const forwarded = headers['x-forwarded-for'];
  return { kind, listener, proxied, address: forwardedAddress([forwarded ?? ''].flat().join(','), trust) ?? address };
}

/**
 * The client of a chain of proxies. Each appends the address of its peer to X-Forwarded-For, so the last one that is not a trusted proxy's was written by a
 * trusted proxy; what stands before it the client may have made up.
 */
function forwardedAddress(header: string, { trusts }: ProxyTrust): string | undefined {
  let client: string | undefined;
  for (const hop of header.split(',').reverse()) {
    const address = unmapped(bare(hop.trim()));
    if (isIP(address) === 0) return client;
    client = address;
    if (!trusts(address)) return client;
  }
  return client;
}

/** Without a port, and without the brackets of an IPv6 address. */
function bare(hop: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}

/** A socket that listens for both families reports an IPv4 peer as ::ffff:1.2.3.4. */
const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

export function credentialsOf(request: IncomingMessage): Credentials {
  return { token: bearerOf(request), headers: request.rawHeaders, certificate: certificateOf(request.socket) };
}

/** The token in the headers, if there is one (RFC 6750, 2.1). */
function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^bearer +([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
}

/** `undefined`: none, or one that no trusted authority has signed. */
export function certificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (!certificate?.subject) return undefined;
  const { subject, validTo, fingerprint256: fingerprint } = certificate;
  return { subject: subject.split('\n').flatMap(attributesOf).join(','), expiresAt: Date.parse(validTo), fingerprint };
}

/**
 * A line is one name, or several with ` + ` between them. In values OpenSSL escapes more than is needed here: a comma must not look like the begin of
 * another attribute (RFC 4514, 2.4), and control characters are in hex.
 */
const attributesOf = (line: string): string[] =>
  line
    .split(' + ')
    .map((name) => name.replace(/\\([0-9A-F]{2}|.)/g, (all, char) => (/^([\\,]|..)$/.test(char) ? all : char)));
