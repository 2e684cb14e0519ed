// Progress of jobs as bars in a terminal. In: the present jobs, and which one is chosen. Out: drawn lines, one a job.
import { createLogUpdate } from 'log-update';
import type { Job } from '../protocol/types.js';
import { bytes, percent } from './format.js';

export interface Bars {
  draw(jobs: readonly Job[], chosen?: string): void;
  /** A line above the bars that stays. */
  log(line: string): void;
  stop(): void;
}

const WIDTH = 24;

export function openBars(stream: NodeJS.WriteStream): Bars {
  const update = createLogUpdate(stream);
  const rates = new Map<string, Rate>();
  return {
    draw(jobs, chosen) {
      for (const run of rates.keys()) if (!jobs.some((job) => job.run === run)) rates.delete(run);
      const width = Math.max(0, ...jobs.map((job) => nameOf(job).length));
      // More than the screen holds would scroll away and be drawn again for ever.
      const room = Math.max(1, (stream.rows || 24) - 2);
      const lines = jobs.map((job) => {
        const rate = measure(rates.get(job.run), job);
        rates.set(job.run, rate);
        const mark = job.run === chosen ? '>' : ' ';
        const line = `${mark} ${nameOf(job).padEnd(width)} ${bar(job)} ${percent(job.len, job.offset).padStart(4)}  ${detail(job, rate.perSecond)}`;
        return line.slice(0, (stream.columns || 80) - 1);
      });
      const hidden = lines.length - room;
      update((hidden > 0 ? [...lines.slice(0, room), `  and ${hidden} more`] : lines).join('\n'));
    },
    log: (line) => update.persist(line),
    stop: () => update.done(),
  };
}

interface Rate {
  offset: number;
  at: number;
  perSecond: number;
}

/** Smoothed over a few measures; units are QEMU's, bytes for block jobs. */
function measure(before: Rate | undefined, job: Job): Rate {
  const offset = Number(job.offset);
  const at = Date.parse(job.updated);
  if (!before || at <= before.at) return before ?? { offset, at, perSecond: 0 };
  const now = ((offset - before.offset) * 1_000) / (at - before.at);
  return { offset, at, perSecond: before.perSecond === 0 ? now : before.perSecond * 0.6 + now * 0.4 };
}

const nameOf = ({ source, job }: Job): string => `${source}/${job}`;

/** Never full before the end: a job at 100 % may not be READY, nor a READY one done. */
function bar({ len, offset }: Job): string {
  const total = Number(len);
  const full = total > 0 ? Math.min(WIDTH - 1, Math.floor((Number(offset) / total) * WIDTH)) : 0;
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`;
}

function detail(job: Job, perSecond: number): string {
  const left = Number(job.len) - Number(job.offset);
  const eta = perSecond > 0 && left > 0 && job.status === 'running' ? `  ${clock(left / perSecond)} left` : '';
  const io = job.ioStatus !== undefined && job.ioStatus !== 'ok' ? `  stopped: ${job.ioStatus}` : '';
  return `${job.type ?? '?'} ${job.status}  ${bytes(Math.max(0, perSecond))}/s${eta}${io}`;
}

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}
