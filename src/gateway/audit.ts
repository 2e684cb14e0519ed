// One line of the operator's log for each verb that somebody asked for, refused ones too: who, from where, what, and what came of it. Addresses and
// refusals stand there alone: the log of events is read by everybody who sees the source.
import type { CallContext } from '../access/index.js';
import type { Clock } from '../clock.js';
import type { Answer } from '../protocol/answer.js';
import type { JobTarget } from '../protocol/methods.js';
import type { GatewayLogger } from './logger.js';
import type { CommandName, CommandPort } from './ports.js';

type Command = (context: CallContext, params: JobTarget) => Promise<Answer<object>>;

/** They change nothing. */
const READING: readonly CommandName[] = ['job.get', 'job.wait'];

/** @param commands as clients may use them: what is refused by their grants is refused in there. */
export function audit(commands: CommandPort, logger: Pick<GatewayLogger, 'info'>, clock: Clock): CommandPort {
  const names = Object.keys(commands) as CommandName[];
  const audited = names.map((name) => {
    const command = commands[name] as Command;
    return [name, READING.includes(name) ? command : record(name, command)];
  });
  return Object.fromEntries(audited) as CommandPort;

  function record(name: CommandName, command: Command): Command {
    return async (context, params) => {
      const answer = await command(context, params);
      const { source, job, run, ...args } = params;
      const result = answer.ok ? (answer.result as { status?: string; run?: string }) : undefined;
      logger.info(
        {
          audit: name.slice('job.'.length),
          ...{
            principal: context.principal.name,
            address: context.address,
            source,
            job,
            run: run ?? result?.run,
            args,
          },
          result: answer.ok ? result?.status : answer.error.reason,
          ms: Math.round(clock.now() - context.receivedAt),
        },
        'audit',
      );
      return answer;
    };
  }
}
