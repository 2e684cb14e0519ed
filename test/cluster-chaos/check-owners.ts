// One owner of a source at a time: another one begins with a whole checkpoint, and the one before it writes nothing more. And the stream has each
// message that another one followed.
import type { StreamMessage, StreamRecord, Violation } from './record.js';

export function checkOwners({ epoch, messages }: StreamRecord): Violation[] {
  const violations: Violation[] = [];
  const states = new Map<string, { seq: number; owner: string; parts: { n: number; of: number } | undefined }>();
  for (const message of messages) {
    const { seq, source, owner, part, after } = message;
    const wrong = (what: string): void =>
      void violations.push({ rule: 'owner', who: `${source} ${epoch}:#${seq}`, what });
    const state = states.get(source);
    const isFirst = part?.n === 1;
    const isMisplaced = state && after !== undefined && after !== state.seq;
    if (isMisplaced)
      violations.push({
        ...{ rule: 'stream', who: `${source} ${epoch}:#${seq}` },
        what:
          after > state.seq
            ? `follows #${after}, which is not there`
            : `was taken to follow #${after}, after #${state.seq}`,
      });
    if (state?.owner !== owner && !isFirst)
      wrong(`${kindOf(message)} of ${owner}, while ${state?.owner ?? 'nobody'} is the owner`);
    if (state?.owner === owner && state.parts && !isFirst && part?.n !== state.parts.n + 1)
      wrong(`${kindOf(message)} within a checkpoint after its part ${state.parts.n} of ${state.parts.of}`);
    if (state?.owner === owner && !state.parts && part && !isFirst) wrong(`${kindOf(message)} without a first part`);
    states.set(source, { seq, owner, parts: part && part.n < part.of ? part : undefined });
  }
  return violations;
}

const kindOf = ({ part, entries }: StreamMessage): string =>
  part ? `part ${part.n} of ${part.of}` : `${entries.length} entries`;
