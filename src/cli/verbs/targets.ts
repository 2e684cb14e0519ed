// The jobs that a command is for: names, globs over the jobs that there are, or lines of another command.
import { text } from 'node:stream/consumers';
import type { Client } from '../../client/node.js';
import { compileGlobs, isWild } from '../../protocol/glob.js';
import type { Job } from '../../protocol/types.js';
import { CliError, EXIT } from '../exit.js';
import { listJobs } from '../list-jobs.js';
import { parseNameLine } from '../name-line.js';
import { quoted, type Target } from '../refusal.js';

export interface Named {
  source: string;
  jobs: readonly string[];
  run?: string | undefined;
}

/** `-`: each line of stdin is `SOURCE JOB`, or JSON with `source`, `job` and perhaps `run`. */
export const isFromPipe = ({ source, jobs }: Named): boolean => source === '-' && jobs.length === 0;

/** What can't be meant, in the words of the arguments. */
export function wrongNames(named: Named): string | undefined {
  const { source, jobs, run } = named;
  if (!isFromPipe(named) && jobs.length === 0) return "missing required argument 'job'";
  if (source === '-' && jobs.length > 0) return '- reads the jobs from stdin: it goes without others';
  if ([source, ...jobs].includes('')) return 'a name is empty';
  if (run !== undefined && (isFromPipe(named) || jobs.length !== 1 || [source, ...jobs].some(isWild)))
    return '--run goes with one SOURCE and one JOB';
  return undefined;
}

/** @param isMeant which jobs a glob may match. Each of those is bound to its run. */
export async function findTargets(client: Client, named: Named, isMeant: (job: Job) => boolean): Promise<Target[]> {
  if (isFromPipe(named)) return parseTargets(await text(process.stdin));
  const { source, jobs, run } = named;
  const exact = jobs.filter((job) => !isWild(source) && !isWild(job));
  const targets: Target[] = exact.map((job) => ({ source, job, ...(run !== undefined && { run }) }));
  if (exact.length === jobs.length) return targets;
  const [isSource, isJob] = [compileGlobs([source]), compileGlobs(jobs)];
  const present = await listJobs(client, [source]);
  const found = present.filter((each) => isSource(each.source) && isJob(each.job) && isMeant(each));
  const matched = found.filter(({ job }) => !exact.includes(job));
  if (targets.length + matched.length === 0)
    throw new CliError(EXIT.failed, [
      `no such job matches ${[source, ...jobs].map(quoted).join(' ')}`,
      `  next: qmp-gateway jobs --source ${quoted(source)}`,
    ]);
  return [...targets, ...matched.map(({ source: at, job, run: bound }) => ({ source: at, job, run: bound }))];
}

/** Of lines as `jobs -o name` and `jobs --json` print them. */
export function parseTargets(lines: string): Target[] {
  return lines.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    const target = parseTarget(line);
    if (target) return [target];
    const expected = 'expected SOURCE JOB, or JSON with source, job and perhaps run, each a text that is not empty';
    throw new CliError(EXIT.usage, `line ${at + 1} of stdin: ${expected}: ${line}`);
  });
}

/** No source begins with a brace. */
const parseTarget = (line: string): Target | undefined =>
  line.trimStart().startsWith('{') ? ofJson(line) : parseNameLine(line);

function ofJson(line: string): Target | undefined {
  try {
    const { source, job, run } = JSON.parse(line) as Record<string, unknown>;
    if (!isName(source) || !isName(job)) return undefined;
    if (run === undefined) return { source, job };
    // Without its run the verb would be for whatever has the id by now.
    return isName(run) ? { source, job, run } : undefined;
  } catch {
    return undefined;
  }
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';
