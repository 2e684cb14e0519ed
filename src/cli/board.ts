// The screen of `watch`: bars with a chosen job, a question before each abort, and the result of the last command.
import { type Client, GatewayError, type JobTable } from '../client/node.js';
import { isAnswering } from '../protocol/rules.js';
import type { Job } from '../protocol/types.js';
import { describeAbort } from '../protocol/words.js';
import { openBars } from './bars.js';
import { type Choice, keepChoice, moveChoice } from './choice.js';
import { printable } from './output.js';

export interface Board {
  /** Draws the present state soon; many changes together are drawn once. */
  draw(): void;
  /** Prints a line above the bars that stays. */
  log(line: string): void;
  /** Returns whether the key ends the screen. */
  press(key: string): boolean;
  close(): void;
}

/** An abort that is not confirmed yet. It applies to this run, whatever is chosen meanwhile. */
interface Question {
  job: Job;
  force: boolean;
}

const KEYS = 'up/down choose · a abort · f abort by force · q quit';
const STEPS: Readonly<Record<string, number>> = { up: -1, k: -1, down: 1, j: 1, pageup: -10, pagedown: 10 };
/** Milliseconds between drawings without changes, so that an old speed disappears. */
const REDRAW_MS = 1_000;
/** Milliseconds between two drawings of changes, at least. */
const SOON_MS = 40;
/** Lines of one drawing beyond this number are counted, not printed. */
const LINES_MAX = 100;

export function openBoard(stream: NodeJS.WriteStream, client: Client, table: () => JobTable): Board {
  const bars = openBars(stream);
  let chosen: Choice | undefined;
  let question: Question | undefined;
  /** The result of the last command; it is also printed among the lines above, which a full screen hides. */
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
      if (!job) note(`${source}/${id} has ended: nothing was sent`);
    }
    const offline = client.state.phase === 'open' ? [] : ['offline: the figures may be out of date'];
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

/** The keys of the answer come first, since a narrow terminal cuts off the end. */
function textOf({ job, force }: Question): string {
  const name = printable(`${job.source}/${job.job}`);
  return `y/n? abort ${name}${force ? ' BY FORCE' : ''}: ${describeAbort(job, force)}`;
}
