// What is counted for each entry of the log, in the place where it goes to the fan-out.
import type { Clock } from '../clock.js';
import type { LoggedEntry } from '../log/index.js';
import type { GatewayEventData, LibvirtEventData, QemuEventData } from '../protocol/types.js';
import type { Families } from './families.js';

/** A monitor may send any name, so only these become label values; `true`: QEMU's own. */
const KNOWN: Readonly<Record<keyof (QemuEventData & LibvirtEventData & GatewayEventData), boolean>> = {
  BLOCK_JOB_COMPLETED: true,
  BLOCK_JOB_CANCELLED: true,
  BLOCK_JOB_READY: true,
  BLOCK_JOB_ERROR: true,
  BLOCK_JOB_PENDING: true,
  JOB_STATUS_CHANGE: true,
  LIBVIRT_BLOCK_JOB: false,
  GATEWAY_SOURCE_UP: false,
  GATEWAY_SOURCE_SYNCED: false,
  GATEWAY_SOURCE_STALLED: false,
  GATEWAY_SOURCE_RESPONSIVE: false,
  GATEWAY_SOURCE_GAP: false,
  GATEWAY_SOURCE_DOWN: false,
  GATEWAY_SOURCE_REMOVED: false,
  GATEWAY_JOB_FOUND: false,
  GATEWAY_JOB_ATTENTION: false,
  GATEWAY_COMMAND: false,
  GATEWAY_COMMAND_ANSWERED: false,
  GATEWAY_JOB_SETTLED: false,
  GATEWAY_SHARED_COMMAND: false,
};

/** @param merged called with the number of BLOCK_JOB_ERROR that an entry stands for. */
export function openEventMetrics(
  families: Families,
  clock: Clock,
  merged: (events: number) => void,
): (entry: LoggedEntry) => void {
  const tallies = new Map<string, { isQemus: boolean; count: number }>();
  for (const [type, isQemus] of Object.entries(KNOWN)) tallies.set(type, { isQemus, count: 0 });
  const other = { isQemus: true, count: 0 };
  families.counts(
    'events_total',
    'Entries of the log, by type; other: QEMU events that concern no job',
    ['type'],
    () => [
      ...[...tallies].map(([type, { count }]): [{ type: string }, number] => [{ type }, count]),
      [{ type: 'other' }, other.count],
    ],
  );
  const lag = families
    .histogram(
      'event_lag_seconds',
      "From QEMU's own time stamp of an event to its hand-over to the fan-out. Where QEMU runs on another host it includes " +
        'the difference of the two clocks; a negative lag counts as 0',
    )
    .of();
  // Hundreds of thousands of entries a second may come. They come in bursts of one type, and within a turn of the loop the time hardly changes.
  let lastType = '';
  let last = other;
  let now: number | undefined;
  const forget = (): void => {
    now = undefined;
  };
  const secondsNow = (): number => {
    now = clock.date() / 1_000;
    clock.soon(forget);
    return now;
  };
  return ({ type, time, repeated }) => {
    if (type !== lastType) {
      lastType = type;
      last = tallies.get(type) ?? other;
    }
    last.count += 1;
    // The time of merged events is that of the first, up to a second before.
    if (repeated !== undefined) merged(repeated);
    else if (last.isQemus && time !== null) lag.observe(Math.max(0, (now ?? secondsNow()) - time / 1_000_000));
  };
}
