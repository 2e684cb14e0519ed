// What the entries up to an offset amount to: the runs, settlements and sources of that moment. A restart begins with it and adds the entries that
// follow, so no file of the log may go before a checkpoint covers it.
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { codeOf } from './disk.js';
import { type Means, replaceFile } from './folder.js';
import type { SealedFile } from './segment.js';

const NAME = 'checkpoint.jsonl';
const CHUNK = 262_144;

interface Head {
  version: 1;
  folder: string;
  /** It covers every entry up to this one. */
  offset: number;
  /** The full files of that moment. */
  files: readonly SealedFile[];
}

interface Foot {
  crc: number;
}

/** The head, then the lines, then a checksum of both. */
function* encode(head: Head, lines: Iterable<string>): Generator<Buffer> {
  let crc = 0;
  let text = `${JSON.stringify(head)}\n`;
  const chunk = (): Buffer => {
    const bytes = Buffer.from(text);
    crc = crc32(bytes, crc);
    text = '';
    return bytes;
  };
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length >= CHUNK) yield chunk();
  }
  yield chunk();
  yield Buffer.from(`${JSON.stringify({ crc } satisfies Foot)}\n`);
}

export async function writeCheckpoint(
  path: string,
  folder: string,
  { offset, files }: { offset: number; files: readonly SealedFile[] },
  lines: Iterable<string>,
  means: Means,
): Promise<void> {
  await replaceFile(path, NAME, encode({ version: 1, folder, offset, files }, lines), means);
}

export type ReadCheckpoint =
  | { kind: 'none' }
  | { kind: 'damaged' }
  | { kind: 'read'; offset: number; files: readonly SealedFile[]; lines: string[] };

export async function readCheckpoint(path: string, folder: string): Promise<ReadCheckpoint> {
  let bytes: Buffer;
  try {
    bytes = await fs.readFile(join(path, NAME));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { kind: 'none' };
    throw error;
  }
  const end = bytes.lastIndexOf('\n', -2) + 1;
  const lines = bytes.toString('utf8', 0, end).split('\n');
  try {
    const { crc } = JSON.parse(bytes.toString('utf8', end)) as Foot;
    const head = JSON.parse(lines[0] ?? '') as Head;
    if (crc !== crc32(bytes.subarray(0, end)) || head.version !== 1 || head.folder !== folder)
      return { kind: 'damaged' };
    return { kind: 'read', offset: head.offset, files: head.files, lines: lines.slice(1, -1) };
  } catch {
    return { kind: 'damaged' };
  }
}
