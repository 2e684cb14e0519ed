// Changes of a job's status, checked against QEMU's table, with their events.
import { raisedBy } from './lacks.js';
import { isBlockJob, type SimJob, TRANSITIONS, type World } from './model.js';

export const emit = (world: World, event: string, data: Record<string, unknown>): void => {
  world.effects.push({ kind: 'event', event: { event, data } });
};

/** The same status changes nothing. An illegal change throws where QEMU asserts: it would be a bug here. */
export function transition(world: World, job: SimJob, status: SimJob['status']): void {
  if (job.status === status) return;
  if (!TRANSITIONS[job.status]?.includes(status))
    throw new Error(`job ${job.id}: ${job.status} to ${status} is illegal`);
  job.status = status;
  if (!world.lacks.has('status-events')) emit(world, 'JOB_STATUS_CHANGE', { status, id: job.id });
}

export function emitBlockJob(
  world: World,
  event: string,
  job: SimJob,
  { error, pivoted }: { error?: string | null; pivoted?: boolean } = {},
): void {
  if (!isBlockJob(job) || !raisedBy(world.lacks).includes(event)) return;
  const { id: device, len, offset, speed, type } = job;
  const data = { device, len, offset, speed, type, ...(error ? { error } : {}) };
  world.effects.push({ kind: 'event', event: { event, data, ...(pivoted !== undefined && { pivoted }) } });
}

/** From running or ready into paused or standby. */
export function enterPause(world: World, job: SimJob): void {
  if (job.status === 'running') transition(world, job, 'paused');
  else if (job.status === 'ready') transition(world, job, 'standby');
}

/** From paused or standby back. */
export function leavePause(world: World, job: SimJob): void {
  if (job.status === 'paused') transition(world, job, 'running');
  else if (job.status === 'standby') transition(world, job, 'ready');
}

export const find = (world: World, id: string): SimJob | undefined => world.jobs.find((job) => job.id === id);
