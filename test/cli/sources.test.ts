// The columns of `sources`.
import { expect, it } from 'vitest';
import { sourceColumns } from '../../src/cli/sources.js';
import { timesIn } from '../../src/cli/times.js';
import type { SourceInfo } from '../../src/protocol/types.js';

const source: SourceInfo = { name: 'vm1', state: 'up', since: '2026-11-29T08:00:00Z' };
const headsOf = (rows: readonly SourceInfo[]): string[] => sourceColumns(timesIn(true), rows).map(({ head }) => head);

it('the owner has a column where a source has one, so with a cluster alone', () => {
  expect(headsOf([source])).not.toContain('OWNER');
  const owned = [source, { ...source, owner: 'rack1:17' }];
  expect(headsOf(owned)).toContain('OWNER');
  const cells = owned.map((row) =>
    sourceColumns(timesIn(true), owned)
      .find(({ head }) => head === 'OWNER')
      ?.cell(row),
  );
  expect(cells).toEqual(['', 'rack1:17']);
});
