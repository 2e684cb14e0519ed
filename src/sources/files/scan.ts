// The sockets that match a pattern now, and the folders whose changes may change that.
import { type Dirent, readdirSync, statSync } from 'node:fs';
import type { PathPattern } from './pattern.js';

export interface Scan {
  /** Paths of sockets, with what the stars stand for. */
  found: Map<string, string[]>;
  folders: Set<string>;
  /** There are more than `max`; the rest was left out. */
  isCut: boolean;
}

/** Never throws: a folder that can't be read has no sockets. @param max sockets, and folders. */
export function scan({ parts }: PathPattern, max: number): Scan {
  const result: Scan = { found: new Map(), folders: new Set(), isCut: false };
  const enter = (folder: string, depth: number, stars: readonly string[]): void => {
    const part = parts[depth];
    if (part === undefined) return;
    if (result.folders.size >= max) {
      result.isCut = true;
      return;
    }
    const isLast = depth === parts.length - 1;
    // A folder on the way is watched only while the next one is not there: a watched folder reports its own end.
    if (isLast || typeof part !== 'string' || inodeOf(`${folder}/${part}`) === undefined)
      result.folders.add(folder === '' ? '/' : folder);
    for (const { name, groups } of matching(folder, part)) {
      const path = `${folder}/${name}`;
      if (!isLast) enter(path, depth + 1, [...stars, ...groups]);
      else if (!isSocket(path)) continue;
      else if (result.found.size < max) result.found.set(path, [...stars, ...groups]);
      else result.isCut = true;
    }
  };
  enter('', 0, []);
  return result;
}

function matching(folder: string, part: string | RegExp): { name: string; groups: string[] }[] {
  if (typeof part === 'string') return [{ name: part, groups: [] }];
  return namesIn(folder).flatMap((name) => {
    const match = part.exec(name);
    return match ? [{ name, groups: match.slice(1) }] : [];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder === '' ? '/' : folder, { withFileTypes: true })
      .map(({ name }: Dirent) => name)
      .sort();
  } catch {
    return [];
  }
}

/** Identifies what is at a path now; `undefined`: nothing that can be seen. Never throws. */
export function inodeOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch {
    return false;
  }
}
