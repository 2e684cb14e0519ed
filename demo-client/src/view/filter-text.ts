// The filter of the fleet. A signal, since both a click on a source and typing change it.
import { signal } from '@preact/signals';

export const filterText = signal('');
