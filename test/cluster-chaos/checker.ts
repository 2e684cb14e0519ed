// The verdict on a cluster run: every violation of a guarantee in what all parties recorded. Pure, and of the product it uses the types of the
// protocol alone.
import { checkClient, type Matches, type TakenShot } from './check-clients.js';
import { checkCall, checkCommands } from './check-commands.js';
import { checkMonitor } from './check-monitors.js';
import { checkOwners } from './check-owners.js';
import { checkLives, checkRuns } from './check-runs.js';
import { checkShots } from './check-shots.js';
import { logOf } from './log.js';
import type { ClusterRecord, Violation } from './record.js';

export function check({ streams, clients, monitors, calls }: ClusterRecord): Violation[] {
  const violations: Violation[] = [];
  const logs = streams.map(logOf);
  const runs: ReturnType<typeof checkRuns>['runs'] = new Map();
  for (const stream of streams) violations.push(...checkOwners(stream));
  for (const [index, log] of logs.entries()) {
    const seen = checkRuns(log, index === 0 ? undefined : runs);
    violations.push(...seen.violations);
    for (const [name, run] of seen.runs) runs.set(name, runs.get(name)?.settled ? (runs.get(name) ?? run) : run);
  }
  for (const monitor of monitors) {
    const { violations: wrong, places } = checkMonitor(monitor, streams);
    violations.push(...wrong, ...checkLives(monitor, places, runs, streams.length === 1));
  }
  const shots: TakenShot[] = [];
  const matches: Matches = new Map();
  for (const client of clients) {
    const seen = checkClient(client, logs, matches);
    violations.push(...seen.violations);
    shots.push(...seen.shots);
  }
  // A stream that was made anew begins with runs of the one before.
  for (const log of logs.slice(0, 1)) violations.push(...checkShots(log, shots));
  violations.push(...checkCommands(logs, monitors, calls));
  for (const call of calls) violations.push(...checkCall(call, logs));
  return violations;
}
