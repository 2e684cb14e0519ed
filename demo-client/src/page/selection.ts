// The chosen runs, and the row at which the keyboard is. They outlive the table: who comes back from a job is where they were.
import { signal } from '@preact/signals';
import { NOTHING, type Selection } from '../model/fleet/selection.js';

export const selection = signal<Selection>(NOTHING);
/** Key of the row or group; `undefined`: none yet. */
export const cursor = signal<string | undefined>(undefined);
