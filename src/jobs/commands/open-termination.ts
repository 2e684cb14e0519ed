// A termination that is open, with what its coordinator keeps for it, and how many callers may wait.
import type { LogPosition } from '../../protocol/draft.js';
import type { Run } from '../model/run.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import { type EndCommand, openTermination, type Termination, type TerminationInput } from './termination.js';

export interface TerminationLimits {
  /** Calls of `job.wait`, of one run and in all. Other calls may fill up to twice these numbers, so that waits alone can't keep out an abort. */
  waitsPerRun: number;
  waits: number;
}
export const TERMINATION_LIMITS: TerminationLimits = { waitsPerRun: 2_048, waits: 16_384 };

export interface OpenTermination {
  state: Termination;
  /** The present one of the source. */
  tracker: SourceTracker;
  /** As it was when the termination was opened. */
  run: Run;
  positions: Partial<Record<EndCommand, LogPosition>>;
  /** Withdraws a command that is not yet written. */
  withdraw: Partial<Record<EndCommand, () => boolean>>;
  acceptedAt: number | undefined;
  /** Stops the timer of its escalation. */
  stopEscalation: (() => void) | undefined;
  /** A step may cause the next one before it is done. */
  inputs: TerminationInput[];
  stepping: boolean;
  /** Callers of this run that are included in `#waiting`. */
  counted: number;
}

export function openFor(tracker: SourceTracker, run: Run): OpenTermination {
  return {
    state: openTermination(run.run),
    tracker,
    run,
    positions: {},
    withdraw: {},
    acceptedAt: undefined,
    stopEscalation: undefined,
    inputs: [],
    stepping: false,
    counted: 0,
  };
}

/** No source name contains a space. */
export const jobOf = ({ source, id }: Pick<Run, 'source' | 'id'>): string => `${source} ${id}`;

/** The call in a cluster for which a command is written. @param requests of callers, by their ids. */
export function requestOf(
  { state }: OpenTermination,
  command: EndCommand,
  requests: ReadonlyMap<number, string>,
): { request?: string } {
  for (const { id, wants } of state.callers.values()) {
    const request = wants === command ? requests.get(id) : undefined;
    if (request !== undefined) return { request };
  }
  return {};
}
