// The screen of `watch`. In: the table of jobs, keys, a client. Out: bars with a chosen one, a question before each abort, and what came of it.
import { type Client, GatewayError, type JobTable } from '../client/node.js';
import { isAnswering } from '../protocol/rules.js';
import type { Job } from '../protocol/types.js';
import { describeAbort } from '../protocol/words.js';
import { openBars } from './bars.js';
import { type Choice, keepChoice, moveChoice } from './choice.js';
import { printable } from './output.js';

export interface Board {
  /** Draws what there is, soon: a burst of news is one drawing. */
  draw(): void;
  /** A line above the bars that stays. */
  log(line: string): void;
  /** Returns whether that key ends it. */
  press(key: string): boolean;
  close(): void;
}

/** An abort that is not confirmed yet. It is of this run, whatever is chosen meanwhile. */
interface Question {
  job: Job;
  force: boolean;
}

const KEYS = 'up/down choose · a abort · f abort by force · q quit';
const STEPS: Readonly<Record<string, number>> = { up: -1, k: -1, down: 1, j: 1, pageup: -10, pagedown: 10 };
/** Between drawings without news: a speed that is no longer true has to go. */
const REDRAW_MS = 1_000;
/** Between two drawings of news. */
const SOON_MS = 40;
/** More lines than this in one drawing are counted instead of written. */
const LINES_MAX = 100;

export function openBoard(stream: NodeJS.WriteStream, client: Client, table: () => JobTable): Board {
  const bars = openBars(stream);
  let chosen: Choice | undefined;
  let question: Question | undefined;
  /** What came of the last command; also among the lines above, which a full screen hides. */
  let notice: string | undefined;
  let lines: string[] = [];
  let soon: NodeJS.Timeout | undefined;
  const present = (): Job[] => [...table().jobs.values()].filter((job) => !job.settled);
  const isCurrent = ({ source }: Job): boolean =>
    client.state.phase === 'open' && isAnswering(table().sources.get(source));

  function draw(): void {
    soon ??= setTimeout(paint, SOON_MS);
  }

  function paint(): void {
    clearTimeout(soon);
    soon = undefined;
    const jobs = present();
    chosen = keepChoice(chosen, jobs);
    if (question) {
      const { source, job: id, run } = question.job;
      const job = jobs.find((each) => each.run === run);
      question = job && { ...question, job };
      if (!job) note(`${source}/${id} is gone: nothing was sent`);
    }
    const offline = client.state.phase === 'open' ? [] : ['offline: what is shown is as of before'];
    const none = jobs.length === 0 ? ['no jobs'] : [];
    if (lines.length > LINES_MAX) lines = [`${lines.length - LINES_MAX} more`, ...lines.slice(-LINES_MAX)];
    if (lines.length > 0) bars.log(lines);
    lines = [];
    const said = notice === undefined ? [] : [printable(notice)];
    bars.draw({ jobs, chosen, isCurrent, foot: [...none, ...offline, ...said, question ? textOf(question) : KEYS] });
  }

  function note(line: string): void {
    notice = line;
    log(line);
  }

  function log(line: string): void {
    lines.push(line);
    draw();
  }

  async function abort({ job: { source, job, run }, force }: Question): Promise<void> {
    const name = `${source}/${job}`;
    try {
      const answer = await client.abort({ source, job, run, force });
      note(answer.status === 'settled' ? `${name}: it has ended: ${answer.outcome}` : `${name}: abort requested`);
    } catch (error) {
      const hint = error instanceof GatewayError && error.data.hint ? ` (${error.data.hint})` : '';
      note(`${name}: ${error instanceof Error ? error.message : String(error)}${hint}`);
    }
  }

  function press(key: string): boolean {
    notice = undefined;
    if (question) {
      const asked = question;
      question = undefined;
      if (key === 'y') void abort(asked);
    } else if (key === 'q' || key === 'escape') return true;
    else if (key === 'a' || key === 'f') {
      const job = present().find(({ run }) => run === chosen?.run);
      if (job) question = { job, force: key === 'f' };
    } else chosen = moveChoice(chosen, present(), STEPS[key] ?? 0);
    paint();
    return false;
  }

  const timer = setInterval(draw, REDRAW_MS);
  const stopState = client.onState(draw);
  stream.on('resize', draw);
  return {
    draw,
    log,
    press,
    close: () => {
      paint();
      clearInterval(timer);
      clearTimeout(soon);
      stopState();
      stream.off('resize', draw);
      bars.stop();
    },
  };
}

/** The answer comes first, since a narrow terminal cuts the end off. */
function textOf({ job, force }: Question): string {
  const name = printable(`${job.source}/${job.job}`);
  return `y/n? abort ${name}${force ? ' BY FORCE' : ''}: ${describeAbort(job, force)}`;
}
