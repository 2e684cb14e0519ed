// QEMU's rules for jobs from the protocol, under the names that this layer uses.
export { allows, effectOf, hintFor, isBlockJob, isReachable, JOB_STATUSES, TRANSITIONS } from '../../protocol/rules.js';
