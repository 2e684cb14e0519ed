// One file of the history: its rows in memory, and the lines that no disk has taken yet.
import type { HistoryRun } from '../protocol/history.js';
import { type Names, Rows } from './rows.js';

export class HistoryFile {
  /** Increases from file to file. */
  readonly number: number;
  /** As `2026-11`: the month of its first run, in UTC. */
  readonly month: string;
  readonly rows: Rows;
  /** Bytes, with those that wait. */
  size = 0;
  /** Lines that are in memory alone, by their position. */
  readonly waiting = new Map<number, string>();
  /** Bytes of these. */
  waitingBytes = 0;

  constructor(number: number, month: string, names: Names) {
    this.number = number;
    this.month = month;
    this.rows = new Rows(names);
  }

  /** @param line with its line break. */
  append(run: HistoryRun, line: string): void {
    const bytes = Buffer.byteLength(line);
    this.waiting.set(this.size, line);
    this.waitingBytes += bytes;
    this.add(run, this.size, bytes);
    this.size += bytes;
  }

  /** A line that the file has. */
  add({ end, source, outcome, job, run }: HistoryRun, position: number, bytes: number): void {
    this.rows.push({ end: Date.parse(end), position, bytes, source, outcome, job, run });
  }

  /** The lines at these positions have been written. */
  written(positions: Iterable<number>, bytes: number): void {
    for (const position of positions) this.waiting.delete(position);
    this.waitingBytes -= bytes;
  }
}

export const monthOf = (end: string): string => end.slice(0, 7);
