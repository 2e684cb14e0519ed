// `jobs --watch`: the table in place in a terminal; else a row, a name or an object for each change of a job's status.
import { once } from 'node:events';
import { createLogUpdate } from 'log-update';
import { type Client, foldEvents, foldProgress, type JobTable, tableOf } from '../client/node.js';
import type { Job, SettledRun } from '../protocol/types.js';
import { JOB_COLUMNS, type JobFilter, type JobOrder, selects, sortJobs } from './job-columns.js';
import { openJobTypes, withTypes } from './job-types.js';
import { type ListOptions, printList, tableLines } from './list.js';
import { nameLine } from './name-line.js';
import { complain } from './output.js';
import { endsWithReader } from './reader.js';
import { announceLine, gapLine, type RemoteOptions } from './remote.js';

export interface JobsOptions extends RemoteOptions, ListOptions, JobFilter {
  sort: JobOrder;
  reverse?: boolean;
  watch?: boolean;
  utc?: boolean;
}

/** Milliseconds between two drawings, at least. */
const SOON_MS = 100;

export async function watchJobs(client: Client, options: JobsOptions): Promise<void> {
  const isSelected = selects(options);
  const isDrawn = process.stdout.isTTY && !options.json && ['table', 'wide'].includes(options.output ?? 'table');
  const screen = isDrawn ? drawing(options) : printing(options, (job) => types.isAwaited(job));
  let table: JobTable = tableOf({ jobs: [], settled: [], sources: [], cursor: '' });
  const show = (next: JobTable): void => {
    table = next;
    const sorted = sortJobs([...table.jobs.values()].filter(isSelected), options.sort);
    screen.show(options.reverse ? sorted.reverse() : sorted, table.settled);
    types.look(() => table);
  };
  const types = openJobTypes(client, (found) => show(withTypes(table, found)));
  client.subscribe(
    {
      ...(options.source && { sources: options.source }),
      ...(options.job && { jobs: options.job }),
      progress: 1_000,
    },
    {
      snapshot: (snapshot) => show(tableOf(snapshot)),
      events: (entries, cursor) => show(foldEvents(table, entries, cursor)),
      progress: (rows) => show(foldProgress(table, rows, new Date().toISOString())),
      gap: (gap) => complain(gapLine(gap)),
    },
  );
  announceLine(client, complain);
  endsWithReader();
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  types.close();
  screen.close();
}

interface Screen {
  show(jobs: readonly Job[], settled: JobTable['settled']): void;
  close(): void;
}

function drawing(options: JobsOptions): Screen {
  const update = createLogUpdate(process.stdout);
  let jobs: readonly Job[] = [];
  let soon: NodeJS.Timeout | undefined;
  const draw = (): void => {
    clearTimeout(soon);
    soon = undefined;
    const lines = jobs.length === 0 ? ['no jobs'] : tableLines(JOB_COLUMNS, jobs, options);
    const room = Math.max(2, (process.stdout.rows || 24) - 1);
    const more = lines.length - room;
    update((more > 0 ? [...lines.slice(0, room - 1), `${more + 1} more`] : lines).join('\n'));
  };
  return {
    show: (next) => {
      jobs = next;
      soon ??= setTimeout(draw, SOON_MS);
    },
    close: () => {
      draw();
      update.done();
    },
  };
}

/** @param isAwaited a new job is printed with its type, which comes a moment later. */
function printing(options: JobsOptions, isAwaited: (job: Job) => boolean): Screen {
  let before = new Map<string, Job>();
  let printed = new Map<string, string | undefined>();
  let { headers } = options;
  return {
    show: (jobs, settled) => {
      const now = new Map(jobs.map((job) => [job.run, job]));
      // A job may end and leave the table at once: its last row has the outcome.
      const gone = [...before.values()].flatMap((job) => {
        const end = settled.get(job.run);
        return now.has(job.run) || job.settled || !end ? [] : [ended(job, end)];
      });
      const ready = jobs.filter((job) => !isAwaited(job));
      const rows = [...gone, ...ready.filter((job) => printed.get(job.run) !== statusOf(job))];
      before = now;
      printed = new Map(jobs.map((job) => [job.run, isAwaited(job) ? printed.get(job.run) : statusOf(job)]));
      if (rows.length === 0) return;
      const list = { columns: JOB_COLUMNS, rows, name: ({ source, job }: Job) => nameLine(source, job) };
      // One object a line, also where an array was asked for: it has no end.
      const output = options.output === 'json' ? 'jsonl' : options.output;
      printList(list, { ...options, ...(output && { output }), headers: headers ?? true });
      headers = false;
    },
    close: () => undefined,
  };
}

/** With the figures of its end, which are newer than the last progress. */
const ended = (job: Job, { settled }: SettledRun): Job => ({
  ...job,
  status: 'concluded',
  settled,
  type: settled.type ?? job.type,
  len: settled.len ?? job.len,
  offset: settled.offset ?? job.offset,
});

const statusOf = (job: Job): string => job.settled?.outcome ?? job.status;
