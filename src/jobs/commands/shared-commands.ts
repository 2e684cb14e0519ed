// Commands that other tools send to QEMU through the gateway's connection: entries of the log, and, where one acts on a job, known to its run as a
// command of the gateway is.
import type { Clock } from '../../clock.js';
import type { JobVerb } from '../../protocol/types.js';
import type { CommandReply, JobCommand } from '../../sources/index.js';
import { nameOf } from '../model/job-name.js';
import type { Journal } from '../model/journal.js';
import type { SourceRegistry } from '../tracking/source-registry.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import type { WrittenCommand } from '../tracking/track-listener.js';
import { answerOf } from './send-command.js';

export interface SharedCommand {
  source: string;
  /** As `requestedBy` names it. */
  tool: string;
  /** QMP's name of it. */
  name: string;
  /** What it asks of a job; `undefined`: it is no command on a job. */
  job: JobCommand | undefined;
}

/** What becomes of such a command. */
export interface SharedCommandTrace {
  /** Called in the event-loop turn in which it is written. */
  written(): void;
  /** Called at the reply's place in the source's own order. */
  replied(reply: CommandReply): void;
}

export class SharedCommands {
  readonly #registry: SourceRegistry;
  readonly #journalOf: (source: string) => Journal;
  readonly #clock: Clock;

  constructor(registry: SourceRegistry, journalOf: (source: string) => Journal, clock: Clock) {
    this.#registry = registry;
    this.#journalOf = journalOf;
    this.#clock = clock;
  }

  /** Called before the command is queued: where it may lead to a pivot, the users of the disk are queried before it is written. */
  begin(command: SharedCommand): SharedCommandTrace {
    const { job } = command;
    const tracker = this.#registry.get(command.source);
    const present = job && tracker?.runs.get(job.id);
    if (present?.sawReady && job && mayPivot(job)) tracker?.renewBaseline(present);
    let entry: WrittenCommand | undefined;
    return {
      written: () => {
        this.#append(command);
        if (tracker && job) entry = write(tracker, job, command.tool);
      },
      replied: (reply) => {
        if (!tracker || !entry) return;
        tracker.answered(entry, answerOf(reply));
        // QEMU knows no runs: by now another one may have the id, and the command may have reached it.
        const now = tracker.runs.get(entry.id);
        const isEnd = entry.command.verb === 'abort' || entry.command.verb === 'complete';
        if (isEnd && reply.kind === 'accepted' && now && now.run !== entry.ref.run)
          tracker.misdelivered(entry.id, command.tool);
      },
    };
  }

  #append({ source, tool, name, job }: SharedCommand): void {
    const time = Math.round(this.#clock.date() * 1_000);
    const data = { command: name, tool, ...(job && { args: argsOf(job, nameOf(job.id)) }) };
    this.#journalOf(source).append([{ source, type: 'GATEWAY_SHARED_COMMAND', time, data }]);
  }
}

function write(tracker: SourceTracker, job: JobCommand, tool: string): WrittenCommand | undefined {
  const run = tracker.runs.get(job.id);
  return run && tracker.written(run, { verb: job.verb, by: tool, args: argsOf(job, run.ref.id) });
}

const argsOf = ({ force, speed }: JobCommand, job: string): Record<string, unknown> => ({
  job,
  ...(force !== undefined && { force }),
  ...(speed !== undefined && { speed }),
});

/** A complete, or a soft cancel, which a complete of another client may have preceded. */
const mayPivot = ({ verb, force }: { verb: JobVerb; force?: boolean }): boolean =>
  verb === 'complete' || (verb === 'abort' && force !== true);
