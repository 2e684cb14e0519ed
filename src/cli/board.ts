// The board of `watch` and `top`: jobs with a chosen one, a question before each verb, and the result of the last command.
import { type Client, GatewayError, type JobTable } from '../client/node.js';
import { effectOf, hintFor, isAnswering } from '../protocol/rules.js';
import type { Job, JobVerb, SourceInfo } from '../protocol/types.js';
import { describeAbort, describeEffect } from '../protocol/words.js';
import type { Bars } from './bars.js';
import { type Choice, keepChoice, moveChoice } from './choice.js';
import { shorten } from './columns.js';
import { JOB_ORDERS, sortJobs } from './job-columns.js';
import { printable } from './output.js';
import { inCommands } from './refusal.js';
import { callVerb } from './verbs/call.js';
import { VERB_ROWS } from './verbs/verb-table.js';

export interface Board {
  /** Draws the present state soon; many changes together are drawn once. */
  draw(): void;
  /** Prints a line above the bars that stays. */
  log(line: string): void;
  /** Returns whether the key ends the screen. */
  press(key: string): boolean;
  close(): void;
}

interface Ask {
  verb: JobVerb;
  force?: boolean;
}

export interface BoardOptions {
  /** The last line, where nothing is asked. */
  keys: string;
  /** What each key asks for. */
  verbs: Readonly<Record<string, Ask>>;
  /** Lines of the key `?`. */
  help?: readonly string[];
  /** Whether `o` changes the order, and jobs that have ended and hold their ids are among them. */
  isTop?: boolean;
}

/** A verb that is not confirmed yet. It applies to this run, whatever is chosen meanwhile. */
interface Question extends Ask {
  job: Job;
}

const STEPS: Readonly<Record<string, number>> = { up: -1, k: -1, down: 1, j: 1, pageup: -10, pagedown: 10 };
/** Milliseconds between drawings without changes, so that an old speed disappears. */
const REDRAW_MS = 1_000;
/** Milliseconds between two drawings of changes, at least. */
const SOON_MS = 40;
/** Lines of one drawing beyond this number are counted, not printed. */
const LINES_MAX = 100;

export function openBoard(
  stream: NodeJS.WriteStream,
  client: Client,
  table: () => JobTable,
  bars: Bars,
  { keys, verbs, help = [], isTop = false }: BoardOptions,
): Board {
  let order = 0;
  let isHelping = false;
  let chosen: Choice | undefined;
  let question: Question | undefined;
  /** The result of the last command; it is also printed among the lines above, which a full screen hides. */
  let notice: string | undefined;
  let lines: string[] = [];
  let soon: NodeJS.Timeout | undefined;
  const present = (): Job[] => {
    const jobs = [...table().jobs.values()].filter((job) => isTop || !job.settled);
    return isTop ? sortJobs(jobs, JOB_ORDERS[order] ?? 'name') : jobs;
  };
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
    const shown = isHelping ? help : [];
    const last = question ? textOf(question, table().sources.get(question.job.source)) : keys;
    bars.draw({ jobs, chosen, isCurrent, foot: [...shown, ...none, ...offline, ...said, last] });
  }

  function note(line: string): void {
    notice = line;
    log(line);
  }

  function log(line: string): void {
    lines.push(line);
    draw();
  }

  async function send({ job: { source, job, run }, verb, force }: Question): Promise<void> {
    const name = nameOf({ source, job });
    const row = VERB_ROWS.find((each) => each.verb === verb);
    if (!row) return;
    try {
      const answer = await callVerb(client, row, { source, job, run }, force ? { force } : {});
      note(answer.status === 'settled' ? `${name}: it has ended: ${answer.outcome}` : `${name}: ${row.name} requested`);
    } catch (error) {
      const hint = error instanceof GatewayError && error.data.hint ? ` (${inCommands(String(error.data.hint))})` : '';
      note(`${name}: ${error instanceof Error ? error.message : String(error)}${hint}`);
    }
  }

  function ask(asked: Ask): void {
    const job = present().find(({ run }) => run === chosen?.run);
    if (!job) return;
    // What an abort does to a job that refuses it is said by its question.
    if (asked.verb === 'abort' || effectOf(asked.verb, job, asked)) question = { ...asked, job };
    else notice = `${nameOf(job)}: ${inCommands(hintFor(job.status, asked.verb))}`;
  }

  function press(key: string): boolean {
    notice = undefined;
    if (question) {
      const asked = question;
      question = undefined;
      if (key === 'y') void send(asked);
    } else if (key === '?' && help.length > 0) isHelping = !isHelping;
    else if (isHelping && (key === 'q' || key === 'escape')) isHelping = false;
    else if (key === 'q' || key === 'escape') return true;
    else if (key === 'o' && isTop) {
      order = (order + 1) % JOB_ORDERS.length;
      notice = `order: ${JOB_ORDERS[order]}`;
    } else if (verbs[key]) ask(verbs[key]);
    else chosen = moveChoice(chosen, present(), STEPS[key] ?? 0);
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

/** A long name never hides what is said of the job. */
const nameOf = ({ source, job }: Pick<Job, 'source' | 'job'>): string => shorten(`${source}/${job}`, 32);

/** The keys of the answer come first, since a narrow terminal cuts off the end. */
function textOf({ job, verb, force = false }: Question, source: SourceInfo | undefined): string {
  const name = printable(nameOf(job));
  const effect = effectOf(verb, job, { force });
  const words = verb === 'abort' || !effect ? describeAbort(job, force, source) : describeEffect(effect);
  return `y/n? ${verb} ${name}${force ? ' BY FORCE' : ''}: ${words}`;
}
