// The folder of the history: its files' names, and reading and writing them. A start reads each file once, to know what it has.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { HistoryFile } from './file.js';
import { decodeHead } from './record.js';
import type { Names } from './rows.js';

const CHUNK = 4 * 1024 * 1024;
const NAME = /^(\d{8})-(\d{4}-\d{2})\.jsonl$/;

/** A line that can't be read, or the beginning of one at the end of a file, where a process was killed in mid-write. */
export interface Damage {
  file: string;
  /** Where in the file. */
  position: number;
  kind: 'damaged' | 'cut';
}

export class HistoryFolder {
  readonly #path: string;
  #open: { number: number; handle: fs.promises.FileHandle } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** What the folder has, oldest first. @throws the error of the file system. */
  async read(names: Names, damaged: (damage: Damage) => void): Promise<HistoryFile[]> {
    await fs.promises.mkdir(this.#path, { recursive: true, mode: 0o700 });
    const files: HistoryFile[] = [];
    for (const name of (await fs.promises.readdir(this.#path)).sort()) {
      const [, number, month] = NAME.exec(name) ?? [];
      if (number === undefined || month === undefined) continue;
      const file = new HistoryFile(Number(number), month, names);
      await this.#scan(file, (position, kind) => damaged({ file: name, position, kind }));
      files.push(file);
    }
    return files;
  }

  /** Writes what waits; one call at a time. @throws the error of the file system; the lines still wait then. */
  async write(file: HistoryFile): Promise<void> {
    if (file.waiting.size === 0) return;
    const positions = [...file.waiting.keys()];
    const bytes = Buffer.from([...file.waiting.values()].join(''));
    const position = file.size - bytes.length;
    const handle = await this.#handleOf(file, position);
    // A folder that was removed takes what is written, and nobody can read it.
    if ((await handle.stat()).nlink === 0) {
      await this.#leave();
      throw new Error(`${this.#pathOf(file)} was removed`);
    }
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
      if (bytesWritten === 0) throw new Error('the disk takes nothing');
      done += bytesWritten;
    }
    file.written(positions, bytes.length);
  }

  async readAt(file: HistoryFile, position: number, length: number): Promise<Buffer> {
    const handle = await fs.promises.open(this.#pathOf(file), 'r');
    try {
      const bytes = Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(bytes, 0, length, position);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  async remove(file: HistoryFile): Promise<void> {
    if (this.#open?.number === file.number) await this.#leave();
    await fs.promises.rm(this.#pathOf(file), { force: true });
  }

  /** Brings what was written to the disk. */
  async close(): Promise<void> {
    if (!this.#open) return;
    const { handle } = this.#open;
    this.#open = undefined;
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  /** What a failing machine loses here is added at the next start, from the log. */
  async #leave(): Promise<void> {
    await this.close().catch(() => undefined);
  }

  /** @param length bytes that the file has: one that has some is not made anew. */
  async #handleOf(file: HistoryFile, length: number): Promise<fs.promises.FileHandle> {
    if (this.#open?.number === file.number) return this.#open.handle;
    await this.#leave();
    const flags = fs.constants.O_RDWR | (length > 0 ? 0 : fs.constants.O_CREAT);
    const handle = await fs.promises.open(this.#pathOf(file), flags, 0o600);
    this.#open = { number: file.number, handle };
    return handle;
  }

  #pathOf({ number, month }: HistoryFile): string {
    return join(this.#path, `${String(number).padStart(8, '0')}-${month}.jsonl`);
  }

  async #scan(file: HistoryFile, damaged: (position: number, kind: Damage['kind']) => void): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of fs.createReadStream(this.#pathOf(file), { highWaterMark: CHUNK })) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk as Buffer]) : (chunk as Buffer);
      let from = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
        const run = decodeHead(bytes.subarray(from, end));
        if (run) file.add(run, file.size, end + 1 - from);
        else damaged(file.size, 'damaged');
        file.size += end + 1 - from;
        from = end + 1;
      }
      rest = bytes.subarray(from);
    }
    if (rest.length === 0) return;
    // The next line is written in its place.
    damaged(file.size, 'cut');
    await fs.promises.truncate(this.#pathOf(file), file.size);
  }
}
