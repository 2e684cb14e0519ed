// A source as it is configured: where it is, under the operator's name for it; or where sources are to be found.
import { SOURCE_NAME } from '../protocol/limits.js';
import type { MonitorAddress } from '../qmp/index.js';
import { type AcceptSettings, formatAccept } from './accept/options.js';
import { type PathPattern, parsePattern } from './files/pattern.js';

/** One monitor. */
export interface MonitorSource {
  kind: 'qmp';
  name: string;
  address: MonitorAddress;
}

/** A libvirtd on this host. */
export interface LibvirtAddress {
  /** Path of its socket; `undefined`: where libvirt has it. */
  socket: string | undefined;
  /** The connection URI, as `qemu:///system`. */
  uri: string;
}

/** One domain of libvirt, by libvirt's name for it. */
export interface DomainSource {
  kind: 'libvirt';
  name: string;
  domain: string;
  libvirt: LibvirtAddress;
}

export type Source = MonitorSource | DomainSource;

/** Where sources come from: every running domain of a libvirtd, the monitors whose sockets match a pattern, or the QEMUs that connect to a socket. */
export type Discovery =
  | { kind: 'libvirt'; libvirt: LibvirtAddress }
  | { kind: 'files'; pattern: PathPattern }
  | { kind: 'accept'; accept: AcceptSettings };

export type ParsedSource =
  | { ok: true; source: Source }
  | { ok: true; discovery: Discovery }
  | { ok: false; error: string };

/** Parses `unix:/path` with stars in the path. Never throws. */
export function parseDiscovery(text: string): { ok: true; discovery: Discovery } | { ok: false; error: string } {
  const path = /^unix:(.*)$/.exec(text)?.[1];
  const pattern = path === undefined ? 'expected unix:/path, with stars in it' : parsePattern(path);
  return typeof pattern === 'string'
    ? { ok: false, error: `discover "${text}": ${pattern}` }
    : { ok: true, discovery: { kind: 'files', pattern } };
}

const FORMS = 'NAME=unix:/path, NAME=tcp:HOST:PORT, NAME=libvirt:DOMAIN or libvirt:*';
export const LIBVIRT_URI = 'qemu:///system';

/** Parses {@link FORMS}; an IPv6 host stands in brackets. Never throws. */
export function parseSource(text: string): ParsedSource {
  const fail = (why: string): ParsedSource => ({ ok: false, error: `source "${text}": ${why}` });
  const all = /^libvirt:\*(\?.*)?$/.exec(text);
  if (all) {
    const libvirt = parseLibvirt(all[1] ?? '');
    return typeof libvirt === 'string' ? fail(libvirt) : { ok: true, discovery: { kind: 'libvirt', libvirt } };
  }
  const equals = text.indexOf('=');
  if (equals < 0) return fail(`expected ${FORMS}`);
  const name = text.slice(0, equals);
  const uri = text.slice(equals + 1);
  if (!SOURCE_NAME.test(name)) return fail('a name is 1 to 128 of A-Z a-z 0-9 . _ : @ -');
  if (uri.startsWith('unix:')) {
    const path = uri.slice('unix:'.length);
    const problem = pathProblem(path);
    return problem === undefined
      ? { ok: true, source: { kind: 'qmp', name, address: { kind: 'unix', path } } }
      : fail(problem);
  }
  const domain = /^libvirt:([^?]+)(\?.*)?$/.exec(uri);
  if (domain) {
    const libvirt = parseLibvirt(domain[2] ?? '');
    if (typeof libvirt === 'string') return fail(libvirt);
    if (domain[1] === '*') return fail('every domain has its own name: write libvirt:* without NAME=');
    return { ok: true, source: { kind: 'libvirt', name, domain: domain[1] ?? '', libvirt } };
  }
  const tcp = /^tcp:(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(uri);
  if (!tcp) return fail(`expected ${FORMS}`);
  const port = Number(tcp[3]);
  if (port < 1 || port > 65_535) return fail('a port is 1 to 65535');
  return { ok: true, source: { kind: 'qmp', name, address: { kind: 'tcp', host: tcp[1] ?? tcp[2] ?? '', port } } };
}

function pathProblem(path: string): string | undefined {
  if (path === '') return 'the path is empty';
  // sun_path holds 108 bytes; a longer path would fail with a puzzling EINVAL.
  return Buffer.byteLength(path) > 107 ? 'a unix socket path is at most 107 bytes' : undefined;
}

/** @param query `?socket=/path&uri=qemu:///session`, each optional. @returns a text that says what is wrong with it. */
function parseLibvirt(query: string): LibvirtAddress | string {
  const params = new URLSearchParams(query);
  for (const name of params.keys()) if (name !== 'socket' && name !== 'uri') return `libvirt has no parameter ${name}`;
  const socket = params.get('socket') ?? undefined;
  const problem = socket === undefined ? undefined : pathProblem(socket);
  return problem ?? { socket, uri: params.get('uri') ?? LIBVIRT_URI };
}

export function formatAddress(address: MonitorAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `tcp:${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** As it is given, without the name. */
export function formatSource(source: Source): string {
  return source.kind === 'qmp' ? formatAddress(source.address) : formatLibvirt(source.domain, source.libvirt);
}

/** @param domain its name, or `*`. */
export function formatLibvirt(domain: string, { socket, uri }: LibvirtAddress): string {
  const params = [
    ...(socket === undefined ? [] : [`socket=${socket}`]),
    ...(uri === LIBVIRT_URI ? [] : [`uri=${uri}`]),
  ];
  return `libvirt:${domain}${params.length > 0 ? `?${params.join('&')}` : ''}`;
}

export function formatDiscovery(discovery: Discovery): string {
  if (discovery.kind === 'accept') return formatAccept(discovery.accept);
  return discovery.kind === 'files' ? `unix:${discovery.pattern.text}` : formatLibvirt('*', discovery.libvirt);
}
