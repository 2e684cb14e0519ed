// An entry as the log keeps it: the value, and its JSON, made once whoever asks first and shared by every filter.
import type { Entry } from '../protocol/types.js';

export class LoggedEntry {
  readonly entry: Entry;
  /** Bytes that the retention counts: near the encoded size, known without encoding. */
  readonly bytes: number;
  #json: string | undefined;

  constructor(entry: Entry, bytes: number) {
    this.entry = entry;
    this.bytes = bytes;
  }

  get json(): string {
    this.#json ??= JSON.stringify(this.entry);
    return this.#json;
  }
}
