// What the gateway needs of the rest of the program; `app.ts` supplies it. Commands go back by CommandPort alone.
import type { Observable } from 'rxjs';
import type { CallContext } from '../access/index.js';
import type { Answer } from '../protocol/answer.js';
import type { Methods } from '../protocol/methods.js';
import type { Job, Progress, SettledRun, SourceInfo } from '../protocol/types.js';

export type CommandName = Exclude<Extract<keyof Methods, `job.${string}`>, 'job.list'>;

/** The closed set of what may be done to a job. Answers by the context's deadline; never rejects. */
export type CommandPort = {
  [Name in CommandName]: (
    context: CallContext,
    params: Methods[Name]['params'],
  ) => Promise<Answer<Methods[Name]['result']>>;
};

/** The present, read synchronously: with the log's cursor it is one consistent cut. */
export interface ViewPort {
  sources(): SourceInfo[];
  jobs(wants: (source: string) => boolean): Job[];
  /** Every settlement that is remembered, oldest first. One that ended stays the same object. */
  settled(): readonly SettledRun[];
  /** Whether the run is present and has not settled. */
  isLive(source: string, job: string, run: string): boolean;
  /** Fresh measures of live jobs. */
  progress$: Observable<Progress[]>;
  /** Resolves when the jobs of these sources are at most `maxAgeMs` old, or after `waitMs`; `undefined`: they are. */
  freshen(wants: (source: string) => boolean, maxAgeMs: number, waitMs: number): Promise<void> | undefined;
  /** What is wanted of `progress$` from now on; `undefined` ends the demand of that key. */
  demand(key: string, demand: { wants: (source: string) => boolean; everyMs: number } | undefined): void;
}
