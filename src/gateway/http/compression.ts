// Which clients get compressed messages (permessage-deflate, RFC 7692), by the setting, the peer's address and its offer. Pure. An offer that can't
// be met is declined, never an error: that connection is served uncompressed.
import { isLoopbackName } from './origin-policy.js';

export const COMPRESSION = ['auto', 'on', 'off'] as const;

/**
 * `auto`: clients that offer it, except loopback peers, where sending the bytes costs less than deflating them. `on`: these too (for a TLS proxy on
 * this host).
 */
export type Compression = (typeof COMPRESSION)[number];

/**
 * A smaller window than zlib's own would need a compression of its own, so such an offer is declined. Limits on the client's own messages have no
 * effect here.
 */
const ACCEPTABLE =
  /^(?:(?:server|client)_no_context_takeover|client_max_window_bits(?:=(?:[89]|1[0-5]))?|server_max_window_bits=15)$/;
const FULL_WINDOW = 'server_max_window_bits=15';

/**
 * @param address of the peer, as its socket reports it.
 * @param offered the header Sec-WebSocket-Extensions.
 * @returns the first acceptable offer of permessage-deflate, without parameters that need no answer.
 */
export function acceptOffer(
  setting: Compression,
  address: string | undefined,
  offered: string | undefined,
): string | undefined {
  if (setting === 'off' || offered === undefined) return undefined;
  if (setting !== 'on' && isLoopbackAddress(address)) return undefined;
  // A quoted value may contain commas and semicolons, but no acceptable parameter needs quotes.
  if (offered.includes('"')) return undefined;
  for (const offer of offered.split(',')) {
    const [name, ...parameters] = offer.split(';').map((part) => part.trim());
    if (name !== 'permessage-deflate' || !parameters.every((each) => ACCEPTABLE.test(each))) continue;
    const names = new Set(parameters.map((each) => each.split('=', 1)[0]));
    if (names.size < parameters.length) continue;
    return parameters.includes(FULL_WINDOW) ? `${name}; ${FULL_WINDOW}` : name;
  }
  return undefined;
}

/** The address is unknown when the peer has already gone. */
function isLoopbackAddress(address: string | undefined): boolean {
  return address === undefined || isLoopbackName(address.replace(/^::ffff:/i, ''));
}
