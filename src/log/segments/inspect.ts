// Looks into the folder of a log without changing it: what each file is, and the entries. The folder may be a copy; reading entries, it may be in use.
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { formatCursor } from '../../protocol/cursor.js';
import type { Entry } from '../../protocol/types.js';
import { readCheckpoint } from './checkpoint.js';
import { DISK } from './disk.js';
import { type FolderState, readState } from './folder.js';
import { FolderInUse, isOwned } from './owner.js';
import { type FoundRecord, type ScanEnd, scan } from './scan.js';
import { firstOf, Segment } from './segment.js';

/** One file. The newest may be `cut` or `empty`: nobody has seen an append that is not whole. */
export interface InspectedFile {
  name: string;
  bytes: number;
  state: ScanEnd;
  problem?: string;
  /** Entries that clients see, and all. */
  entries: number;
  records: number;
  firstOffset: number | null;
  lastOffset: number | null;
  /** Milliseconds since 1970 at which the first and the last were written. */
  firstAt: number | null;
  lastAt: number | null;
}

export interface InspectedFolder {
  /** `undefined`: `state.json` is missing or can't be read. */
  state: FolderState | undefined;
  /** `offset`: it covers the entries up to it. */
  checkpoint: { kind: 'none' | 'damaged' } | { kind: 'read'; offset: number };
  files: InspectedFile[];
  /** What is damaged or missing; empty: nothing. */
  problems: string[];
  /** What a start will find, and is no damage: of a backup without its newest file. */
  notes: string[];
}

const NO_LOG = 'there is no log in this folder';

/** @throws `FolderInUse` where a gateway has the folder; the error of the file system. */
export async function inspectFolder(path: string): Promise<InspectedFolder> {
  if (await isOwned(path)) throw new FolderInUse(path);
  const state = await readState(path);
  const { segments, others } = await segmentsOf(path);
  if (!state && segments.length + others.length === 0) throw new Error(NO_LOG);
  const problems: string[] = others.map((name) => `${name} could not be read by a gateway, and was set aside`);
  if (!state) problems.push('state.json is missing, or can not be read');
  if (state?.isAbandoned) problems.push('entries were shown while the disk took none');
  const read = await readCheckpoint(path, state?.folder ?? '');
  const checkpoint = read.kind === 'read' ? { kind: read.kind, offset: read.offset } : read;
  if (read.kind === 'damaged' && state) problems.push('checkpoint.jsonl is damaged, or of another folder');
  const files: InspectedFile[] = [];
  let before: Segment | undefined;
  for (const [index, segment] of segments.entries()) {
    const file = await inspectFile(segment, state);
    const isNewest = index === segments.length - 1;
    // What is missing before this epoch concerns no reader.
    if (before && before.last !== segment.first - 1 && segment.first - 1 > (state?.floor ?? 0))
      problems.push(`entries ${before.last + 1} to ${segment.first - 1} are missing`);
    if (file.state === 'cut') file.problem = 'it ends within an append';
    const mayBeEmpty = file.state === 'empty' && segment.first !== state?.newest;
    const isFine = file.state === 'whole' || (isNewest && (file.state === 'cut' || mayBeEmpty));
    if (!isFine) problems.push(`${file.name} is ${file.state}${file.problem === undefined ? '' : `: ${file.problem}`}`);
    files.push(file);
    before = segment;
  }
  const isBackup = state?.newest !== undefined && !segments.some(({ first }) => first === state.newest);
  const notes = isBackup
    ? [`the newest file, which begins with ${state.newest}, is not here: a start begins another epoch`]
    : [];
  const covered = read.kind === 'read' ? read.offset : 0;
  const first = segments[0]?.first ?? covered + 1;
  if (state && first > covered + 1)
    problems.push(`entries ${covered + 1} to ${first - 1} are missing, and the checkpoint does not cover them`);
  if (state && before && !isBackup && covered > before.last && covered > state.floor)
    problems.push(`entries ${before.last + 1} to ${covered} are missing, which the checkpoint covers`);
  return { state, checkpoint, files, problems, notes };
}

async function inspectFile(segment: Segment, state: FolderState | undefined): Promise<InspectedFile> {
  const { size: bytes } = segment;
  let records = 0;
  const end = await scan(segment, state?.folder ?? '', DISK, () => {
    records += 1;
  });
  const has = records > 0;
  return {
    name: nameOf(segment),
    bytes,
    state: end,
    ...(end === 'damaged' && { problem: `at byte ${segment.size}` }),
    entries: segment.shown,
    records,
    firstOffset: has ? segment.first : null,
    lastOffset: has ? segment.last : null,
    firstAt: has ? segment.firstAt : null,
    lastAt: has ? segment.lastAt : null,
  };
}

export interface ExportedEntry {
  entry: Entry;
  /** As the wire has it. */
  json: string;
  /** In the epoch of the log; `undefined` for an entry of an earlier epoch, whose name the folder does not have. */
  cursor: string | undefined;
  offset: number;
}

/**
 * The entries that clients see, a file at a time, oldest first.
 *
 * @param since milliseconds since 1970: only what was written then or later.
 * @param damaged called for a file that can be read only in part.
 */
export async function* exportEntries(
  path: string,
  since: number,
  damaged: (file: string, state: ScanEnd) => void,
): AsyncGenerator<ExportedEntry> {
  const state = await readState(path);
  const { segments, others } = await segmentsOf(path);
  if (!state && segments.length + others.length === 0) throw new Error(NO_LOG);
  for (const [index, segment] of segments.entries()) {
    const found: { json: string; offset: number }[] = [];
    const end = await scan(segment, state?.folder ?? '', DISK, ({ head, text }: FoundRecord) => {
      if (!head.isInternal && head.at >= since) found.push({ json: text.toString(), offset: head.offset });
    }).catch((error: unknown) => {
      // The gateway that has the folder has just removed its oldest file.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'whole' as const;
      throw error;
    });
    for (const { json, offset } of found) {
      const cursor = state && offset > state.floor ? formatCursor(state.epoch, offset) : undefined;
      yield { entry: JSON.parse(json) as Entry, json, cursor, offset };
    }
    const isOpen = index === segments.length - 1 && (end === 'cut' || end === 'empty');
    if (end !== 'whole' && !isOpen) damaged(nameOf(segment), end);
  }
}

async function segmentsOf(path: string): Promise<{ segments: Segment[]; others: string[] }> {
  const segments: Segment[] = [];
  const others: string[] = [];
  for (const name of (await fs.readdir(path)).sort()) {
    const first = firstOf(name);
    if (first === undefined) {
      if (name.endsWith('.log.unreadable')) others.push(name);
      continue;
    }
    const { size, mtimeMs } = await fs.stat(join(path, name));
    segments.push(new Segment(path, first, size, Math.trunc(mtimeMs)));
  }
  return { segments, others };
}

const nameOf = ({ path }: Segment): string => path.slice(path.lastIndexOf('/') + 1);
