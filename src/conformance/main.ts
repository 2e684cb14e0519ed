#!/usr/bin/env node
// `qmp-gateway-conformance`: tries a server against docs/PROTOCOL.md and prints the clauses.
import { readArguments, USAGE } from './arguments.js';
import { clauseLines, clauseObject, type Style, summary, verdictLines, verdictObject } from './report.js';
import { meet, tryClauses } from './run.js';
import { Server } from './server.js';
import type { Verdict } from './verdict.js';

// `| head` closed stdout: the verdicts were not all printed, which is no success.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(1);
  throw error;
});

const print = (...lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);
const complain = (line: string): void => void process.stderr.write(`qmp-gateway-conformance: ${line}\n`);

/** @returns the exit code. */
async function main(): Promise<number> {
  const { NO_COLOR = '', TERM, COLUMNS } = process.env;
  const style: Style = {
    width: Math.min(Number(COLUMNS) || process.stdout.columns || 80, 120),
    hasColour: process.stdout.isTTY && NO_COLOR === '' && TERM !== 'dumb',
  };
  const given = readArguments(process.argv.slice(2), process.env);
  switch (given.kind) {
    case 'help':
      print(USAGE.trimEnd());
      return 0;
    case 'wrong':
      complain(`${given.problem} (try --help)`);
      return 2;
    case 'list':
      for (const clause of given.clauses)
        print(...(given.json ? [JSON.stringify(clauseObject(clause))] : clauseLines(clause, style)));
      return 0;
    case 'try': {
      const server = new Server(given.server);
      const { url } = given.server;
      const absent = await meet(server);
      if (absent !== undefined) {
        complain(`${url}: ${absent}`);
        return 4;
      }
      if (!given.json) print(`${url}, version ${server.info?.version ?? 'unknown'}`, '');
      const verdicts: Verdict[] = [];
      for await (const tried of tryClauses(server, given.clauses)) {
        verdicts.push(tried.verdict);
        print(...(given.json ? [JSON.stringify(verdictObject(tried))] : verdictLines(tried, style)));
      }
      if (!given.json) print('', summary(verdicts));
      return verdicts.some(({ status }) => status === 'failed') ? 1 : 0;
    }
  }
}

process.exitCode = await main();
