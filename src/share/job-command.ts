// What a tool's command asks of a job: the reverse of `sources/qmp/commands`. Pure.
import { isLosslessNumber } from 'lossless-json';
import type { Int64, JobVerb } from '../protocol/types.js';
import type { JobCommand } from '../sources/index.js';
import type { Dict } from './request.js';

const VERBS = new Map<string, JobVerb>([
  ['block-job-cancel', 'abort'],
  ['job-cancel', 'abort'],
  ['block_job_cancel', 'abort'],
  ['block-job-complete', 'complete'],
  ['job-complete', 'complete'],
  ['block-job-pause', 'pause'],
  ['job-pause', 'pause'],
  ['block-job-resume', 'resume'],
  ['job-resume', 'resume'],
  ['block-job-finalize', 'finalize'],
  ['job-finalize', 'finalize'],
  ['block-job-dismiss', 'dismiss'],
  ['job-dismiss', 'dismiss'],
  ['block-job-set-speed', 'setSpeed'],
  ['block_job_set_speed', 'setSpeed'],
]);

/** @param args as `readRequest` gives them. `undefined`: it is no command on a job, or QEMU will refuse it for what it lacks. */
export function readJobCommand(name: string, args: Dict): JobCommand | undefined {
  const verb = VERBS.get(name);
  const id = args.id ?? args.device;
  if (verb === undefined || typeof id !== 'string') return undefined;
  const speed = verb === 'setSpeed' ? readInt64(args.speed ?? args.value) : undefined;
  // `job-cancel` always forces (qapi/job.json).
  return {
    verb,
    id,
    ...(verb === 'abort' && { force: name === 'job-cancel' || args.force === true }),
    ...(speed !== undefined && { speed }),
  };
}

function readInt64(value: unknown): Int64 | undefined {
  if (!isLosslessNumber(value)) return undefined;
  const text = value.toString();
  if (!/^-?\d{1,20}$/.test(text)) return undefined;
  return Number.isSafeInteger(Number(text)) ? Number(text) : text;
}
