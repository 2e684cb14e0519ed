// The position of one webhook on the disk, replaced as a whole. It may be older than the truth: what it lacks is delivered again.
import { promises as fs, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../clock.js';
import { formatCursor, type Position, parseCursor } from '../protocol/cursor.js';
import type { Cursor } from '../protocol/types.js';
import type { Delivery, Gap, GapReason } from './delivery.js';

export type Saved =
  | { kind: 'none' }
  | { kind: 'unreadable' }
  | { kind: 'found'; position: Position; gap: Gap | undefined };

const REASONS: readonly GapReason[] = ['failing', 'retention', 'epoch', 'position'];

/** Never throws. */
export function readPosition(path: string): Saved {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { kind: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : 'unreadable' };
  }
  try {
    const { cursor, gap } = JSON.parse(text) as { cursor: Cursor; gap?: Gap };
    const position = parseCursor(cursor);
    const isGap = gap === undefined || ((gap.from === null || parseCursor(gap.from)) && REASONS.includes(gap.reason));
    return position && isGap ? { kind: 'found', position, gap } : { kind: 'unreadable' };
  } catch {
    return { kind: 'unreadable' };
  }
}

const textOf = ({ position, gap }: Delivery): string =>
  `${JSON.stringify({ cursor: formatCursor(position.epoch, position.offset), gap })}\n`;

export interface PositionFileOptions {
  clock: Clock;
  /** Milliseconds between two writes. */
  saveMs: number;
  /** Called once, until a write succeeds again. */
  failed: (error: unknown) => void;
}

export class PositionFile {
  readonly #path: string;
  readonly #options: PositionFileOptions;
  #newest: Delivery | undefined;
  #written = '';
  #writing = Promise.resolve();
  #cancel: (() => void) | undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(path: string, options: PositionFileOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Within `saveMs`; of several the newest. */
  save(delivery: Delivery): void {
    this.#newest = delivery;
    this.#schedule();
  }

  /** Resolves when the newest is written, or can't be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#write();
    await this.#writing;
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
      await fs.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
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
