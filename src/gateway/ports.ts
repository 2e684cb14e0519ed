// What the gateway needs of the rest of the program; `app.ts` supplies it. CommandPort is the only way to command a source.
import type { Observable } from 'rxjs';
import type { CallContext } from '../access/index.js';
import type { RunHistory } from '../history/index.js';
import type { Answer } from '../protocol/answer.js';
import type { ProgressSample } from '../protocol/history.js';
import type { Methods } from '../protocol/methods.js';
import type { Job, Progress, SettledRun, SourceInfo } from '../protocol/types.js';

export type CommandName = Exclude<Extract<keyof Methods, `job.${string}`>, 'job.list'>;

/** Everything that may be done to a job. Answers by the context's deadline; never rejects. */
export type CommandPort = {
  [Name in CommandName]: (
    context: CallContext,
    params: Methods[Name]['params'],
  ) => Promise<Answer<Methods[Name]['result']>>;
};

/** The present state, read synchronously: together with the log's cursor it is one consistent cut. */
export interface ViewPort {
  sources(): SourceInfo[];
  jobs(wants: (source: string) => boolean): Job[];
  /** Every settlement in the history, oldest first. A settlement is always the same object. */
  settled(): readonly SettledRun[];
  /** Whether the run is present and has not settled. */
  isLive(source: string, job: string, run: string): boolean;
  /** New measures of live jobs. */
  progress$: Observable<Progress[]>;
  /** Resolves when the measures of these sources' jobs are at most `maxAgeMs` old, or after `waitMs`; `undefined`: they are already. */
  freshen(wants: (source: string) => boolean, maxAgeMs: number, waitMs: number): Promise<void> | undefined;
  /** Sets a demand for `progress$`; `undefined` ends the demand of that key. */
  demand(key: string, demand: { wants: (source: string) => boolean; everyMs: number } | undefined): void;
}

/** The runs that have ended. */
export interface HistoryPort extends Pick<RunHistory, 'older'> {
  /** Of a live run. */
  progressOf(run: { source: string; run: string }): readonly ProgressSample[];
}
