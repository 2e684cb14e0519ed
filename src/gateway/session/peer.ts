// Groups addresses for limits: the name under which the connections of one address are counted.

/** An IPv4 address; the /64 of an IPv6 address, the smallest range that a customer gets; `local` for a unix socket or a peer that has gone. */
export function peerOf(address: string | undefined): string {
  if (address === undefined || address === '') return 'local';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [bare = ''] = address.split('%', 1);
  const [head = '', tail] = bare.split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  const first = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return bare === '::1' ? bare : `${first.join(':')}::/64`;
}

export function isLocalPeer(peer: string): boolean {
  return peer === 'local' || peer === '::1' || peer.startsWith('127.');
}
