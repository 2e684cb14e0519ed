// Progress of jobs as bars in a terminal, as many as fit on the screen.
import { createLogUpdate } from 'log-update';
import type { Job } from '../protocol/types.js';
import { formatDuration, formatRate, shareDone } from '../protocol/words.js';
import { type Choice, scrollTo } from './choice.js';
import { percent } from './job-columns.js';
import { printable } from './output.js';
import { Rates, timeLeft } from './rates.js';

export interface Picture {
  jobs: readonly Job[];
  chosen?: Choice | undefined;
  /** Lines under the bars; at least the last one is always visible. */
  foot?: readonly string[];
  /** Whether a job's figures are current: if not, no speed and no remaining time are printed. Default: always. */
  isCurrent?(job: Job): boolean;
}

/** What draws the jobs of a board. */
export interface Bars {
  draw(picture: Picture): void;
  /** Prints lines above the bars that stay; to be followed by a drawing. */
  log(lines: readonly string[]): void;
  stop(): void;
}

const WIDTH = 24;

export function openBars(stream: NodeJS.WriteStream): Bars {
  const update = createLogUpdate(stream);
  const rates = new Rates();
  let first = 0;

  function rows(jobs: readonly Job[], chosen: Choice | undefined, isCurrent: (job: Job) => boolean): string[] {
    // The width of names is limited, so that one long name can't push every bar off the screen.
    const widest = Math.max(12, Math.floor((stream.columns || 80) * 0.4));
    const names = jobs.map((job) => shorten(nameOf(job), widest));
    const width = Math.max(0, ...names.map(({ length }) => length));
    const perSecond = rates.of(jobs, isCurrent, Date.now());
    return jobs.map((job, n) => {
      const mark = chosen && job.run === chosen.run ? '>' : ' ';
      return `${mark} ${(names[n] ?? '').padEnd(width)} ${bar(job)} ${percent(job).padStart(6)}  ${detail(job, perSecond.get(job.run))}`;
    });
  }

  return {
    draw({ jobs, chosen, foot = [], isCurrent = () => true }) {
      const lines = rows(jobs, chosen, isCurrent);
      // One line less than the screen has, since the cursor stands on the last: with more the drawing would scroll away and be repeated endlessly.
      const free = Math.max(2, (stream.rows || 24) - 1);
      const under = foot.slice(-Math.max(1, free - 1));
      const whole = Math.max(1, free - under.length);
      // Counts of the hidden jobs, above and below, where there is room.
      const room = lines.length <= whole ? whole : Math.max(1, whole - 2);
      first = scrollTo(first, chosen?.at ?? 0, lines.length, room);
      const above = first;
      const below = Math.max(0, lines.length - first - room);
      const shown = lines.slice(first, first + room);
      const framed =
        whole < 3 || above + below === 0
          ? shown
          : [above > 0 ? `  ${above} more above` : '', ...shown, below > 0 ? `  ${below} more below` : ''];
      const columns = (stream.columns || 80) - 1;
      update([...framed, ...under].map((line) => line.slice(0, columns)).join('\n'));
    },
    log: (lines) => update.persist(lines.map(printable).join('\n')),
    stop: () => update.done(),
  };
}

const nameOf = ({ source, job }: Job): string => printable(`${source}/${job}`);

const shorten = (name: string, most: number): string => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

/** Not full before the end: a job at 100 % may not be READY yet, and a READY one is not done. */
function bar(job: Job): string {
  const full = Math.min(WIDTH - 1, Math.floor((shareDone(job) ?? 0) * WIDTH));
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`;
}

function detail(job: Job, perSecond: number | undefined): string {
  const moving = perSecond !== undefined && job.status === 'running';
  const left = moving ? timeLeft(job, perSecond) : undefined;
  const eta = left === undefined ? '' : `  ${formatDuration(left)} left`;
  const io = job.ioStatus !== undefined && job.ioStatus !== 'ok' ? `  stopped: ${job.ioStatus}` : '';
  const speed = moving ? `  ${formatRate(perSecond, job.type)}` : '';
  return printable(`${job.type ?? '?'} ${job.status}${speed}${eta}${io}`);
}
