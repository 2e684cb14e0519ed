// What is known of a source over a restart of the gateway, or when another tracker takes its place.
import type { SourceInfo } from '../../protocol/types.js';
import type { JobSource } from '../../sources/index.js';
import type { UnansweredCommand } from '../model/fold-runs.js';
import type { RunStore } from './run-store.js';
import type { RestoredSource, SourceEvidence } from './source-evidence.js';
import type { SourceState } from './source-state.js';

export class SourceMemory {
  readonly #source: JobSource;
  readonly #store: RunStore;
  readonly #state: SourceState;
  #evidence: SourceEvidence = {};

  constructor(source: JobSource, store: RunStore, state: SourceState) {
    this.#source = source;
    this.#store = store;
    this.#state = state;
  }

  get isLegacy(): boolean {
    return this.#evidence.legacy === true;
  }

  get saved(): { evidence: SourceEvidence; commands: UnansweredCommand[] } {
    return { evidence: this.#evidence, commands: this.#store.unanswered };
  }

  /** Records it for a restart. */
  learn(evidence: SourceEvidence): void {
    this.#evidence = { ...this.#evidence, ...evidence };
    this.#store.note(evidence);
  }

  /** Goes on with the runs of before. Before any signal of the source. @param info as it was shown; by default the source is connecting. */
  restore({ runs, commands, evidence }: Omit<RestoredSource, 'name' | 'about'>, info?: SourceInfo): void {
    this.#store.restore(runs, commands);
    this.#evidence = evidence;
    if (evidence.identity !== undefined) this.#source.recall?.(evidence.identity);
    if (info) this.#state.continue(info);
  }
}
