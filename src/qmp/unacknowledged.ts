// Bytes that a TCP peer's host has not acknowledged. The kernel of a stopped QEMU goes on acknowledging; a host that is cut off does not, and TCP
// itself takes 15 minutes to give up.
import { readFile } from 'node:fs/promises';
import { isIPv4, type Socket } from 'node:net';

/** @returns `undefined` where the system does not say (anything but Linux) or has no such connection any more. Never rejects. */
export async function unacknowledged(socket: Socket): Promise<number | undefined> {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (!localAddress || !localPort || !remoteAddress || !remotePort) return undefined;
  const ends = `${formatEnd(localAddress, localPort)} ${formatEnd(remoteAddress, remotePort)} `;
  const table = isIPv4(localAddress) ? '/proc/net/tcp' : '/proc/net/tcp6';
  const text = await readFile(table, 'utf8').catch(() => '');
  return readQueue(text, ends);
}

/** `tx_queue` of a row of /proc/net/tcp (proc(5)), in hexadecimal: what is written and not acknowledged. */
export function readQueue(table: string, ends: string): number | undefined {
  const row = table.split('\n').find((line) => line.includes(` ${ends}`));
  const queue = row && /^\s*\d+: \S+ \S+ \S+ ([0-9A-F]+):/.exec(row)?.[1];
  return queue === undefined ? undefined : Number.parseInt(queue, 16);
}

/** An address as that table has it: words of four bytes, each in the byte order of the host (little-endian on all that Node runs on here). */
export function formatEnd(address: string, port: number): string {
  const bytes = isIPv4(address) ? address.split('.').map(Number) : bytesOfIPv6(address);
  let text = '';
  for (let word = 0; word < bytes.length; word += 4)
    for (let at = word + 3; at >= word; at--) text += (bytes[at] ?? 0).toString(16).padStart(2, '0');
  return `${text}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

function bytesOfIPv6(address: string): number[] {
  const [bare = ''] = address.split('%');
  // The last group may be an IPv4 address.
  const text = bare.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((each) => each.toString(16)).join(':'),
  );
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((each) => Number.parseInt(each, 16));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}
