// A line of `-o name`, as `VERB -` and the completions read it: a source, or a source and a job. What is read is what was printed. Pure.
import { printable } from './output.js';

export interface JobName {
  source: string;
  job: string;
}

/**
 * No source has a blank in its name, and none begins with a brace. A job may have blanks anywhere, so that all behind one separator is its name. The
 * line may have the `\r` of other systems at its end. `undefined`: it names no job.
 */
export function parseNameLine(line: string): JobName | undefined {
  const [, source, job] = /^([^\s{]\S*)[ \t](.+)$/s.exec(line.replace(/\r$/, '')) ?? [];
  return source === undefined || job === undefined ? undefined : { source, job };
}

/** `undefined`: a line can't have it unchanged, as a control character is escaped or ends the line: that would name another job or none. */
export function nameLine(source: string, job?: string): string | undefined {
  const line = job === undefined ? source : `${source} ${job}`;
  if (printable(line) !== line) return undefined;
  if (job === undefined) return /^\S+$/.test(line) ? line : undefined;
  const read = parseNameLine(line);
  return read?.source === source && read.job === job ? line : undefined;
}
