// How full the log of events is, and what left it why.
import { EVICTIONS, type LogStatus } from '../log/index.js';
import type { Families, Sample } from './families.js';

export interface LogReaders {
  status: () => LogStatus;
  /** Offset of the newest entry. */
  head: () => number;
}

export function openLogMetrics(families: Families, { status, head }: LogReaders): void {
  families.gauge('log_entries', 'Entries retained', () => status().entries);
  families.gauge('log_entries_limit', 'Entries retained at most', () => status().maxEntries);
  families.gauge('log_bytes', 'Bytes of entries retained', () => status().bytes);
  families.gauge('log_bytes_limit', 'Bytes of entries retained at most', () => status().maxBytes);
  families.gauge('log_age_seconds', 'Age of the oldest entry retained', () => status().ageMs / 1_000);
  families.gauge(
    'log_age_limit_seconds',
    'Age at which an entry is evicted if no other bound evicts it before',
    () => status().maxAgeMs / 1_000,
  );
  families.counts(
    'log_evicted_total',
    'Entries evicted, by the bound: age, the quota of their source, the number of all, their bytes',
    ['bound'],
    () => {
      const { evicted } = status();
      return EVICTIONS.map((bound): Sample => [{ bound }, evicted[bound]]);
    },
  );
  families.gauge('log_on_disk', '1: entries are kept on a disk', () => (status().disk ? 1 : 0));
  families.gauge('log_disk_failing', '1: the disk takes nothing, and entries are in memory alone', () =>
    status().disk?.problem === undefined ? 0 : 1,
  );
  families.gauge('log_offset', 'Offset of the newest entry', head);
  families.gauge('log_waiting_bytes', 'Bytes of entries that the store has not taken yet', () => status().waitingBytes);
  families.gauge(
    'log_waiting_bytes_limit',
    'Bytes of such entries beyond which the log fails; 0: it has no store',
    () => status().maxWaitingBytes,
  );
}
