// What the page knows at one moment, of which rows and figures are made. Pure.
import type { ClientState } from 'qmp-gateway/client';
import type { RunId } from 'qmp-gateway/protocol';
import type { Frame } from './live-table.js';
import type { Trail } from './pace.js';

export interface Moment {
  table: Frame;
  phase: ClientState['phase'];
  trails: ReadonlyMap<RunId, Trail>;
  /** Milliseconds since 1970. */
  now: number;
}

/** The runs whose figures may have changed; `all`: it is not known which, since a frame was missed or the connection has another phase. */
export function changedSince(before: Moment | undefined, { table, phase }: Moment): Iterable<RunId> | 'all' {
  if (!before || before.phase !== phase || table.seq > before.table.seq + 1) return 'all';
  return table.seq === before.table.seq ? [] : table.changed.keys();
}
