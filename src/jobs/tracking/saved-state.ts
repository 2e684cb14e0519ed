// What a restart needs of the job layer, as lines of JSON: all runs and settlements of one moment, and of each source the QEMU that was behind it. A log
// on disk keeps the lines beside its entries, so that the entries before them may go.
import type { SettledRun, SourceInfo } from '../../protocol/types.js';
import { type RunRecord, recordRun } from '../model/evidence.js';
import type { UnansweredCommand } from '../model/fold-runs.js';
import type { Ended } from './run-store.js';
import type { SavedAbout, SourceEvidence } from './source-evidence.js';
import type { SourceTracker } from './source-tracker.js';

export type SavedLine =
  | { kind: 'source'; name: string; about: SavedAbout; info?: SourceInfo; evidence: SourceEvidence }
  | { kind: 'run'; run: RunRecord }
  | ({ kind: 'command'; source: string } & UnansweredCommand)
  | { kind: 'settled'; settled: SettledRun; last: RunRecord };

/** What is saved is that of the call, although the lines are made as they are read: runs and settlements are never changed in place. */
export function saveState(trackers: Iterable<SourceTracker>, ended: readonly Ended[]): Iterable<string> {
  const sources = [...trackers].map((tracker) => ({
    line: {
      kind: 'source',
      name: tracker.name,
      about: aboutOf(tracker.info),
      info: tracker.info,
      evidence: tracker.memory.saved.evidence,
    } as const,
    runs: [...tracker.shownRuns],
    commands: tracker.memory.saved.commands,
  }));
  const settled = ended.filter(({ settled: { cursor } }) => cursor !== '');
  return (function* lines() {
    for (const { line, runs, commands } of sources) {
      yield text(line);
      for (const run of runs) yield text({ kind: 'run', run: recordRun(run) });
      for (const command of commands) yield text({ kind: 'command', source: line.name, ...command });
    }
    for (const { settled: run, last } of settled) yield text({ kind: 'settled', settled: run, last: recordRun(last) });
  })();
}

function aboutOf({ provider, verbs, label, qemu }: SourceInfo): SavedAbout {
  return {
    ...(provider !== undefined && { provider }),
    ...(verbs !== undefined && { verbs }),
    ...(label !== undefined && { label }),
    ...(qemu !== undefined && { qemu }),
  };
}

const text = (line: SavedLine): string => JSON.stringify(line);
