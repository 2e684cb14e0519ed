// What a restart is to know of a source. GATEWAY_SOURCE_EVIDENCE, an entry that is never sent to clients, records its changes.
import type { SourceInfo } from '../../protocol/types.js';
import type { UnansweredCommand } from '../model/fold-runs.js';
import type { Run } from '../model/run.js';

export const SOURCE_EVIDENCE = 'GATEWAY_SOURCE_EVIDENCE';

/** A member that is absent has not changed. */
export interface SourceEvidence {
  /** By which the source recognises the QEMU. */
  identity?: unknown;
  legacy?: boolean;
}

export type SavedAbout = Pick<SourceInfo, 'provider' | 'verbs' | 'label' | 'qemu'>;

/** A source before the restart. */
export interface RestoredSource {
  name: string;
  about: SavedAbout;
  /** As it was when it was saved; `undefined`: it is known from entries alone. */
  info?: SourceInfo | undefined;
  evidence: SourceEvidence;
  runs: Iterable<Run>;
  commands: Iterable<UnansweredCommand>;
}
