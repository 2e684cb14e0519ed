// One line of the operator's log for each verb that somebody asked for, refused ones too: who, from where, what, and what came of it. Addresses and
// refusals stand there alone: the log of events is read by everybody who sees the source. Metrics count these calls, and those that only read; a dry
// run is none.
import type { CallContext } from '../access/index.js';
import type { Clock } from '../clock.js';
import type { Answer } from '../protocol/answer.js';
import type { AbortParams, DryRun, DryRunParam, JobTarget, Requested, Settled } from '../protocol/methods.js';
import type { Job } from '../protocol/types.js';
import type { GatewayLogger } from './logger.js';
import type { CommandName, CommandPort } from './ports.js';
import type { CommandRecord, GatewayRecorder } from './recorder.js';

type Result = Job | Requested | Settled | DryRun;
type Command = (
  context: CallContext,
  params: JobTarget & Pick<AbortParams, 'sync'> & DryRunParam,
) => Promise<Answer<Result>>;

export interface AuditDeps {
  logger: Pick<GatewayLogger, 'info'>;
  recorder: GatewayRecorder;
  clock: Clock;
}

/** They change nothing. */
export const READING: readonly CommandName[] = ['job.get', 'job.wait'];

/** @param commands as clients may use them: what is refused by their grants is refused in there. */
export function audit(commands: CommandPort, { logger, recorder, clock }: AuditDeps): CommandPort {
  const names = Object.keys(commands) as CommandName[];
  const audited = names.map((name) => {
    return [name, record(name, commands[name] as Command)];
  });
  return Object.fromEntries(audited) as CommandPort;

  function record(name: CommandName, command: Command): Command {
    return async (context, params) => {
      const answer = await command(context, params);
      if (params.dryRun) return answer;
      const { source, job, run, ...args } = params;
      const verb = name.slice('job.'.length);
      const ms = clock.now() - context.receivedAt;
      const sync = verb === 'wait' || params.sync === true;
      recorder.answered({ verb, sync, result: resultOf(answer), seconds: ms / 1_000 });
      if (READING.includes(name)) return answer;
      const result = answer.ok ? answer.result : undefined;
      logger.info(
        {
          audit: verb,
          ...{
            principal: context.principal.name,
            address: context.address,
            source,
            job,
            run: run ?? result?.run,
            args,
          },
          result: answer.ok ? result?.status : answer.error.reason,
          ms: Math.round(ms),
        },
        'audit',
      );
      return answer;
    };
  }
}

function resultOf(answer: Answer<Result>): CommandRecord['result'] {
  if (!answer.ok) return answer.error.reason;
  const { result } = answer;
  if (result.status === 'settled') return result.outcome;
  return result.status === 'requested' ? 'requested' : 'found';
}
