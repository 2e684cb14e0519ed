// Tries clauses one after the other.
import { type Clause, needText } from './clause.js';
import { Connection } from './connection.js';
import type { Server } from './server.js';
import { ClauseFailed, NotTried, type Verdict } from './verdict.js';

export interface Tried {
  readonly clause: Clause;
  readonly verdict: Verdict;
}

/** Whether there is a server to be tried, and what it says of itself. @returns why there is none. */
export async function meet(server: Server): Promise<string | undefined> {
  const upgraded = await server.upgrade();
  if (!(upgraded instanceof Connection)) return upgraded.why;
  try {
    server.info = await upgraded.call('server.info', {});
  } catch (error) {
    // Of a malformed answer the clause of server.info says what is wrong; features then count as missing.
    if (upgraded.problems.length === 0) return error instanceof Error ? error.message : String(error);
  } finally {
    server.endClause();
  }
  return undefined;
}

export async function* tryClauses(server: Server, clauses: readonly Clause[]): AsyncGenerator<Tried> {
  for (const clause of clauses) yield { clause, verdict: await tryClause(server, clause) };
}

async function tryClause(server: Server, clause: Clause): Promise<Verdict> {
  if (clause.needs && !isMet(server, clause.needs))
    return { status: 'not tried', why: `needs ${needText(clause.needs)}` };
  try {
    await clause.run(server);
    const [problem] = server.problems;
    if (problem !== undefined) throw new ClauseFailed(problem);
    return { status: 'passed' };
  } catch (error) {
    // A message that is not of the wire can also break the clause that reads it, or hide its occasion.
    const [problem] = server.problems;
    if (error instanceof NotTried && problem === undefined) return { status: 'not tried', why: error.message };
    const why = error instanceof ClauseFailed ? error.message : (problem ?? `unexpected answer: ${error}`);
    return { status: 'failed', why, transcript: [...server.transcript] };
  } finally {
    server.endClause();
  }
}

function isMet(server: Server, needs: NonNullable<Clause['needs']>): boolean {
  if ('feature' in needs) return server.has(needs.feature);
  const { options } = server;
  return { '--abort': options.abort, '--slow': options.slow, '--token': options.token }[needs.flag] !== undefined;
}
