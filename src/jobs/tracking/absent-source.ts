// Stands for a source that the log knows and that the gateway has not found again: nothing is heard of it, and nothing can be sent to it.
import { NEVER } from 'rxjs';
import type { JobSource } from '../../sources/index.js';
import type { SavedAbout } from './source-evidence.js';

export function absentSource(name: string, { provider = 'qmp', verbs, label }: SavedAbout): JobSource {
  return {
    name,
    about: { provider, ...(label !== undefined && { label }) },
    signals$: NEVER,
    can: (what) => verbs === undefined || (what !== 'graph' && verbs.includes(what)),
    refresh: async () => false,
    poll: async () => false,
    readGraph: (_lane, reply) => reply({ kind: 'none' }),
    carrierOf: () => undefined,
    send: (_command, { replied }) => {
      replied({ kind: 'closed', sent: false });
      return () => false;
    },
  };
}
