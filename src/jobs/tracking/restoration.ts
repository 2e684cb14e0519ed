// The job layer as a log has it: the saved lines, then the entries after them. It decides nothing; the sources do, once they are connected again.
import { isSourceAbout } from '../../protocol/event-data.js';
import { formatMicros, parseMicros } from '../../protocol/time.js';
import type { Entry, GatewayEventData, SourceInfo } from '../../protocol/types.js';
import { readRunRecord } from '../model/evidence.js';
import { type FoldedEntry, RunFold } from '../model/fold-runs.js';
import type { Run } from '../model/run.js';
import { isRun, isSettledRun, isSourceInfo } from '../model/run-form.js';
import type { Ended } from './run-store.js';
import type { SavedLine } from './saved-state.js';
import { type RestoredSource, type SavedAbout, SOURCE_EVIDENCE, type SourceEvidence } from './source-evidence.js';

interface Restoring {
  about: SavedAbout;
  /** As it was when the lines were saved. */
  info: SourceInfo | undefined;
  identity: unknown;
  fold: RunFold;
}

export class Restoration {
  readonly #sources = new Map<string, Restoring>();
  /** The oldest first. */
  readonly #settled = new Map<string, Ended>();
  readonly #onSettled: (ended: Ended, isNew: boolean) => void;
  readonly #only: string | undefined;

  /**
   * @param only the source of which everything is, as another gateway wrote it: what is of another, or has not its form, is an exception.
   * @param onSettled called for each settlement: of the saved lines, or, where it `isNew`, of an entry after them. By default they are kept.
   */
  constructor(only?: string, onSettled?: (ended: Ended, isNew: boolean) => void) {
    this.#only = only;
    this.#onSettled = onSettled ?? ((ended) => this.#settled.set(ended.settled.run, ended));
  }

  /** The next line of {@link saveState}. */
  line(text: string): void {
    const line = JSON.parse(text) as SavedLine;
    if (line.kind === 'settled') {
      this.#restoreSettled({ settled: line.settled, last: readRunRecord(line.last) });
      return;
    }
    if (line.kind === 'source') {
      const source = this.#source(line.name);
      this.#setAbout(source, line.about);
      if (line.info && this.#only !== undefined && !(isSourceInfo(line.info) && line.info.name === this.#only))
        throw new Error(`what ${line.name} is has not its form`);
      source.info = line.info;
      source.identity = line.evidence.identity;
      source.fold.legacy = line.evidence.legacy === true;
      return;
    }
    if (line.kind === 'run') {
      const run = readRunRecord(line.run);
      this.#check(run);
      this.#source(run.source).fold.runs.set(run.id, run);
    }
    // A later version may save more.
    if (line.kind === 'command') {
      const { source, kind: _kind, ...command } = line;
      this.#source(source).fold.commands.set(command.command.command, command);
    }
  }

  /** The next entry of the log. @param json as the wire has it. */
  entry(json: string, cursor: string): void {
    const { time, ...entry } = JSON.parse(json) as Entry;
    this.apply({ ...entry, cursor, time: parseMicros(time) });
  }

  /** The next entry of the log. */
  apply(entry: FoldedEntry): void {
    const { source: name, type, data } = entry;
    if (type === 'GATEWAY_SOURCE_REMOVED') return void this.#sources.delete(name);
    const source = this.#source(name);
    if (type === SOURCE_EVIDENCE) {
      const { identity, legacy } = data as SourceEvidence;
      if (identity !== undefined) source.identity = identity;
      if (legacy !== undefined) source.fold.legacy = legacy;
    }
    if (type === 'GATEWAY_SOURCE_UP') {
      const { same: _same, owner: _owner, ...about } = data as GatewayEventData['GATEWAY_SOURCE_UP'];
      this.#setAbout(source, about);
    }
    if (type === 'GATEWAY_SOURCE_SYNCED') {
      const { verbs } = data as GatewayEventData['GATEWAY_SOURCE_SYNCED'];
      if (verbs) this.#setAbout(source, { ...source.about, verbs });
    }
    source.fold.apply(entry);
  }

  /** Entries are missing, in which any of these runs may have settled: jobs that are found now are new runs. */
  forgetRuns(): void {
    for (const { fold } of this.#sources.values()) {
      fold.runs.clear();
      fold.commands.clear();
    }
  }

  get sources(): RestoredSource[] {
    return [...this.#sources].map(([name, { about, info, identity, fold }]) => ({
      name,
      info,
      about,
      evidence: { ...(identity !== undefined && { identity }), legacy: fold.legacy },
      runs: fold.runs.values(),
      commands: fold.commands.values(),
    }));
  }

  /** The present runs of a source, by id. */
  runsOf(source: string): ReadonlyMap<string, Run> | undefined {
    return this.#sources.get(source)?.fold.runs;
  }

  get settled(): Iterable<Ended> {
    return this.#settled.values();
  }

  #setAbout(source: Restoring, about: SavedAbout): void {
    if (this.#only !== undefined && !isSourceAbout(about)) throw new Error(`what ${this.#only} is has not its form`);
    source.about = about;
  }

  #restoreSettled(ended: Ended): void {
    const { settled, last } = ended;
    this.#check(last);
    if (
      this.#only !== undefined &&
      !(isSettledRun(settled) && settled.source === last.source && settled.run === last.run)
    )
      throw new Error('a settlement has not the form of one');
    this.#onSettled(ended, false);
  }

  #check(run: Run): void {
    if (this.#only !== undefined && !(isRun(run) && run.source === this.#only))
      throw new Error(`a run has not the form of one of ${this.#only}`);
  }

  #source(name: string): Restoring {
    const known = this.#sources.get(name);
    if (known) return known;
    if (this.#only !== undefined && name !== this.#only) throw new Error(`${name} is not ${this.#only}`);
    const fold = new RunFold(
      false,
      (run, entry) => this.#ended(run, entry),
      (run) => this.#check(run),
    );
    const source: Restoring = { about: {}, info: undefined, identity: undefined, fold };
    this.#sources.set(name, source);
    return source;
  }

  #ended(last: Run, { cursor, source, time, data }: FoldedEntry): void {
    const { run, ref } = last;
    const settled = data as GatewayEventData['GATEWAY_JOB_SETTLED'];
    const moment = time === null ? null : formatMicros(time);
    this.#onSettled({ settled: { source, job: ref.id, run, cursor, time: moment, settled }, last }, true);
  }
}
