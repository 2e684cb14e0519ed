// What came of a verb, as lines for people and as an exit code. Pure.
import type { DryRun, Requested, Settled } from '../../protocol/methods.js';
import { describeEffect, describePivot, HOLDS_ID_TEXT, PROVENANCE_TEXT } from '../../protocol/words.js';
import { EXIT, type ExitCode } from '../exit.js';
import type { VerbRow } from './verb-table.js';

export type VerbAnswer = Requested | Settled | DryRun;

export function answerLines(answer: VerbAnswer, { name, does }: Pick<VerbRow, 'name' | 'does'>): string[] {
  const what = `${answer.source} ${answer.job}`;
  switch (answer.status) {
    case 'requested': {
      const end = name === 'abort' ? 'its end' : 'what follows';
      return [`requested: QEMU has accepted to ${does} ${what}; ${end} is in the events after ${answer.cursor}`];
    }
    case 'dryRun': {
      const { effect, sends, jobStatus, run } = answer;
      const sent = sends ? `${sends.command} ${JSON.stringify(sends.arguments)}` : 'nothing';
      return [
        `would ${name} ${what}, which is ${jobStatus} (run ${run})`,
        `  sends: ${sent}`,
        `  ${describeEffect(effect)}`,
      ];
    }
    case 'settled': {
      const { outcome, provenance, pivoted, dismissed, error } = answer;
      const parts: string[] = [];
      if (error !== undefined) parts.push(`error: ${error}`);
      if (outcome === 'completed' || pivoted !== false) parts.push(describePivot(pivoted));
      if (provenance !== 'observed') parts.push(PROVENANCE_TEXT[provenance]);
      if (!dismissed) parts.push(HOLDS_ID_TEXT);
      return [`${outcome}: ${what}`, ...parts.map((part) => `  ${part}`)];
    }
  }
}

export function codeOf(answer: VerbAnswer, good: VerbRow['good'] = []): ExitCode {
  if (answer.status !== 'settled' || good.includes(answer.outcome)) return EXIT.ok;
  return answer.outcome === 'lost' ? EXIT.unknown : EXIT.failed;
}
