// One job from the replies of query-block-jobs and query-jobs. The result lists all jobs, oldest first.
import { ERROR_LENGTH } from '../../protocol/limits.js';
import { cutText } from '../../protocol/text.js';
import type { BlockJobInfo, JobInfo } from '../../qmp/index.js';
import type { QueriedJob } from '../port.js';

/**
 * query-jobs lists jobs of every type, query-block-jobs has the details of block jobs. A job that only query-block-jobs lists is left out: it ended
 * before query-jobs, which is written after it.
 *
 * @param jobs undefined where QEMU lacks query-jobs (before 3.0).
 */
export function mergeQueries(blockJobs: readonly BlockJobInfo[], jobs: readonly JobInfo[] | undefined): QueriedJob[] {
  // Some of QEMU's internal jobs have no id, and no command could address them.
  const isNamed = ({ id }: QueriedJob): boolean => id !== '';
  if (!jobs) return blockJobs.map(fromBlock).filter(isNamed).reverse();
  const details = new Map(blockJobs.map((info) => [info.device, info]));
  return jobs
    .map((info) => fromJob(info, details.get(info.id)))
    .filter(isNamed)
    .reverse();
}

function fromBlock(info: BlockJobInfo): QueriedJob {
  const shown: QueriedJob = {
    id: info.device,
    type: info.type,
    // QEMU has this member since 2.12; before that two booleans say the same.
    status: info.status ?? (info.paused ? (info.ready ? 'standby' : 'paused') : info.ready ? 'ready' : 'running'),
    len: info.len,
    offset: info.offset,
    speed: info.speed,
  };
  if (info['io-status'] !== undefined) shown.ioStatus = info['io-status'];
  if (info.paused !== undefined) shown.paused = info.paused;
  if (info['auto-finalize'] !== undefined) shown.autoFinalize = info['auto-finalize'];
  if (info['auto-dismiss'] !== undefined) shown.autoDismiss = info['auto-dismiss'];
  if (info.error !== undefined) shown.error = cutText(info.error, ERROR_LENGTH);
  return shown;
}

function fromJob(info: JobInfo, details: BlockJobInfo | undefined): QueriedJob {
  const shown: QueriedJob = {
    ...(details && fromBlock(details)),
    id: info.id,
    type: info.type,
    status: info.status,
    len: info['total-progress'],
    offset: info['current-progress'],
  };
  if (info.error !== undefined) shown.error = cutText(info.error, ERROR_LENGTH);
  return shown;
}
