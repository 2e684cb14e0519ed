// Splits a client's text into top-level JSON values, wherever the chunks were cut. Objects need no delimiter between them; a control character drops
// the unfinished value, with one error.

export type Piece = { kind: 'value'; text: string } | { kind: 'error'; desc: string };

/** QEMU's own bound on a message is 64 MiB of tokens. */
const LONGEST = 64 * 1024 * 1024;
const OPENING = '{[';
const CLOSING = '}]';

/** One per connection; it holds the unfinished value. */
export class RequestSplitter {
  #text = '';
  #depth = 0;
  #quote = '';
  #escaped = false;

  /** Every value or error that `chunk` completes, in order. */
  push(chunk: string): Piece[] {
    const pieces: Piece[] = [];
    const start = this.#text.length;
    this.#text += chunk;
    let from = 0;
    for (let at = start; at < this.#text.length; at += 1) {
      const unit = this.#text[at] as string;
      const code = unit.charCodeAt(0);
      if (code < 0x20 && code !== 9 && code !== 10 && code !== 13) {
        const stray = this.#text.slice(from, at).trim();
        if (stray !== '' || this.#depth > 0) {
          pieces.push({ kind: 'error', desc: `JSON parse error, stray '${this.#lastToken(stray)}${unit}'` });
        } else pieces.push({ kind: 'error', desc: `JSON parse error, stray '${unit}'` });
        from = at + 1;
        this.#reset();
      } else if (this.#quote !== '') {
        if (this.#escaped) this.#escaped = false;
        else if (unit === '\\') this.#escaped = true;
        else if (unit === this.#quote) {
          this.#quote = '';
          if (this.#depth === 0) from = this.#take(pieces, from, at + 1);
        }
      } else if (OPENING.includes(unit)) {
        // The bracket ends a bare word or number before it.
        if (this.#depth === 0 && this.#text.slice(from, at).trim() !== '') from = this.#take(pieces, from, at);
        this.#depth += 1;
      } else if (CLOSING.includes(unit)) {
        this.#depth = Math.max(0, this.#depth - 1);
        if (this.#depth === 0) from = this.#take(pieces, from, at + 1);
      } else if (unit === '"' || unit === "'") this.#quote = unit;
      else if (this.#depth === 0 && code <= 0x20) {
        if (this.#text.slice(from, at).trim() !== '') from = this.#take(pieces, from, at);
        else from = at + 1;
      }
    }
    this.#text = this.#text.slice(from);
    if (this.#text.length > LONGEST) {
      pieces.push({ kind: 'error', desc: 'JSON token size limit exceeded' });
      this.#text = '';
      this.#reset();
    }
    return pieces;
  }

  #take(pieces: Piece[], from: number, to: number): number {
    pieces.push({ kind: 'value', text: this.#text.slice(from, to).trim() });
    return to;
  }

  /** QEMU's message names only the unfinished token. */
  #lastToken(stray: string): string {
    if (this.#quote === '') return '';
    return stray.slice(stray.lastIndexOf(this.#quote));
  }

  #reset(): void {
    this.#depth = 0;
    this.#quote = '';
    this.#escaped = false;
  }
}
