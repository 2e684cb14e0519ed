// One abort of a job that may be stopped: what its caller and two subscribers were sent. All clauses of aborts judge it.
import { parseCursor } from '../protocol/cursor.js';
import type { JobTarget } from '../protocol/methods.js';
import type { Entry, Job } from '../protocol/types.js';
import type { Frame } from './connection.js';
import type { Server } from './server.js';
import { need } from './verdict.js';

export interface Aborted {
  readonly job: Job;
  /** Offset from which on all subscribers listen: they began one after the other. */
  readonly since: number;
  /** Of the asynchronous and the synchronous abort, which were sent together. */
  readonly requested: Frame;
  readonly settled: Frame;
  /** Entries that the caller was sent, and those of them before the result of the synchronous abort. */
  readonly caller: readonly Entry[];
  readonly callerBefore: readonly Entry[];
  /** Entries of a second subscriber, and of one that was cut before the abort and has resumed. */
  readonly watcher: readonly Entry[];
  readonly resumed: readonly Entry[];
  /** Answers of the calls before and after. */
  readonly stale: Frame;
  readonly again: Frame;
  readonly transcript: readonly string[];
}

/** Milliseconds of the aborts' bound; a soft cancel of a job that copies takes as long as its last request. */
const BOUND_MS = 10_000;
const MARGIN_MS = 1_500;

/** Reasons with which a server may refuse an abort: QEMU does not cancel a job that stands still, as it does for a moment when another one starts. */
export const REFUSALS: readonly string[] = [
  'JOB_STATE',
  'FORBIDDEN',
  'UNSUPPORTED',
  'SOURCE_DOWN',
  'SOURCE_BUSY',
  'RATE_LIMITED',
];

/** The job that may be aborted. */
export const target = ({ options }: Server): JobTarget => need(options.abort, 'needs --abort SOURCE/JOB');

/** The one abort, at its first need. */
export const aborted = async (server: Server): Promise<Aborted> => {
  const result = await server.once('abort', () => abort(server));
  for (const line of result.transcript) server.record(line);
  return result;
};

async function abort(server: Server): Promise<Aborted> {
  const { source, job } = target(server);
  const [caller, watcher, cut] = [await server.connect(), await server.connect(), await server.connect()];
  const found = await caller.ask('job.get', { source, job });
  need(found.result, `${source}/${job}: ${found.error?.message}`);
  const { run, settled: ended } = found.result as Job;
  need(!ended, `${source}/${job} has settled already`);
  const filter = { sources: [source], snapshot: false };
  const { subscription } = await caller.call('subscribe', filter);
  await watcher.call('subscribe', filter);
  const { cursor } = await cut.call('subscribe', filter);
  cut.cut();
  const stale = await caller.ask('job.abort', { source, job, run: `${run}000000`.slice(-64) });
  const bounds = { source, job, run, timeoutMs: BOUND_MS };
  const asynchronous = caller.request('job.abort', bounds);
  const synchronous = caller.request('job.abort', { ...bounds, sync: true });
  const requested = await caller.reply(asynchronous, 0, BOUND_MS + MARGIN_MS);
  const settled = await caller.reply(synchronous, 0, BOUND_MS + MARGIN_MS);
  for (const { error } of [requested, settled]) {
    const reason = error?.data?.reason ?? '';
    need(!REFUSALS.includes(reason), `the abort of ${source}/${job} was refused: ${reason}: ${error?.message}`);
  }
  const callerBefore = caller.events(subscription, caller.frames.indexOf(settled));
  const again = await caller.ask('job.abort', { ...bounds, sync: true });
  const back = await server.connect();
  await back.call('subscribe', { ...filter, after: cursor });
  for (const each of [caller, watcher, back]) await each.quiet();
  return {
    job: found.result as Job,
    since: parseCursor(cursor)?.offset ?? 0,
    requested,
    settled,
    caller: caller.events(subscription),
    callerBefore,
    watcher: watcher.events(subscription),
    resumed: back.events(subscription),
    stale,
    again,
    transcript: [...server.transcript],
  };
}
