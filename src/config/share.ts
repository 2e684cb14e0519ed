// Shared sockets, from text: NAME=unix:/path?allow=query-*&mode=0660&group=NAME.
import type { ShareSettings } from '../share/index.js';
import type { Discovery, Source } from '../sources/index.js';
import type { Settings } from './given.js';
import { readSocketFile } from './listen.js';
import type { Given, Problems } from './problem.js';

const FORM = 'expected NAME=unix:/path, then perhaps ?allow=query-*,block-job-*&mode=0660&group=NAME';
const PARAMETERS = ['allow', 'mode', 'group'];

interface Named {
  sources: readonly Source[];
  discoveries: readonly Discovery[];
}

/** A shared socket's file can be opened by its owner alone, where no mode is given. */
const MODE = 0o600;

export function readShares(settings: Settings, named: Named, problems: Problems): ShareSettings[] {
  const shares = new Map<string, ShareSettings>();
  for (const given of settings.many('share')) {
    const share = parseShare(given, problems);
    const problem = share && problemOf(share, named);
    if (problem !== undefined) problems.of(given, problem);
    else if (share && shares.has(share.path)) problems.of(given, 'the path is given twice');
    else if (share) shares.set(share.path, share);
  }
  return [...shares.values()];
}

function parseShare(given: Given<string>, problems: Problems): ShareSettings | undefined {
  const [, source, path, query] = /^([^=]+)=unix:(\/[^?]*)(?:\?(.*))?$/.exec(given.value) ?? [];
  const fail = (why: string): undefined => void problems.of(given, why);
  if (source === undefined || path === undefined) return fail(FORM);
  // sun_path holds 108 bytes; a longer path would fail with a puzzling EINVAL.
  if (Buffer.byteLength(path) > 107) return fail('the path of a socket has 1 to 107 bytes');
  const params = new URLSearchParams(query ?? '');
  const unknown = [...params.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) return fail(`a shared socket has no parameter ${unknown}`);
  const [mode, group] = ['mode', 'group'].map((name) => {
    const value = params.get(name);
    return value === null ? undefined : { value, place: given.place };
  });
  const allow = params.get('allow')?.split(',');
  const wrong = allow?.find((pattern) => !/^[\w.*?-]{1,128}$/.test(pattern));
  if (wrong !== undefined) return fail(`allow has names of QMP commands, with * and ?, separated by commas`);
  const file = readSocketFile(mode, group, problems);
  return { source, path, allow, mode: mode ? file.mode : MODE, group: file.group };
}

function problemOf({ source, path }: ShareSettings, { sources, discoveries }: Named): string | undefined {
  const named = sources.find(({ name }) => name === source);
  if (named?.kind === 'libvirt')
    return 'a domain of libvirt can’t be shared: its monitor is libvirt’s (virsh qemu-monitor-command)';
  const isNamed = (each: Discovery): boolean =>
    each.kind === 'files' || (each.kind === 'accept' && !each.accept.many && each.accept.name === source);
  if (!named && !discoveries.some(isNamed)) return `no source ${source}`;
  const isMonitor = sources.some(
    (each) => each.kind === 'qmp' && each.address.kind === 'unix' && each.address.path === path,
  );
  return isMonitor ? 'QEMU listens at that path itself' : undefined;
}
