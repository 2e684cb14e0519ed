// What a command writes. In: lines that may hold a monitor's bytes. Out: the same on a stream, every control character shown instead of executed.

/** Control and format characters (C0, DEL, C1, bidirectional overrides), line separators, lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text from the wire as one line that a terminal prints and does not obey: ESC becomes `\u001b`. Safe to apply twice. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return SHORT[char] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`);
  });
}

/** Lines for people on stdout. A line end inside of one is shown, so that no text can forge a line. */
export function print(...lines: readonly string[]): void {
  write(process.stdout, lines);
}

/** Lines for people on stderr. */
export function complain(...lines: readonly string[]): void {
  write(process.stderr, lines);
}

/** One JSON line for programs, as it came: JSON has its own escapes. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function write(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(`${lines.map(printable).join('\n')}\n`);
}
