// Which addresses a webhook may reach: those of the public internet, unless its settings allow others. A URL in a file of settings must not open
// what only this host reaches, such as the metadata service of a cloud (169.254.169.254).
import { BlockList, isIP } from 'node:net';

/** Networks that are not public, from the registries of special-purpose addresses (RFC 6890 and its updates). */
const IPV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
];
/** Beside loopback, link-local, ULA and multicast: those that contain an IPv4 address (NAT64, Teredo, 6to4), which may be a private one. */
const IPV6 = [
  ...[
    '::/96',
    '::ffff:0:0:0/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
    '3fff::/20',
  ],
  ...['5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];

const closed = new BlockList();
for (const [networks, family] of [
  [IPV4, 'ipv4'],
  [IPV6, 'ipv6'],
] as const)
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    closed.addSubnet(address, Number(prefix), family);
  }

/** Of an IPv4 address in an IPv6 form (`::ffff:127.0.0.1`) it is asked whether that is public. */
export function isPublic(address: string): boolean {
  const [bare = ''] = address.split('%');
  const family = isIP(bare);
  return family !== 0 && !closed.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** The address that a URL names; `undefined`: it has a name. */
export function addressOf(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? undefined : host;
}
