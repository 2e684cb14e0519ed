// Whose messages are compressed (permessage-deflate, RFC 7692). In: the setting, the peer's address, its offer. Out: the offer that is
// taken, or none. Pure; an offer that can't be met is declined, never an error: that connection is served uncompressed.
import { isLoopbackName } from './origin-policy.js';

export const COMPRESSION = ['auto', 'on', 'off'] as const;

/** `auto`: any client that offers it, but loopback peers, whose bytes cost less than deflating them. `on`: these too (a TLS proxy on this host). */
export type Compression = (typeof COMPRESSION)[number];

/** A window below zlib's own would need bytes of its own, so such an offer is declined. What a client says of its own messages binds nobody. */
const ACCEPTABLE =
  /^(?:(?:server|client)_no_context_takeover|client_max_window_bits(?:=(?:[89]|1[0-5]))?|server_max_window_bits=15)$/;
const FULL_WINDOW = 'server_max_window_bits=15';

/**
 * @param address of the peer, as its socket says.
 * @param offered the header Sec-WebSocket-Extensions.
 * @returns the first acceptable offer of permessage-deflate, without what needs no answer.
 */
export function acceptOffer(
  setting: Compression,
  address: string | undefined,
  offered: string | undefined,
): string | undefined {
  if (setting === 'off' || offered === undefined) return undefined;
  if (setting !== 'on' && isLoopbackAddress(address)) return undefined;
  // A quoted value may have commas and semicolons; none that is acceptable needs quotes.
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

/** An unknown address is that of a peer that has gone. */
function isLoopbackAddress(address: string | undefined): boolean {
  return address === undefined || isLoopbackName(address.replace(/^::ffff:/i, ''));
}
