// The verbs of the command line: one row a command.
import type { JobVerb, Outcome } from '../../protocol/types.js';

export interface VerbRow {
  name: string;
  /** Of the wire; `undefined`: it only waits. */
  verb: JobVerb | undefined;
  description: string;
  /** What QEMU has accepted, after "to". */
  does: string;
  /** Whether its end can be waited for: `asked` with --sync, `always`. */
  waits?: 'asked' | 'always';
  /** Outcomes that count as asked. */
  good?: readonly Outcome[];
  example: string;
}

export const VERB_ROWS: readonly VerbRow[] = [
  {
    name: 'abort',
    verb: 'abort',
    description: 'cancel jobs',
    does: 'cancel',
    waits: 'asked',
    good: ['cancelled', 'completed'],
    example: `
  $ qmp-gateway abort vm1 drive0 --sync --timeout 2m
  $ qmp-gateway abort vm1 drive0 --sync --escalate-after 10s
  $ qmp-gateway abort 'vm*' 'backup-*' --dry-run
  $ qmp-gateway jobs --status paused --json | qmp-gateway abort --force -

Without --run it is for the run that is live when the gateway receives it: JOB_NOT_FOUND if there is none.`,
  },
  {
    name: 'complete',
    verb: 'complete',
    description: 'end READY jobs, so that their disks switch to the copies',
    does: 'complete',
    waits: 'asked',
    good: ['completed'],
    example: '\n  $ qmp-gateway complete vm1 drive0 --sync',
  },
  {
    name: 'pause',
    verb: 'pause',
    description: 'let jobs stand still until they are resumed',
    does: 'pause',
    example: "\n  $ qmp-gateway pause 'vm*' '*'",
  },
  {
    name: 'resume',
    verb: 'resume',
    description: 'let jobs go on that are paused, or that an I/O error has stopped',
    does: 'resume',
    example: '\n  $ qmp-gateway jobs --status paused -o name | qmp-gateway resume -',
  },
  {
    name: 'finalize',
    verb: 'finalize',
    description: 'let PENDING jobs change the block graph and end',
    does: 'finalize',
    example: '\n  $ qmp-gateway finalize vm1 commit0',
  },
  {
    name: 'dismiss',
    verb: 'dismiss',
    description: 'free the ids of jobs that have ended',
    does: 'dismiss',
    example: "\n  $ qmp-gateway dismiss vm1 '*'",
  },
  {
    name: 'speed',
    verb: 'setSpeed',
    description: 'limit how fast jobs copy',
    does: 'limit',
    example: '\n  $ qmp-gateway speed 20M vm1 drive0 drive1\n  $ qmp-gateway speed unlimited vm1 drive0',
  },
  {
    name: 'wait',
    verb: undefined,
    description: 'wait until jobs have ended; only a completed one is as asked',
    does: 'wait',
    waits: 'always',
    good: ['completed'],
    example: '\n  $ qmp-gateway wait vm1 drive0 --timeout 1h && echo copied',
  },
];
