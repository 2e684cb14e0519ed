// Sends the steps of a batch, a few at a time, and gives what became of each as it comes. Owns its queue.
import { type ReadonlySignal, signal } from '@preact/signals';
import { PARALLEL, type Progress, type Step } from '../model/fleet/batch.js';

export interface Batch {
  /** By run. */
  readonly states: ReadonlySignal<ReadonlyMap<string, Progress>>;
  /** Steps that still wait are not sent; what was sent stays in force, and its answers still come. */
  stop(): void;
}

interface BatchOptions {
  steps: readonly Step[];
  /** Unanswered calls at the same time. Default 8. */
  parallel?: number;
  /** Why a step is not sent now that its turn has come. */
  objection(step: Step): string | undefined;
  /** Never rejects. */
  send(step: Step): Promise<Progress>;
}

export function openBatch({ steps, parallel = PARALLEL, objection, send }: BatchOptions): Batch {
  const states = signal<ReadonlyMap<string, Progress>>(new Map(steps.map(({ run }) => [run, { name: 'queued' }])));
  const waiting = [...steps];
  // Answers of one turn are shown together: a Map of thousands is copied once for them.
  let fresh = new Map<string, Progress>();
  const set = (run: string, state: Progress): void => {
    if (fresh.size === 0) queueMicrotask(show);
    fresh.set(run, state);
  };
  function show(): void {
    states.value = new Map([...states.peek(), ...fresh]);
    fresh = new Map();
  }

  async function work(): Promise<void> {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const why = objection(step);
      if (why !== undefined) {
        set(step.run, { name: 'withheld', text: why });
        continue;
      }
      set(step.run, { name: 'sent' });
      set(step.run, await send(step));
    }
  }
  for (let n = 0; n < Math.min(parallel, steps.length); n += 1) void work();

  return {
    states,
    stop: (): void => {
      for (const { run } of waiting.splice(0)) set(run, { name: 'withheld', text: 'You stopped before its turn.' });
    },
  };
}
