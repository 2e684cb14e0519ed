// `history.list` and `history.get`. A search may have to look at every run of a year, so it goes in steps, each in a turn of the loop of its own.
import type { CallContext } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import { digest32, digestOfRun, type Place, type RowHead } from '../../history/index.js';
import { type Answer, refuse, refuseParams } from '../../protocol/answer.js';
import { compileGlobs } from '../../protocol/glob.js';
import type { HistoryParams, HistoryRun, ProgressSample } from '../../protocol/history.js';
import { HISTORY_DEFAULT, LIMITS } from '../../protocol/limits.js';
import type { JobTarget, Methods } from '../../protocol/methods.js';
import type { HistoryPort, ViewPort } from '../ports.js';
import type { GatewayRecorder } from '../recorder.js';
import type { WorkQueue } from '../scheduler.js';
import { CallPlaces } from './call-places.js';
import { readStory, type StoryDeps } from './run-story.js';

export interface HistoryDeps extends StoryDeps {
  view: ViewPort;
  history: HistoryPort;
  searches: WorkQueue;
  recorder: GatewayRecorder;
  clock: Clock;
}

type Late<Result> = Answer<Result> | (() => Answer<Result>);
type Page = Methods['history.list']['result'];
type Story = Methods['history.get']['result'];
/** A run that was read, and the place before it. */
interface Read {
  run: HistoryRun & { progress: readonly ProgressSample[] };
  place: Place;
}

/** Milliseconds of one step, and of one search: it ends with what it has then. */
const STEP_MS = 2;
const SEARCH_MS = 2_000;

export class HistoryCalls {
  readonly #deps: HistoryDeps;
  readonly #places: CallPlaces;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
    this.#places = new CallPlaces(deps.clock);
  }

  list(context: CallContext, params: HistoryParams): Promise<Late<Page>> {
    return this.#inPlace(context, () => this.#list(context, params));
  }

  get(context: CallContext, target: JobTarget): Promise<Late<Story>> {
    return this.#inPlace(context, () => this.#get(context, target));
  }

  async #inPlace<Result>(
    { signal, deadline, owner }: CallContext,
    call: () => Promise<Late<Result>>,
  ): Promise<Late<Result>> {
    const leave = await this.#places.enter(owner ?? signal, deadline - this.#deps.clock.now());
    try {
      // A caller that has gone needs no answer.
      if (leave && !signal.aborted) return await call();
    } finally {
      leave?.();
    }
    this.#deps.recorder.limited('history_calls');
    return refuse('RATE_LIMITED', 'too many calls search the history', { retryAfterMs: 1_000 });
  }

  async #list({ principal, signal }: CallContext, params: HistoryParams): Promise<Late<Page>> {
    const { limit = HISTORY_DEFAULT, pageToken } = params;
    const from = pageToken === undefined ? undefined : parsePlace(pageToken);
    if (pageToken !== undefined && from === undefined) return refuseParams('pageToken: malformed');
    const [jobs, by] = [compileGlobs(params.jobs), compileGlobs(params.by)];
    const isVisible = ({ source, job }: HistoryRun): boolean =>
      principal.grants.sees(source) && principal.grants.sees(source, job);
    const runs: HistoryRun[] = [];
    let bytes = 0;
    let last: Place | undefined;
    const next = await this.#search(
      from,
      rowFilter(params, (source) => principal.grants.sees(source)),
      signal,
      ({ run, place }) => {
        const { progress: _progress, ...row } = run;
        if (!jobs(row.job) || (params.by && !row.requestedBy.some(by)) || !isVisible(row)) return false;
        bytes += JSON.stringify(row).length;
        if (runs.length > 0 && bytes > LIMITS.snapshotPageBytes) return true;
        runs.push(row);
        last = place;
        return runs.length >= limit;
      },
    );
    const more = next === 'enough' ? last : next;
    // The grants may have changed meanwhile.
    return () => ({
      ok: true,
      result: { runs: runs.filter(isVisible), ...(more && { pageToken: formatPlace(more) }) },
    });
  }

  async #get({ principal, signal, deadline }: CallContext, target: JobTarget): Promise<Late<Story>> {
    const { source, job, run } = target;
    const { view, history } = this.#deps;
    const isVisible = (): boolean => principal.grants.sees(source) && principal.grants.sees(source, job);
    const unseen = (): Answer<never> => refuse('SOURCE_NOT_FOUND', `no source ${source}`);
    if (!isVisible()) return unseen();
    const live = view
      .jobs((name) => name === source)
      .find((each) => each.job === job && !each.settled && (run ?? each.run) === each.run);
    const record = live ? undefined : await this.#find(target, signal);
    const found = live ?? record;
    if (!found) {
      const isKnown = view.sources().some(({ name }) => name === source);
      return isKnown
        ? refuse('JOB_NOT_FOUND', `no run${run === undefined ? '' : ` ${run}`} of ${job} on ${source} is known`)
        : unseen();
    }
    const { progress = history.progressOf(found), ...kept } = record ?? {};
    const names = { source, job, run: found.run };
    const span = { ...names, began: found.began, ended: record?.ended };
    const { entries, missing } = await readStory(span, deadline, signal, this.#deps);
    return () => {
      if (!isVisible()) return unseen();
      const settled = record && { record: kept as HistoryRun };
      const lack = missing.length > 0 && { truncated: true, missing };
      return { ok: true, result: { ...names, ...settled, progress, entries, ...lack } };
    };
  }

  /** The newest run of a job that has ended, or the named one. */
  async #find({ source, job, run }: JobTarget, signal: AbortSignal): Promise<Read['run'] | undefined> {
    const [jobDigest, runDigest] = [digest32(job), run === undefined ? undefined : digestOfRun({ source, run })];
    const wants = (row: RowHead): boolean =>
      row.jobDigest === jobDigest && (runDigest === undefined || row.runDigest === runDigest) && row.source === source;
    let found: Read['run'] | undefined;
    await this.#search(undefined, wants, signal, (read) => {
      const isIt = read.run.source === source && read.run.job === job && (run ?? read.run.run) === read.run.run;
      if (isIt) found = read.run;
      return isIt;
    });
    return found;
  }

  /**
   * Reads runs, newest first, until `take` has enough.
   *
   * @returns where to go on: `enough`, `take` knows; `undefined`, at the oldest.
   */
  async #search(
    from: Place | undefined,
    wants: (row: RowHead) => boolean,
    signal: AbortSignal,
    take: (read: Read) => boolean,
  ): Promise<Place | 'enough' | undefined> {
    const { clock, history } = this.#deps;
    const due = clock.now() + SEARCH_MS;
    let place = from;
    for (;;) {
      const begin = place;
      const { found, next } = await this.#inTurn(() => {
        const end = clock.now() + STEP_MS;
        return history.older(begin, wants, () => clock.now() > end);
      });
      let at = 0;
      let isEnough = false;
      await this.#inTurn(() => {
        const end = clock.now() + STEP_MS;
        for (; at < found.length && !isEnough; at++) {
          if (clock.now() > end) return undefined;
          const each = found[at];
          const run = each?.read();
          if (each && run) isEnough = take({ run, place: each.place });
        }
        return true;
      });
      if (isEnough) return 'enough';
      if (next === undefined || signal.aborted || clock.now() > due) return next;
      place = next;
    }
  }

  /** Calls it, a turn after the other, until it gives something. */
  #inTurn<Value>(work: () => Value | undefined): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#deps.searches.later({}, () => {
        try {
          const value = work();
          if (value === undefined) return false;
          resolve(value);
        } catch (error) {
          reject(error);
        }
        return true;
      });
    });
  }
}

/** What the rows alone can tell. Each source is compared once. */
function rowFilter(
  { sources, outcomes, endedAfter, endedBefore }: HistoryParams,
  sees: (source: string) => boolean,
): (row: RowHead) => boolean {
  const wanted = compileGlobs(sources);
  const known = new Map<string, boolean>();
  const after = endedAfter === undefined ? Number.NEGATIVE_INFINITY : Date.parse(endedAfter);
  const before = endedBefore === undefined ? Number.POSITIVE_INFINITY : Date.parse(endedBefore);
  return ({ end, outcome, source }) => {
    if (end < after || end >= before || outcomes?.includes(outcome) === false) return false;
    let isWanted = known.get(source);
    if (isWanted === undefined) {
      isWanted = wanted(source) && sees(source);
      known.set(source, isWanted);
    }
    return isWanted;
  };
}

const formatPlace = ({ file, position }: Place): string =>
  Buffer.from(JSON.stringify([file, position])).toString('base64url');

/** Never throws; `undefined`: the token is malformed. */
function parsePlace(token: string): Place | undefined {
  try {
    const [file, position, ...rest] = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown[];
    const isPlace = Number.isSafeInteger(file) && Number.isSafeInteger(position) && rest.length === 0;
    return isPlace ? { file: file as number, position: position as number } : undefined;
  } catch {
    return undefined;
  }
}
