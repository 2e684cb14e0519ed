// Commands checked against the caller's grants. For a job that the caller does not see the answer is that of an unknown source, and a verb that it
// may not use is refused; neither reaches a source.
import type { CallContext } from '../access/index.js';
import { type Answer, refuse } from '../protocol/answer.js';
import type { JobTarget } from '../protocol/methods.js';
import type { JobVerb } from '../protocol/types.js';
import type { CommandName, CommandPort } from './ports.js';

type Command = (context: CallContext, params: JobTarget) => Promise<Answer<object>>;

export function authorize(commands: CommandPort): CommandPort {
  const names = Object.keys(commands) as CommandName[];
  const held = names.map((name) => [name, hold(name, commands[name] as Command)]);
  return Object.fromEntries(held) as CommandPort;
}

function hold(name: CommandName, command: Command): Command {
  const verb = verbOf(name);
  return async (context, params) => {
    const { source, job } = params;
    const { principal } = context;
    if (!seesJob(principal, source, job)) return unseen(source);
    if (verb !== undefined && !principal.grants.may(verb, source, job))
      return refuse('FORBIDDEN', `${verb} is not granted on ${job} of ${source}`, { verb });
    const answer = await command(context, params);
    // The grants may have changed while the call waited.
    if (!seesJob(principal, source, job)) return verb === undefined ? unseen(source) : outOfSight();
    // `run` alone may name the run of another job.
    if (answer.ok && isOfAnother(answer.result, principal))
      return refuse('JOB_NOT_FOUND', `no job ${job} on ${source}`);
    return answer;
  };
}

/** `undefined`: the method only reads. */
function verbOf(name: CommandName): JobVerb | undefined {
  if (name === 'job.get' || name === 'job.wait') return undefined;
  return name.slice('job.'.length) as JobVerb;
}

function seesJob({ grants }: CallContext['principal'], source: string, job: string): boolean {
  return grants.sees(source) && grants.sees(source, job);
}

function isOfAnother(result: object, principal: CallContext['principal']): boolean {
  const { source, job } = result as JobTarget;
  return !seesJob(principal, source, job);
}

/** Worded as for an unknown source. */
function unseen(source: string): Answer<never> {
  return refuse('SOURCE_NOT_FOUND', `no source ${source}`);
}

function outOfSight(): Answer<never> {
  return refuse(
    'OUTCOME_UNKNOWN',
    'the grants have changed, and the caller may no longer see the result of the command',
  );
}
