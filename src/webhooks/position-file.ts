// The position of one webhook on the disk, replaced as a whole. It may be older than the truth: what it lacks is delivered again.
import { promises as fs, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Clock, within } from '../clock.js';
import type { Delivery } from './delivery.js';
import {
  type HeldPosition,
  type PositionListener,
  type Positions,
  readSaved,
  type Saved,
  toSaved,
} from './positions.js';

export interface FilePositionsOptions {
  clock: Clock;
  /** Milliseconds between two writes. */
  saveMs: number;
  logger: { warn(fields: object, message: string): void };
}

/** Of one gateway: `NAME.json` in a folder. Every webhook is this gateway's at once. */
export class FilePositions implements Positions {
  readonly #folder: string | undefined;
  readonly #options: FilePositionsOptions;
  /** Positions that are being kept for the last time, by name: who opens one again waits for it. */
  readonly #closing = new Map<string, Promise<void>>();

  /** @param folder `undefined`: positions end with the process. */
  constructor(folder: string | undefined, options: FilePositionsOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  open(name: string, listener: PositionListener): HeldPosition {
    if (this.#folder === undefined) {
      listener.held({ kind: 'none' }, () => undefined);
      return { close: () => Promise.resolve() };
    }
    const path = join(this.#folder, `${name}.json`);
    const before = this.#closing.get(name);
    let file = before ? undefined : this.#hold(name, path, listener);
    let isClosed = false;
    void before?.then(() => {
      if (!isClosed) file = this.#hold(name, path, listener);
    });
    return {
      close: () => {
        isClosed = true;
        const closed = (file?.close() ?? before ?? Promise.resolve()).finally(() => {
          if (this.#closing.get(name) === closed) this.#closing.delete(name);
        });
        this.#closing.set(name, closed);
        return closed;
      },
    };
  }

  #hold(name: string, path: string, listener: PositionListener): PositionFile {
    const { clock, saveMs, logger } = this.#options;
    const failed = (err: unknown): void =>
      logger.warn({ webhook: name, err }, 'the position of a webhook is not saved');
    const file = new PositionFile(path, { clock, saveMs, failed });
    const saved = readPosition(path);
    if (saved.kind === 'unreadable') logger.warn({ webhook: name, path }, 'the position of a webhook cannot be read');
    listener.held(saved, (delivery) => file.save(delivery));
    return file;
  }
}

/** Never throws. */
function readPosition(path: string): Saved {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { kind: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : 'unreadable' };
  }
  try {
    return readSaved(JSON.parse(text));
  } catch {
    return { kind: 'unreadable' };
  }
}

/** Milliseconds that the end waits for the disk. */
const ANSWER_MS = 10_000;

const textOf = (delivery: Delivery): string => `${JSON.stringify(toSaved(delivery))}\n`;

interface PositionFileOptions extends Pick<FilePositionsOptions, 'clock' | 'saveMs'> {
  /** Called once, until a write succeeds again. */
  failed: (error: unknown) => void;
}

class PositionFile implements HeldPosition {
  readonly #path: string;
  readonly #options: PositionFileOptions;
  #newest: Delivery | undefined;
  #written = '';
  #writing = Promise.resolve();
  #cancel: (() => void) | undefined;
  #isFailing = false;
  #isClosed = false;
  #isFirst = true;

  constructor(path: string, options: PositionFileOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** The first at once: without one the next start would begin with what comes then. Others within `saveMs`; of several the newest. */
  save(delivery: Delivery): void {
    this.#newest = delivery;
    if (this.#isFirst) this.#write();
    else this.#schedule();
    this.#isFirst = false;
  }

  /** Resolves when the newest is written, or can't be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#write();
    await within(this.#writing, this.#options.clock, ANSWER_MS, 'the disk').catch(this.#options.failed);
  }

  #schedule(): void {
    if (!this.#isClosed) this.#cancel ??= this.#options.clock.after(this.#options.saveMs, () => this.#write());
  }

  #write(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#writing = this.#writing.then(() => this.#replace());
  }

  async #replace(): Promise<void> {
    const delivery = this.#newest;
    const text = delivery && textOf(delivery);
    if (text === undefined || text === this.#written) return;
    try {
      // The folder that it is in is the log's, and is not made anew beside it.
      await fs.mkdir(dirname(this.#path), { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      await fs.writeFile(`${this.#path}.new`, text, { mode: 0o600 });
      await fs.rename(`${this.#path}.new`, this.#path);
      this.#written = text;
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#options.failed(error);
      this.#isFailing = true;
      this.#schedule();
    }
  }
}
