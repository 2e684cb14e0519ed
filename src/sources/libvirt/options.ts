// Time bounds and choices for libvirt's domains, and what all domains of one libvirtd share.
import { CLOCK } from '../../clock.js';
import type { KeepOptions } from '../keep-connected.js';
import type { JobSyncOptions } from '../qmp/job-sync.js';
import type { CallBudget } from './budget.js';

export interface LibvirtOptions extends KeepOptions, JobSyncOptions {
  /**
   * `full`: verbs that libvirt has no call for are written to QEMU by qemu-monitor-command, behind libvirt's back: force, pause, resume, finalize.
   */
  commands: 'abort' | 'full';
  /** `native`: no command is written to QEMU's monitor, so libvirt never marks the domain as tainted; jobs are known from their first event on. */
  queries: 'monitor' | 'native';
  /** Milliseconds from the start of a connection until libvirtd has opened it: after its start that takes some seconds. */
  openMs: number;
  /** Milliseconds between pings, and to their answers. */
  keepaliveMs: number;
  /** Milliseconds to the reply of a query; after that the source is stalled. */
  queryMs: number;
  /** Milliseconds for which the end of a job waits for libvirt's own word on it; libvirt says it some 25 ms later. */
  wordMs: number;
  /** Bytes of events that are held until QEMU's version is known. */
  heldBytes: number;
  /** Identifies the running system, since the ids of domains begin anew with it. */
  bootId: () => string;
  /** Called for each event whose data was too large to be kept whole. */
  eventCut?: (() => void) | undefined;
  /** Called for each event that came after a reply that it contradicts. */
  overtaken?: (() => void) | undefined;
}

export const LIBVIRT_DEFAULTS: LibvirtOptions = {
  clock: CLOCK,
  baseMs: 200,
  maxMs: 5_000,
  healthyMs: 10_000,
  commands: 'abort',
  queries: 'monitor',
  openMs: 15_000,
  keepaliveMs: 5_000,
  queryMs: 5_000,
  probeMs: 30_000,
  refusedMs: 200,
  refusedMaxMs: 5_000,
  wordMs: 500,
  heldBytes: 4 * 1024 * 1024,
  bootId: () => '',
};

/** One libvirtd. */
export interface Libvirtd {
  /** Of its socket. */
  path: string;
  uri: string;
  budget: CallBudget;
}
