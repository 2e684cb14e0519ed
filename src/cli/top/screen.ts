// The screen of `top`: sources, jobs with their rates, what happened last, and the keys. It is drawn in place on the terminal's other screen.
import type { Bars, Picture } from '../bars.js';
import { scrollTo } from '../choice.js';
import { printable } from '../output.js';
import { Rates } from '../rates.js';
import { headLine, jobLines, sourcesLine, type TopState } from './lines.js';

const [ENTER, LEAVE] = ['\u001b[?1049h\u001b[?25l', '\u001b[?25h\u001b[?1049l'];
const [HOME, TO_LINE_END, TO_SCREEN_END] = ['\u001b[H', '\u001b[K', '\u001b[J'];
/** Lines that stay of what happened. */
const KEPT_LINES = 3;

/** @param state what is beside the jobs, as of now. */
export function openScreen(stream: NodeJS.WriteStream, state: () => TopState, hasColour: boolean): Bars {
  const rates = new Rates();
  let happened: readonly string[] = [];
  let first = 0;
  stream.write(ENTER);
  return {
    log(lines) {
      happened = [...happened, ...lines].slice(-KEPT_LINES);
    },
    draw({ jobs, chosen, foot = [], isCurrent = () => true }: Picture) {
      const columns = stream.columns || 80;
      const perSecond = rates.of(jobs, isCurrent, Date.now());
      const top = [headLine(state(), jobs, perSecond), sourcesLine(state())].filter((line) => line !== undefined);
      const [heads = '', ...rows] = jobLines(jobs, perSecond, chosen?.run, { columns, hasColour });
      // With every line of the screen written, the last one would scroll it.
      const free = Math.max(4, (stream.rows || 24) - 1);
      const under = foot.slice(-Math.max(1, free - top.length - 2));
      const happenedRoom = Math.max(0, Math.min(happened.length, free - top.length - 2 - under.length - rows.length));
      const room = Math.max(1, free - top.length - 1 - under.length - happenedRoom);
      first = scrollTo(first, chosen?.at ?? 0, rows.length, room);
      const shown = rows.slice(first, first + room);
      const plain = (lines: readonly string[]): string[] => lines.map((line) => shortenEnd(printable(line), columns));
      const last = happenedRoom === 0 ? [] : happened.slice(-happenedRoom);
      const lines = [...plain(top), heads, ...shown, ...plain(last), ...plain(under)];
      stream.write(HOME + lines.map((line) => line + TO_LINE_END).join('\r\n') + TO_SCREEN_END);
    },
    stop: () => void stream.write(LEAVE),
  };
}

const shortenEnd = (line: string, most: number): string => (line.length > most ? `${line.slice(0, most - 1)}…` : line);
