// Starts and controls jobs as another client on another monitor would. A refusal throws.
import type { ErrorAction, Int, JobSpec, Operation, Reply, Verb } from './model.js';
import type { NodeTraits } from './nodes.js';
import type { Input } from './step.js';

/** A row of query-jobs. Integers beyond 2^53-1 stay exact. */
export interface JobRow {
  id: string;
  type: string;
  status: string;
  'current-progress': bigint;
  'total-progress': bigint;
  error?: string;
}

export interface Jobs {
  /** Starts a job. Throws with QEMU's text where QEMU refuses (bad or used id). */
  start(spec: JobSpec): void;
  /** Starts jobs in one transaction with completion-mode grouped. */
  startGroup(specs: readonly JobSpec[]): void;
  /** `force` defaults to true, as in job-cancel. */
  cancel(id: string, options?: { force?: boolean }): void;
  pause(id: string): void;
  resume(id: string): void;
  complete(id: string): void;
  finalize(id: string): void;
  dismiss(id: string): void;
  /** Bytes per second, 0 to 2^63-1; 0 is unlimited. */
  setSpeed(id: string, speed: Int): void;
  /** An I/O error in a guest's write, now: also on a READY job, which then goes to standby. */
  ioError(
    id: string,
    error: { action: Exclude<ErrorAction, 'enospc'>; operation?: Operation; noSpace?: boolean },
  ): void;
  /** Every job, newest first, concluded ones too. */
  list(): JobRow[];
  /** How jobs behave that clients start on this node. For blockdev-create the name is the job id. */
  node(name: string, traits: NodeTraits): void;
}

export function jobsOf(run: (input: Exclude<Input, { kind: 'tick' }>) => Reply, nodes: Map<string, NodeTraits>): Jobs {
  const must = (input: Exclude<Input, { kind: 'tick' }>): unknown => {
    const reply = run(input);
    if (!reply.ok) throw new Error(reply.error.desc);
    return reply.value;
  };
  const verb = (name: Exclude<Verb, 'set-speed'>) => (id: string) => {
    must({ kind: 'verb', verb: name, id, block: false });
  };
  return {
    start: (spec) => void must({ kind: 'start', jobs: [spec], grouped: false }),
    startGroup: (specs) => void must({ kind: 'start', jobs: specs, grouped: true }),
    cancel: (id, { force = true } = {}) => void must({ kind: 'verb', verb: 'cancel', id, block: !force, soft: !force }),
    pause: verb('pause'),
    resume: verb('resume'),
    complete: verb('complete'),
    finalize: verb('finalize'),
    dismiss: verb('dismiss'),
    setSpeed: (id, speed) => void must({ kind: 'set-speed', id, speed }),
    ioError: (id, { action, operation = 'write', noSpace = false }) =>
      void must({ kind: 'io-error', id, action, operation, noSpace }),
    list: () => must({ kind: 'query-jobs' }) as JobRow[],
    node: (name, traits) => void nodes.set(name, traits),
  };
}
