// QEMU's rules of a job, under the name that this layer uses.
export { allows, hintFor, isBlockJob, isReachable, JOB_STATUSES, TRANSITIONS } from '../../protocol/rules.js';
