// Opens the folder of a log: what is in it, whether the log goes on, and everything since the checkpoint for the caller that rebuilds its state.
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { formatCursor } from '../../protocol/cursor.js';
import { readCheckpoint } from './checkpoint.js';
import type { Disk } from './disk.js';
import { type FolderState, readState } from './folder.js';
import { headProblem, SEGMENT_HEAD_BYTES } from './record.js';
import { type FoundRecord, type ScanEnd, scan } from './scan.js';
import { firstOf, type SealedFile, Segment } from './segment.js';

/**
 * Why the log does not go on: it begins anew under another epoch, since a cursor of the former one might miss entries or mean others.
 *
 * `new`: the folder is. `state`: its `state.json` is missing or can't be read. `machine`: the machine went down without a clean end, so that entries
 * that clients have seen may be lost. `damaged`: bytes of a file were changed. `missing`: entries are missing. `foreign`: a file is of another folder.
 * `checkpoint`: the checkpoint that the oldest file needs is missing or damaged. `abandoned`: the disk had failed, and entries were shown that are not
 * in the folder.
 */
export type Discontinuity =
  | 'new'
  | 'state'
  | 'machine'
  | 'damaged'
  | 'missing'
  | 'foreign'
  | 'checkpoint'
  | 'abandoned';

/** Takes what the folder has, in order: the lines of the checkpoint, then the entries after it. */
export interface Restorer {
  line(text: string): void;
  /** @param json the entry as the wire has it. @param cursor its cursor in the epoch in which it was written. */
  entry(json: string, cursor: string): void;
}

export interface Recovered {
  state: FolderState | undefined;
  discontinuity: Discontinuity | undefined;
  /** For the operator: which file, and where. */
  detail: string;
  /** Oldest first. The last one goes on, if the log does. */
  segments: Segment[];
  /** Offset of the last entry, and of the last that clients see. */
  last: number;
  head: number;
  /** Offset up to which the checkpoint covers the log; 0: there is none. */
  checkpoint: number;
}

const UNREADABLE = '.unreadable';
/** More than is written in the time between two syncs, mostly. */
const UNSYNCED_BYTES = 1024 * 1024;

export async function recover(path: string, disk: Disk, bootId: string, restorer: Restorer): Promise<Recovered> {
  const recovery = new Recovery(path, disk, restorer);
  return recovery.run(bootId);
}

class Recovery {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #restorer: Restorer;
  #discontinuity: Discontinuity | undefined;
  #detail = '';
  #head = 0;
  #concerns = true;
  /** What the checkpoint says of full files, by their first offset. */
  readonly #sealed = new Map<number, SealedFile>();

  constructor(path: string, disk: Disk, restorer: Restorer) {
    this.#path = path;
    this.#disk = disk;
    this.#restorer = restorer;
  }

  async run(bootId: string): Promise<Recovered> {
    const state = await readState(this.#path);
    const found = await this.#segments();
    if (!state) {
      if (found.length > 0) this.#broken('state', 'state.json is missing or unreadable');
      for (const segment of found) await this.#setAside(segment);
      this.#broken('new', 'the folder is new');
      return this.#result(undefined, [], 0, 0);
    }
    this.#judge(state, bootId);
    const checkpoint = await readCheckpoint(this.#path, state.folder);
    const covered = checkpoint.kind === 'read' ? checkpoint.offset : 0;
    if (checkpoint.kind === 'damaged') this.#broken('checkpoint', 'checkpoint.jsonl is damaged');
    if (checkpoint.kind === 'read') for (const file of checkpoint.files) this.#sealed.set(file.first, file);
    if (checkpoint.kind === 'read') for (const line of checkpoint.lines) this.#restorer.line(line);
    const isThere = state.newest === undefined || found.some(({ first }) => first === state.newest);
    if (!isThere) this.#broken('missing', `the newest file, which begins with ${state.newest}, is not there`);
    const { segments, last } = await this.#scanAll(found, state, covered);
    return this.#result(state, segments, Math.max(last, covered, state.floor), covered);
  }

  #result(state: FolderState | undefined, segments: Segment[], last: number, checkpoint: number): Recovered {
    const [discontinuity, detail] = [this.#discontinuity, this.#detail];
    return { state, discontinuity, detail, segments, last, head: this.#head || last, checkpoint };
  }

  /** The first reason counts: those that follow may be its consequences. But the end of the machine takes nothing but the newest entries. */
  #broken(why: Discontinuity, detail: string): void {
    if (!this.#concerns || (this.#discontinuity !== undefined && this.#discontinuity !== 'machine')) return;
    this.#discontinuity = why;
    this.#detail = detail;
  }

  /** What the end of the machine may have kept from the disk is no damage: the last bytes of the newest file. @param size with those. */
  #isTorn({ isEmpty, size: whole }: Segment, size: number, isNewest: boolean): boolean {
    return this.#discontinuity === 'machine' && isNewest && size - (isEmpty ? 0 : whole) <= UNSYNCED_BYTES;
  }

  #judge({ isClean, isSynced, isAbandoned, bootId }: FolderState, now: string): void {
    if (isAbandoned) this.#broken('abandoned', 'entries were shown while the disk took none');
    else if (!isClean && !isSynced && (bootId === '' || bootId !== now))
      this.#broken('machine', 'the machine went down without a clean end');
  }

  async #segments(): Promise<Segment[]> {
    const names = await fs.readdir(this.#path);
    const segments: Segment[] = [];
    for (const name of names.sort()) {
      const first = firstOf(name);
      if (first === undefined) continue;
      const found = await fs.stat(join(this.#path, name)).catch(() => undefined);
      if (!found?.isFile()) continue;
      const { size, mtimeMs } = found;
      segments.push(new Segment(this.#path, first, size, Math.trunc(mtimeMs)));
    }
    return segments;
  }

  async #scanAll(
    found: readonly Segment[],
    state: FolderState,
    covered: number,
  ): Promise<{ segments: Segment[]; last: number }> {
    const segments: Segment[] = [];
    let last: number | undefined;
    for (const [index, segment] of found.entries()) {
      const next = found[index + 1]?.first;
      // Of an earlier epoch, and in the checkpoint: nobody reads it.
      if (next !== undefined && next - 1 <= Math.min(state.floor, covered)) {
        segment.last = next - 1;
        segments.push(segment);
        continue;
      }
      const sealed = this.#sealed.get(segment.first);
      const follows = last === undefined || last === segment.first - 1;
      if (
        sealed &&
        follows &&
        sealed.last === (next ?? 0) - 1 &&
        (await this.#isAsSealed(segment, sealed, state, covered))
      ) {
        // It was full and is as long as it was: its bytes are checked when they are read, and soon after the start.
        segment.seal(sealed);
        segments.push(segment);
        last = segment.last;
        if (sealed.last > state.floor) this.#head = sealed.last;
        continue;
      }
      // What is wrong in a file of an earlier epoch alone does not concern readers of this one.
      this.#concerns = next === undefined || next - 1 > state.floor;
      const before = segment.first - 1;
      if (last === undefined ? before > covered && before > 0 : last !== before && before > state.floor)
        this.#broken(
          last === undefined ? 'checkpoint' : 'missing',
          `no entries from ${(last ?? covered) + 1} to ${before}`,
        );
      const { size } = segment;
      const end = await scan(segment, state.folder, this.#disk, (record) => this.#found(record, state, covered));
      const isNewest = next === undefined;
      const isTorn = this.#isTorn(segment, size, isNewest);
      if (await this.#keep(segment, end, { newest: state.newest, isNewest, isTorn })) {
        segments.push(segment);
        last = segment.last;
      }
    }
    if (last !== undefined && covered > last && covered > state.floor)
      this.#broken('missing', `no entries from ${last + 1} to ${covered}, which the checkpoint covers`);
    return { segments, last: last ?? 0 };
  }

  async #isAsSealed(
    segment: Segment,
    { last, size }: SealedFile,
    state: FolderState,
    covered: number,
  ): Promise<boolean> {
    if (last > covered || segment.size !== size) return false;
    const head = await this.#disk.read(segment.path, 0, SEGMENT_HEAD_BYTES);
    return headProblem(head, state.folder, segment.first) === undefined;
  }

  #found({ head, text }: FoundRecord, { epoch, floor }: FolderState, covered: number): void {
    if (!head.isInternal && head.offset > floor) this.#head = head.offset;
    if (head.offset > covered) this.#restorer.entry(text.toString(), formatCursor(epoch, head.offset));
  }

  /** Whether the file stays a file of the log. */
  async #keep(
    segment: Segment,
    end: ScanEnd,
    { newest, isNewest, isTorn }: { newest: number | undefined; isNewest: boolean; isTorn: boolean },
  ): Promise<boolean> {
    const name = segment.path.slice(this.#path.length + 1);
    switch (end) {
      case 'whole':
        return true;
      case 'cut':
        if (!isNewest) this.#broken('damaged', `${name} ends within an entry`);
        // The append was not whole, so it was not shown.
        else await fs.truncate(segment.path, segment.size);
        return true;
      case 'empty':
        // A process that was killed when it had just made the file. `state.json` names it only when it had its head.
        if (!isTorn && (!isNewest || segment.first === newest)) this.#broken('missing', `${name} is empty`);
        if (isNewest) await fs.rm(segment.path);
        else await this.#setAside(segment);
        return false;
      case 'foreign':
        this.#broken('foreign', `${name} is of another folder or format`);
        await this.#setAside(segment);
        return false;
      case 'damaged':
        if (!isTorn) this.#broken('damaged', `${name} is damaged at byte ${segment.size}`);
        if (segment.size > SEGMENT_HEAD_BYTES && !segment.isEmpty) return true;
        await this.#setAside(segment);
        return false;
    }
  }

  /** Its name would hide the files that follow; what it has may still be of use to the operator. */
  async #setAside(segment: Segment): Promise<void> {
    await fs.rename(segment.path, `${segment.path}${UNREADABLE}`);
  }
}
