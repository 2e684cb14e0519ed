// A path with stars: which paths it matches, and the name of the source that each gives. Pure.
import { createHash } from 'node:crypto';
import { SOURCE_NAME } from '../../protocol/limits.js';

export interface PathPattern {
  /** As it is given. */
  text: string;
  /** Parts of the path after the first slash; with a star where it is an expression, whose groups are what the stars stand for. */
  parts: readonly (string | RegExp)[];
}

/** @returns a text that says what is wrong with it. */
export function parsePattern(path: string): PathPattern | string {
  if (!path.startsWith('/')) return 'the path must begin with /';
  const parts = path.slice(1).split('/');
  if (parts.some((part) => part === '' || part === '..' || part === '.')) return 'the path has an empty part, . or ..';
  if (parts.some((part) => part.includes('**')))
    return '** is not understood: a star stands within one part of the path';
  if (!path.includes('*')) return 'the path has no star: write NAME=unix:/path for one monitor';
  return { text: path, parts: parts.map((part) => (part.includes('*') ? expressionOf(part) : part)) };
}

/** A star matches any characters but a leading dot, as in a shell. */
function expressionOf(part: string): RegExp {
  const escaped = part.split('*').map((text) => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${part.startsWith('*') ? '(?!\\.)' : ''}${escaped.join('(.*?)')}$`);
}

const DIGEST = 8;
const KEPT = 100;

/** @param stars what the stars of the pattern stand for. @param isTaken whether another source has that name. */
export function nameOfPath(path: string, stars: readonly string[], isTaken: (name: string) => boolean): string {
  const name = stars.filter((star) => star !== '').join('-');
  if (SOURCE_NAME.test(name) && !isTaken(name)) return name;
  const slug = name.replace(/[^A-Za-z0-9._:@-]+/g, '-').slice(0, KEPT);
  return `${slug}-${createHash('sha256').update(path).digest('hex').slice(0, DIGEST)}`;
}
