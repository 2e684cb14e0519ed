// All clauses, in the order in which they are tried: the abort comes last, since the job is gone after it.
import type { Clause } from '../clause.js';
import { ABORT } from './abort.js';
import { ACCESS } from './access.js';
import { ENVELOPE } from './envelope.js';
import { EVENTS } from './events.js';
import { HTTP } from './http.js';
import { METHODS } from './methods.js';
import { SUBSCRIBE } from './subscribe.js';
import { TRANSPORT } from './transport.js';

export const CLAUSES: readonly Clause[] = [
  ...TRANSPORT,
  ...ENVELOPE,
  ...METHODS,
  ...SUBSCRIBE,
  ...EVENTS,
  ...HTTP,
  ...ACCESS,
  ...ABORT,
];
