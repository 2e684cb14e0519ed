// Sockets at which QEMUs connect by themselves, from text: NAME=unix:/path?mode=0660&group=NAME, NAME=tcp:HOST:PORT, PREFIX-*=….
import { isLoopbackName } from '../gateway/index.js';
import type { AcceptSettings } from '../sources/index.js';
import type { Settings } from './given.js';
import { readSocketFile } from './listen.js';
import type { Given, Problems } from './problem.js';

const FORM =
  'expected NAME=unix:/path, then perhaps ?mode=0660&group=NAME, or NAME=tcp:HOST:PORT; PREFIX-* in place of NAME';
/** The number of a source is behind the prefix. */
const NAME = /^[A-Za-z0-9._:@-]{1,120}$/;

const EXPOSED = 'in the network QEMU’s monitor needs TLS: --tls-cert and --tls-key, or an address of this host';

/** @param taken the names of other sources. */
export function readAccepts(
  settings: Settings,
  taken: ReadonlyMap<string, unknown>,
  problems: Problems,
): AcceptSettings[] {
  const isSecure = settings.one('tlsCert') !== undefined;
  const accepts: AcceptSettings[] = [];
  for (const given of settings.many('accept')) {
    const accept = parseAccept(given, problems);
    if (!accept) continue;
    const { name, many, address } = accept;
    const isSame = (other: AcceptSettings): boolean => other.name === name && other.many === many;
    if (address.kind === 'tcp' && !isSecure && !isLoopbackName(address.host)) problems.of(given, EXPOSED);
    else if (accepts.some(isSame) || (!many && taken.has(name))) problems.of(given, 'the name is given twice');
    else if (accepts.some((other) => placeOf(other) === placeOf(accept)))
      problems.of(given, 'the address is given twice');
    else accepts.push(accept);
  }
  return accepts;
}

const placeOf = ({ address }: AcceptSettings): string =>
  address.kind === 'unix' ? address.path : `${address.host} ${address.port}`;

function parseAccept(given: Given<string>, problems: Problems): AcceptSettings | undefined {
  const fail = (why: string): undefined => void problems.of(given, why);
  const equals = given.value.indexOf('=');
  if (equals < 0) return fail(FORM);
  const many = given.value.slice(0, equals).endsWith('-*');
  const name = given.value.slice(0, many ? equals - 2 : equals);
  if (!NAME.test(name)) return fail('a name is 1 to 120 of A-Z a-z 0-9 . _ : @ -, with -* at its end for any number');
  const address = parseAddress({ ...given, value: given.value.slice(equals + 1) }, fail, problems);
  return address && { name, many, address };
}

function parseAddress(
  { value, place }: Given<string>,
  fail: (why: string) => undefined,
  problems: Problems,
): AcceptSettings['address'] | undefined {
  const [, host6, host4, port] = /^tcp:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value) ?? [];
  if (port !== undefined) {
    if (Number(port) < 1 || Number(port) > 65_535) return fail('a port is 1 to 65535');
    return { kind: 'tcp', host: host6 ?? host4 ?? '', port: Number(port) };
  }
  const [, path, query] = /^unix:(\/[^?]*)(?:\?(.*))?$/.exec(value) ?? [];
  if (path === undefined) return fail(FORM);
  // sun_path holds 108 bytes; a longer path would fail with a puzzling EINVAL.
  if (Buffer.byteLength(path) > 107) return fail('the path of a socket has 1 to 107 bytes');
  const params = new URLSearchParams(query ?? '');
  const unknown = [...params.keys()].find((name) => name !== 'mode' && name !== 'group');
  if (unknown !== undefined) return fail(`a socket for QEMUs has no parameter ${unknown}`);
  const [mode, group] = ['mode', 'group'].map((name) => {
    const text = params.get(name);
    return text === null ? undefined : { value: text, place };
  });
  return { kind: 'unix', path, ...readSocketFile(mode, group, problems) };
}
