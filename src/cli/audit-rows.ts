// The commands in a part of the log, each with QEMU's answer and the end of its run. Pure.
import type { CommandId, Entry, EventOf, JobVerb } from '../protocol/types.js';
import { isEventOf } from '../protocol/types.js';
import { summarizeSettlement } from '../protocol/words.js';
import { printable } from './output.js';
import type { Times } from './times.js';

export interface AuditFilter {
  /** Milliseconds since 1970; entries before are left out. */
  since?: number | undefined;
  source(name: string): boolean;
  job(id: string): boolean;
  by(principal: string): boolean;
}

type Audited = EventOf<'GATEWAY_COMMAND'> | EventOf<'GATEWAY_COMMAND_ANSWERED'> | EventOf<'GATEWAY_JOB_SETTLED'>;

export const isAudited = (entry: Entry): entry is Audited =>
  isEventOf(entry, 'GATEWAY_COMMAND', 'GATEWAY_COMMAND_ANSWERED', 'GATEWAY_JOB_SETTLED');

/** Those of commands, of their answers, and of the ends of runs that somebody asked to end, in their order. */
export function selectAudited(entries: readonly Entry[], filter: AuditFilter): Audited[] {
  const commands = new Set<CommandId>();
  return entries.filter((entry): entry is Audited => {
    if (!isAudited(entry)) return false;
    if (!filter.source(entry.source) || !filter.job(entry.job?.id ?? '')) return false;
    if (filter.since !== undefined && entry.time !== null && Date.parse(entry.time) < filter.since) return false;
    if (entry.type === 'GATEWAY_JOB_SETTLED') return entry.data.requestedBy.some((name) => filter.by(name));
    // The command of an answer may lie before `since`.
    if (entry.type === 'GATEWAY_COMMAND_ANSWERED') return commands.has(entry.data.command);
    const isWanted = filter.by(entry.data.by);
    if (isWanted) commands.add(entry.data.command);
    return isWanted;
  });
}

export const AUDIT_HEAD = ['TIME', 'WHO', 'VERB', 'SOURCE', 'JOB', 'ANSWER', 'OUTCOME'] as const;

/** They end a run, so its outcome is what came of them. */
const ENDING: readonly JobVerb[] = ['abort', 'complete', 'finalize'];

/** One row a command; one for the end of a run whose command is not among the entries. */
export function auditRows(entries: readonly Audited[], times: Times): string[][] {
  const answers = new Map<CommandId, string>();
  const ends = new Map<string, string>();
  const explained = new Set<string>();
  for (const entry of entries) {
    const run = entry.job?.run ?? '';
    if (entry.type === 'GATEWAY_COMMAND_ANSWERED') {
      const { command, result, error } = entry.data;
      answers.set(command, error === undefined ? result : `${result}: ${error}`);
    } else if (entry.type === 'GATEWAY_JOB_SETTLED') ends.set(run, summarizeSettlement(entry.data));
    else if (ENDING.includes(entry.data.verb)) explained.add(run);
  }
  return entries.flatMap((entry) => {
    const { source, job, time } = entry;
    const row = (who: string, verb: string, answer: string, outcome: string): string[][] => [
      [times.second(time), who, verb, source, job?.id ?? '', answer, outcome].map(printable),
    ];
    if (entry.type === 'GATEWAY_COMMAND') {
      const { command, by, verb, args } = entry.data;
      const end = ENDING.includes(verb) ? (ends.get(job?.run ?? '') ?? 'not ended yet') : '';
      return row(by, args.force === true ? `${verb} --force` : verb, answers.get(command) ?? 'none yet', end);
    }
    if (entry.type === 'GATEWAY_JOB_SETTLED' && !explained.has(job?.run ?? ''))
      return row(entry.data.requestedBy.join(', '), '(before)', '', ends.get(job?.run ?? '') ?? '');
    return [];
  });
}
