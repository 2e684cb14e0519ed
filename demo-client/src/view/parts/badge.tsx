// A status or an outcome as a word with a colour; the word alone is sufficient.
import type { JobStatus, Outcome } from 'qmp-gateway/protocol';

type Hue = 'blue' | 'green' | 'amber' | 'red' | 'violet' | 'grey';

const HUES: Record<JobStatus | Outcome, Hue> = {
  created: 'grey',
  running: 'blue',
  paused: 'amber',
  ready: 'green',
  standby: 'amber',
  waiting: 'violet',
  pending: 'violet',
  aborting: 'amber',
  concluded: 'grey',
  completed: 'green',
  cancelled: 'grey',
  failed: 'red',
  lost: 'amber',
};

export function StateBadge({ state }: { state: JobStatus | Outcome }) {
  return <span class={`badge hue-${HUES[state]}`}>{state}</span>;
}

export function hueOf(state: JobStatus | Outcome): Hue {
  return HUES[state];
}
