// How a backup ended that was seen to its end.
import type { Settlement } from '../../src/protocol/types.js';

export const settlementOf = (more: Partial<Settlement> = {}): Settlement => ({
  outcome: 'completed',
  provenance: 'observed',
  pivoted: false,
  pivotProof: 'type',
  forced: false,
  escalated: false,
  requestedBy: [],
  dismissed: true,
  type: 'backup',
  len: 1,
  offset: 1,
  ...more,
});
