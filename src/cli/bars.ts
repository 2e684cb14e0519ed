// Progress of jobs as bars in a terminal. In: the present jobs, and which one is chosen. Out: drawn lines, one a job.
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { Job } from '../protocol/types.js';
import { bytes, percent } from './format.js';

export interface Bars {
  draw(jobs: readonly Job[], chosen?: string): void;
  /** A line above the bars that stays. */
  log(line: string): void;
  stop(): void;
}

export function openBars(stream: NodeJS.WriteStream): Bars {
  const multi = new MultiBar(
    {
      stream,
      clearOnComplete: true,
      hideCursor: true,
      format: '{mark} {name} {bar} {done}  {detail}',
      barsize: 24,
      autopadding: true,
      emptyOnZero: true,
    },
    Presets.shades_classic,
  );
  const bars = new Map<string, SingleBar>();
  const rates = new Map<string, Rate>();
  return {
    draw(jobs, chosen) {
      const width = Math.max(0, ...jobs.map(({ source, job }) => source.length + job.length + 1));
      for (const job of jobs) {
        const rate = measure(rates.get(job.run), job);
        rates.set(job.run, rate);
        const payload = {
          mark: job.run === chosen ? '>' : ' ',
          name: `${job.source}/${job.job}`.padEnd(width),
          done: percent(job.len, job.offset).padStart(4),
          detail: detail(job, rate.perSecond),
        };
        const total = Math.max(1, Number(job.len));
        const bar = bars.get(job.run) ?? multi.create(total, 0, payload);
        bars.set(job.run, bar);
        bar.setTotal(total);
        // A job at 100 % may not be READY, nor a READY one done: a full bar would end itself.
        bar.update(Math.min(Number(job.offset), total * 0.99), payload);
      }
      for (const [run, bar] of bars)
        if (!jobs.some((job) => job.run === run)) {
          multi.remove(bar);
          bars.delete(run);
          rates.delete(run);
        }
    },
    log: (line) => multi.log(`${line}\n`),
    stop: () => multi.stop(),
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
