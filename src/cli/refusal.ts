// What the gateway refused, in the words of the command line: the cause, the next command, and the exit code. Pure.
import type { GatewayError } from '../client/node.js';
import { describeTimeout, refuserOf } from '../protocol/words.js';
import { CliError, EXIT, type ExitCode } from './exit.js';

export const HOW_TO_LOG_IN = 'qmp-gateway login, --token-file FILE, or QMP_GATEWAY_TOKEN';

/** Of refusals by name that are not 1; NO_ANSWER is not among them, as its code differs. */
export const REASON_CODES: Readonly<Record<string, ExitCode>> = {
  INVALID_PARAMS: EXIT.usage,
  INVALID_OPTION: EXIT.usage,
  TOO_LARGE: EXIT.usage,
  TIMEOUT: EXIT.timeout,
  OUTCOME_UNKNOWN: EXIT.unknown,
  // The command was sent and not answered. Requests that may be repeated were repeated before this.
  CONNECTION_LOST: EXIT.unknown,
};

/** Members of requests by the flags and arguments that they come from. */
const FLAGS: Readonly<Record<string, string>> = {
  source: 'SOURCE',
  job: 'JOB',
  speed: 'SPEED',
  run: '--run',
  timeoutMs: '--timeout',
  escalateAfterMs: '--escalate-after',
  dryRun: '--dry-run',
  sources: '--source',
  jobs: '--job',
  types: '--type',
  outcomes: '--outcome',
  by: '--by',
  limit: '--limit',
  after: '--after',
  last: '--tail',
  from: '--since',
  endedAfter: '--since',
};

/** A job that a command was for. */
export interface Target {
  source: string;
  job: string;
  run?: string;
}

/**
 * @param target what it was asked for, if it was one job.
 * @param isWait whether it only waited: there is no command that may have had its effect.
 */
export function refusalOf(error: GatewayError, target?: Target, isWait = false): CliError {
  const { hint, desc, accepted, sent, problems } = error.data;
  const unanswered = sent === true ? EXIT.timeout : EXIT.unreachable;
  const code = error.reason === 'NO_ANSWER' ? unanswered : (REASON_CODES[error.reason] ?? EXIT.failed);
  if (Array.isArray(problems)) return new CliError(code, problems.map(inFlags), { cause: error });
  const next = nextOf(error, target, isWait);
  const lines = [
    `${error.reason}: ${error.message}`,
    ...(desc && desc !== error.message ? [`  ${refuserOf(error.data.class)} says: ${desc}`] : []),
    ...(hint ? [`  hint: ${inCommands(String(hint))}`] : []),
    ...(error.reason === 'TIMEOUT' && !isWait ? [`  ${describeTimeout(accepted)}`] : []),
    ...(next === undefined ? [] : [`  next: ${next}`]),
  ];
  return new CliError(code, lines, { cause: error });
}

/** `timeoutMs: too small` is `--timeout: too small`. */
function inFlags(problem: unknown): string {
  const text = String(problem);
  const [, member = '', rest = ''] = /^(\w+)(?:\.\d+)?(:.*)$/s.exec(text) ?? [];
  return Object.hasOwn(FLAGS, member) ? `${FLAGS[member]}${rest}` : text;
}

/** Methods that a hint names, as the commands that call them. */
export function inCommands(hint: string): string {
  return hint
    .replace(/\bjob\.(\w+)/g, (_, verb: string) => `"qmp-gateway ${verb === 'setSpeed' ? 'speed' : verb}"`)
    .replace('abort with force', '"qmp-gateway abort --force"');
}

/** The command that shows more, or goes on. */
function nextOf({ reason, data }: GatewayError, target: Target | undefined, isWait: boolean): string | undefined {
  const job = target && `${quoted(target.source)} ${quoted(target.job)}`;
  const run = target?.run === undefined ? '' : ` --run ${target.run}`;
  switch (reason) {
    case 'JOB_NOT_FOUND':
      return (
        target &&
        `qmp-gateway jobs --source ${quoted(target.source)}; one that has ended: qmp-gateway show ${job}${run}`
      );
    case 'STALE_RUN':
      return job && `qmp-gateway get ${job}${data.run === undefined ? '' : ` (its run is ${data.run})`}`;
    case 'SOURCE_NOT_FOUND':
    case 'SOURCE_DOWN':
    case 'UNSUPPORTED':
      return 'qmp-gateway sources';
    case 'TIMEOUT':
      return job && (isWait || data.accepted !== false)
        ? `qmp-gateway wait ${job}${run}`
        : job && `qmp-gateway get ${job}`;
    case 'OUTCOME_UNKNOWN':
    case 'CONNECTION_LOST':
      return job && `qmp-gateway show ${job}${run}`;
    case 'UNAUTHENTICATED':
      return HOW_TO_LOG_IN;
    case 'RATE_LIMITED':
    case 'SOURCE_BUSY':
      return `again in ${data.retryAfterMs} ms`;
    default:
      return undefined;
  }
}

/** As a shell takes it. */
export const quoted = (text: string): string =>
  /^[\w.:@%+,/#-]+$/.test(text) && !text.startsWith('#') ? text : `'${text.replaceAll("'", "'\\''")}'`;
