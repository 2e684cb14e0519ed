// What the fleet is narrowed to. One signal, because a source can be clicked and a filter typed.
import { signal } from '@preact/signals';

export const filterText = signal('');
