// Output of commands: text that may come from a monitor, with every control character escaped.

/** Control and format characters (C0, DEL, C1, bidirectional overrides), line separators, lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text from the wire as one line without control characters: ESC becomes `\u001b`. Applying it twice changes nothing. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return SHORT[char] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`);
  });
}

/** Lines for people on stdout. A line break within one is escaped, so that no text can forge a line. */
export function print(...lines: readonly string[]): void {
  write(process.stdout, lines);
}

/** Lines for people on stderr. */
export function complain(...lines: readonly string[]): void {
  write(process.stderr, lines);
}

/** One JSON line for programs, unchanged: JSON has its own escapes. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function write(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(`${lines.map(printable).join('\n')}\n`);
}

/** Lines of cells that are escaped already, since colours are control characters too. */
export function printPainted(...lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}
