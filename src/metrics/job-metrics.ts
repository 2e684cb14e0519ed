// Sources, their jobs, and how runs ended.
import type { Clock } from '../clock.js';
import { DECISIONS, decisionOf, JOB_STATUSES } from '../protocol/rules.js';
import type { Job, Outcome, Provenance, SourceInfo } from '../protocol/types.js';
import type { Families, Sample } from './families.js';

export interface JobReaders {
  sources: () => SourceInfo[];
  jobs: () => Job[];
}

const STATES = ['up', 'stalled', 'connecting', 'down'] as const;

/** Connected, but QEMU's main loop does not answer. */
const stateOf = ({ state, reason }: SourceInfo): (typeof STATES)[number] =>
  state === 'up' && reason === 'stalled' ? 'stalled' : state;

const ENDS = [
  ...(['completed', 'cancelled', 'failed'] as const).flatMap((outcome) =>
    (['observed', 'reconciled'] as const).map((provenance) => ({ outcome, provenance })),
  ),
  { outcome: 'lost', provenance: 'unknown' },
];

/** @returns to be called for each run that has settled. */
export function openJobMetrics(
  families: Families,
  read: JobReaders,
  clock: Clock,
): (outcome: Outcome, provenance: Provenance) => void {
  families.gauges('source_up', '1 while the source is up and its QEMU answers', ['source'], () =>
    read.sources().map((source): Sample => [{ source: source.name }, stateOf(source) === 'up' ? 1 : 0]),
  );
  families.gauges('source_state', '1 for the present state of the source', ['source', 'state'], () =>
    read
      .sources()
      .flatMap((source) =>
        STATES.map((state): Sample => [{ source: source.name, state }, stateOf(source) === state ? 1 : 0]),
      ),
  );
  families.gauges('sources', 'Sources by state', ['state'], () =>
    countBy(STATES, 'state', read.sources().map(stateOf)),
  );
  families.gauges('jobs', 'Present jobs by status', ['status'], () =>
    countBy(
      JOB_STATUSES,
      'status',
      read.jobs().map(({ status }) => status),
    ),
  );
  families.gauges(
    'jobs_awaiting_decision',
    'Jobs that wait for somebody: stopped by an error, pending, ready, or ended and not dismissed',
    ['why'],
    () => countBy(DECISIONS, 'why', read.jobs().map(decisionOf)),
  );
  const waits = new DecisionWaits(clock);
  families.gauges(
    'decision_wait_seconds',
    'Longest time that a job of the source has waited for somebody, since the first scrape that found it waiting',
    ['source', 'why'],
    () => waits.longest(read.jobs()),
  );
  const settled = families.counter('settled_total', 'Runs that ended', ['outcome', 'provenance'], ENDS);
  return (outcome, provenance) => settled.inc({ outcome, provenance });
}

function countBy<Name extends string>(
  names: readonly Name[],
  label: string,
  found: readonly (Name | undefined)[],
): Sample[] {
  const counts = new Map<Name | undefined, number>(names.map((name) => [name, 0]));
  for (const each of found) counts.set(each, (counts.get(each) ?? 0) + 1);
  return names.map((name) => [{ [label]: name }, counts.get(name) ?? 0]);
}

/** Since when each job waits for the same decision. The status has no time on the wire, so it is noted when it is read. */
class DecisionWaits {
  readonly #clock: Clock;
  #since = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  longest(jobs: readonly Job[]): Sample[] {
    const now = this.#clock.now();
    const since = new Map<string, number>();
    const waits = new Map<string, Sample>();
    for (const job of jobs) {
      const why = decisionOf(job);
      if (why === undefined) continue;
      const key = `${why} ${job.run}`;
      const from = this.#since.get(key) ?? now;
      since.set(key, from);
      const { source } = job;
      const known = waits.get(`${source} ${why}`)?.[1] ?? 0;
      waits.set(`${source} ${why}`, [{ source, why }, Math.max(known, (now - from) / 1_000)]);
    }
    this.#since = since;
    return [...waits.values()];
  }
}
