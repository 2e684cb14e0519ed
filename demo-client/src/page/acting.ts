// What the user is about to do with which runs: the fleet shows one dialog for it, whichever part of the page asked.
import { signal } from '@preact/signals';
import type { JobVerb } from 'qmp-gateway/protocol';
import type { Target } from '../model/fleet/batch.js';

export interface Acting {
  verb: JobVerb;
  targets: readonly Target[];
}

export const acting = signal<Acting | undefined>(undefined);

export const act = (verb: JobVerb, targets: readonly Target[]): void => {
  acting.value = { verb, targets };
};
