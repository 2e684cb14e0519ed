// A source as it is configured: a monitor's address under the operator's name for it.
import { SOURCE_NAME } from '../protocol/limits.js';
import type { MonitorAddress } from '../qmp/index.js';

export interface Source {
  name: string;
  address: MonitorAddress;
}

export type ParsedSource = { ok: true; source: Source } | { ok: false; error: string };

/** Parses `NAME=unix:/path` or `NAME=tcp:HOST:PORT` (an IPv6 host in brackets). Never throws. */
export function parseSource(text: string): ParsedSource {
  const fail = (why: string): ParsedSource => ({ ok: false, error: `source "${text}": ${why}` });
  const equals = text.indexOf('=');
  if (equals < 0) return fail('expected NAME=unix:/path or NAME=tcp:HOST:PORT');
  const name = text.slice(0, equals);
  const uri = text.slice(equals + 1);
  if (!SOURCE_NAME.test(name)) return fail('a name is 1 to 128 of A-Z a-z 0-9 . _ : @ -');
  if (uri.startsWith('unix:')) {
    const path = uri.slice('unix:'.length);
    if (path === '') return fail('the path is empty');
    // sun_path holds 108 bytes; a longer path would fail with a puzzling EINVAL.
    if (Buffer.byteLength(path) > 107) return fail('a unix socket path is at most 107 bytes');
    return { ok: true, source: { name, address: { kind: 'unix', path } } };
  }
  const tcp = /^tcp:(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(uri);
  if (!tcp) return fail('expected unix:/path or tcp:HOST:PORT');
  const port = Number(tcp[3]);
  if (port < 1 || port > 65_535) return fail('a port is 1 to 65535');
  return { ok: true, source: { name, address: { kind: 'tcp', host: tcp[1] ?? tcp[2] ?? '', port } } };
}

export function formatAddress(address: MonitorAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `tcp:${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
