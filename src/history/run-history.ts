// The runs that have ended, for people who ask weeks later: in files of a folder, or the newest of them in memory. In the order in which they settled.
import { type Clock, within } from '../clock.js';
import type { HistoryRun, ProgressSample } from '../protocol/history.js';
import { HistoryFile, monthOf } from './file.js';
import type { Damage, HistoryFolder } from './folder.js';
import { FILE_BYTES, FILES, type HistoryLimits } from './limits.js';
import { decodeLine, type EndedRun, encodeLine, recordOf, type StoredRun } from './record.js';
import { digestOfRun, Names, type RowHead } from './rows.js';

/** A place between two runs. Opaque, but for its order: that of the files, then of the positions in one. */
export interface Place {
  file: number;
  position: number;
}

/** A part of the history, newest first; `next` is where to go on, `undefined` at the oldest run. */
export interface OlderRuns {
  found: readonly FoundRun[];
  next: Place | undefined;
}

export interface FoundRun {
  /** Before it: the runs that are older. */
  place: Place;
  /** `undefined`: its line can't be read. */
  read(): StoredRun | undefined;
}

export type HistoryReport =
  | { kind: 'damage'; file: string; position: number; damage: Damage['kind'] }
  | { kind: 'failing'; error: unknown }
  | { kind: 'recovered' };

export interface HistoryParts {
  limits: HistoryLimits;
  clock: Clock;
  /** `undefined`: in memory. */
  folder?: HistoryFolder | undefined;
  report: (report: HistoryReport) => void;
}

/** Rows looked at, runs found, and bytes read in one step. */
const STEP_ROWS = 4_096;
const STEP_FOUND = 256;
const STEP_BYTES = 256 * 1024;
/** Rows between two looks at the time. */
const LOOK = 64;
/** Milliseconds until what could not be written is tried again. */
const RETRY_MS = 10_000;
/** Milliseconds after which a disk that does not answer is failing, and that the end waits for it. */
const ANSWER_MS = 10_000;

export class RunHistory {
  readonly #parts: HistoryParts;
  readonly #names = new Names();
  /** Oldest first. */
  #files: HistoryFile[] = [];
  readonly #runs = new Set<number>();
  #bytes = 0;
  #length = 0;
  #isScheduled = false;
  #isFailing = false;
  /** The last read failed: said once. */
  #isUnreadable = false;
  /** Runs that were not taken, since too much waits for the disk; the next start takes them from the log. */
  #refused = 0;
  #stopRetry: (() => void) | undefined;
  #flushing: Promise<void> | undefined;
  #isClosed = false;
  /** Files whose runs are gone, to be removed from the disk. */
  readonly #gone: HistoryFile[] = [];

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** Takes what the folder has. @throws the error of the file system. */
  async open(): Promise<void> {
    const { folder, report } = this.#parts;
    this.#files =
      (await folder?.read(this.#names, ({ kind: damage, ...place }) => report({ kind: 'damage', ...place, damage }))) ??
      [];
    for (const { rows, size } of this.#files) {
      this.#bytes += size;
      this.#length += rows.length;
      for (let at = 0; at < rows.length; at++) this.#runs.add(rows.runDigest(at));
    }
    this.#retain();
  }

  get status(): { runs: number; bytes: number; files: number; isFailing: boolean; refused: number } {
    const [isFailing, refused] = [this.#isFailing, this.#refused];
    return { runs: this.#length, bytes: this.#bytes, files: this.#files.length, isFailing, refused };
  }

  has(run: { source: string; run: string }): boolean {
    return this.#runs.has(digestOfRun(run));
  }

  /** Each run once: a second record of it is ignored. */
  add(ended: EndedRun, progress: readonly ProgressSample[] = []): void {
    const key = digestOfRun(ended.settled);
    if (this.#runs.has(key)) return;
    const { clock, limits, folder } = this.#parts;
    const run = recordOf(ended, Math.round(clock.date() * 1_000));
    if (folder && this.#waitingBytes > limits.memoryBytes) {
      this.#refused += 1;
      return;
    }
    this.#runs.add(key);
    const file = this.#fileFor(run);
    const before = file.size;
    file.append(run, encodeLine(run, progress));
    this.#bytes += file.size - before;
    this.#length += 1;
    this.#retain();
    this.#schedule();
  }

  /**
   * The next older runs, in one bounded step: some hundred, or none of some thousand.
   *
   * @param from the newest run where it is `undefined`.
   * @param wants the rows that are read.
   * @param isDue `true` ends the step.
   */
  async older(from: Place | undefined, wants: (row: RowHead) => boolean, isDue: () => boolean): Promise<OlderRuns> {
    const step = this.#walk(from, wants, isDue);
    const { file, rows, next } = step;
    if (!file || rows.length === 0) return { found: [], next };
    const first = rows.at(-1) ?? 0;
    const start = file.rows.position(first);
    const isOnDisk = rows.some((at) => !file.waiting.has(file.rows.position(at)));
    const end = file.rows.position(rows[0] ?? 0) + file.rows.bytes(rows[0] ?? 0);
    const lines = new Map(rows.map((at) => [at, file.waiting.get(file.rows.position(at))]));
    const bytes = isOnDisk ? await this.#read(file, start, end - start) : undefined;
    const found = rows.map((at): FoundRun => {
      const position = file.rows.position(at);
      const read = (): StoredRun | undefined => {
        const kept = lines.get(at);
        const from = position - start;
        const line =
          kept === undefined ? bytes?.subarray(from, from + file.rows.bytes(at) - 1) : Buffer.from(kept.slice(0, -1));
        return line && decodeLine(line);
      };
      return { place: { file: file.number, position }, read };
    });
    return { found, next };
  }

  /** Writes what waits, and brings it to the disk. A disk that does not answer is not waited for. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { folder, clock, report } = this.#parts;
    const all = async (): Promise<void> => {
      await this.#flushing;
      await this.#flush();
      await folder?.close();
    };
    await within(all(), clock, ANSWER_MS, 'the disk').catch((error: unknown) => report({ kind: 'failing', error }));
    this.#stopRetry?.();
  }

  get #waitingBytes(): number {
    return this.#files.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0);
  }

  /** The rows of one file that are wanted, newest first, and where the next step begins. */
  #walk(
    from: Place | undefined,
    wants: (row: RowHead) => boolean,
    isDue: () => boolean,
  ): { file: HistoryFile | undefined; rows: number[]; next: Place | undefined } {
    let looked = 0;
    for (let index = this.#files.length - 1; index >= 0; index--) {
      const file = this.#files[index];
      if (!file || (from && file.number > from.file)) continue;
      const { rows } = file;
      const found: number[] = [];
      let at = from?.file === file.number ? rows.below(from.position) : rows.length;
      let end = 0;
      const here = (): Place => ({ file: file.number, position: at < rows.length ? rows.position(at) : file.size });
      for (at -= 1; at >= 0; at--) {
        if (looked >= STEP_ROWS || (looked % LOOK === LOOK - 1 && isDue())) {
          at += 1;
          return { file, rows: found, next: here() };
        }
        looked += 1;
        if (!wants(rows.head(at))) continue;
        if (found.length === 0) end = rows.position(at) + rows.bytes(at);
        else if (found.length >= STEP_FOUND || end - rows.position(at) > STEP_BYTES) {
          at += 1;
          return { file, rows: found, next: here() };
        }
        found.push(at);
      }
      const older = this.#files[index - 1];
      const next = older && { file: older.number, position: older.size };
      if (found.length > 0 || !older) return { file, rows: found, next };
    }
    return { file: undefined, rows: [], next: undefined };
  }

  /** `undefined`: the file has gone meanwhile, or can't be read. */
  async #read(file: HistoryFile, position: number, length: number): Promise<Buffer | undefined> {
    try {
      const bytes = await this.#parts.folder?.readAt(file, position, length);
      this.#isUnreadable = false;
      return bytes;
    } catch (error) {
      if (this.#files.includes(file) && !this.#isUnreadable) this.#parts.report({ kind: 'failing', error });
      this.#isUnreadable = true;
      return undefined;
    }
  }

  #fileFor(run: HistoryRun): HistoryFile {
    const newest = this.#files.at(-1);
    const { limits, folder } = this.#parts;
    const bytes = Math.min(FILE_BYTES, (folder ? limits.bytes : limits.memoryBytes) / FILES);
    const month = monthOf(run.end);
    const isFull = newest && (newest.size >= bytes || (!folder && newest.rows.length >= limits.memoryRuns / FILES));
    // A clock that was set back begins no file.
    if (newest && !isFull && month <= newest.month) return newest;
    const file = new HistoryFile((newest?.number ?? 0) + 1, month, this.#names);
    this.#files.push(file);
    return file;
  }

  #retain(): void {
    const { limits, folder, clock } = this.#parts;
    const bytes = folder ? limits.bytes : limits.memoryBytes;
    const runs = folder ? Number.POSITIVE_INFINITY : limits.memoryRuns;
    for (;;) {
      const [oldest, second] = this.#files;
      if (!oldest || !second) return;
      const isOld = oldest.rows.newest < clock.date() - limits.ageMs;
      if (!isOld && this.#bytes <= bytes && this.#length <= runs) return;
      this.#files.shift();
      if (folder) {
        this.#gone.push(oldest);
        this.#schedule();
      }
      this.#bytes -= oldest.size;
      this.#length -= oldest.rows.length;
      for (let at = 0; at < oldest.rows.length; at++) this.#runs.delete(oldest.rows.runDigest(at));
    }
  }

  /** What was added in one turn is written at once. */
  #schedule(): void {
    if (!this.#parts.folder || this.#isScheduled) return;
    this.#isScheduled = true;
    this.#parts.clock.soon(() => {
      this.#isScheduled = false;
      void this.#flush();
    });
  }

  /** One at a time: what comes meanwhile is written after it. */
  async #flush(): Promise<void> {
    if (this.#flushing) return;
    const { clock } = this.#parts;
    const stop = clock.after(ANSWER_MS, () => this.#failed(new Error(`the disk did not answer for ${ANSWER_MS} ms`)));
    this.#flushing = this.#writeAll()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        stop();
        this.#flushing = undefined;
      });
    await this.#flushing;
  }

  async #writeAll(): Promise<void> {
    const { folder, report } = this.#parts;
    if (!folder) return;
    for (let file = this.#waitingFile; file; file = this.#waitingFile) await folder.write(file);
    for (let file = this.#gone[0]; file; file = this.#gone[0]) {
      await folder.remove(file);
      this.#gone.shift();
    }
    if (this.#isFailing) report({ kind: 'recovered' });
    this.#isFailing = false;
  }

  get #waitingFile(): HistoryFile | undefined {
    return this.#files.find(({ waiting }) => waiting.size > 0);
  }

  #failed(error: unknown): void {
    if (!this.#isFailing) this.#parts.report({ kind: 'failing', error });
    this.#isFailing = true;
    this.#stopRetry?.();
    if (!this.#isClosed) this.#stopRetry = this.#parts.clock.after(RETRY_MS, () => void this.#flush());
  }
}
