// What the block graph proves of a pivot, and where it proves nothing.
import { describe, expect, it } from 'vitest';
import { judgePivot, readBaseline } from '../../src/jobs/pivot.js';
import { GraphWorld, type Users } from '../support/graph-world.js';

function baselineOf(world: GraphWorld): Exclude<ReturnType<typeof readBaseline>, 'never' | undefined> {
  const baseline = readBaseline(world.graph(), 'j');
  if (!baseline || baseline === 'never') throw new Error('no baseline');
  return baseline;
}

function judge(users: Users, pivots: boolean, after: (world: GraphWorld) => void = () => undefined): unknown {
  const world = new GraphWorld(users);
  world.start('j');
  const baseline = baselineOf(world);
  world.end(pivots);
  after(world);
  return judgePivot(baseline, world.graph());
}

describe('who uses the disk after the end', () => {
  it.each<[Users, unknown, unknown]>([
    ['device', true, false],
    ['export', true, false],
    ['both', true, false],
    ['replaces', true, false],
    ['none', 'unknown', 'unknown'],
  ])('%s: completed %s, cancelled softly %s', (users, completed, cancelled) => {
    expect([judge(users, true), judge(users, false)]).toEqual([completed, cancelled]);
  });

  it('is no less certain when the loser was deleted at once', () => {
    for (const users of ['device', 'export', 'both', 'replaces'] as const)
      expect([true, false].map((pivots) => judge(users, pivots, (world) => world.deleteLoser()))).toEqual([
        true,
        false,
      ]);
  });

  it.each<[string, Users, (world: GraphWorld) => void]>([
    ['the copy has a new export', 'device', (world) => world.addExport()],
    ['the copy has a new device', 'device', (world) => world.addDevice()],
  ])('is unknown where %s', (_, users, after) => {
    expect(judge(users, false, after)).toBe('unknown');
  });

  it('is seen through the filter of the next job, whose own backend on the copy leaves a doubt', () => {
    const next = (world: GraphWorld): void => world.start('k');
    expect([judge('device', true, next), judge('device', false, next)]).toEqual([true, 'unknown']);
  });

  it('can be counted no more after a blind spell, but names hold', () => {
    const verdicts = (['export', 'device'] as const).map((users) => {
      const world = new GraphWorld(users);
      world.start('j');
      const baseline = { ...baselineOf(world), countable: false };
      world.end(true);
      return judgePivot(baseline, world.graph());
    });
    expect(verdicts).toEqual(['unknown', true]);
  });
});

describe('a baseline', () => {
  it('is none of a job that the graph does not show, or shows without nodes', () => {
    const world = new GraphWorld();
    expect(readBaseline(world.graph(), 'j')).toBeUndefined();
    const concluded = { nodes: [{ id: 1, type: 'block-job', name: 'j' }], edges: [] };
    expect(readBaseline(concluded, 'j')).toBeUndefined();
  });

  it('says so of a job that moves nobody', () => {
    const graph = {
      nodes: [
        { id: 1, type: 'block-job', name: 'j' },
        { id: 2, type: 'block-driver', name: 'top' },
      ],
      edges: [{ parent: 1, child: 2, name: 'main node' }],
    };
    expect(readBaseline(graph, 'j')).toBe('never');
  });

  it('survives a graph of circles', () => {
    const graph = {
      nodes: [
        { id: 1, type: 'block-job', name: 'j' },
        { id: 2, type: 'block-driver', name: 'f' },
        { id: 3, type: 'block-driver', name: 'a' },
      ],
      edges: [
        { parent: 1, child: 2, name: 'main node' },
        { parent: 1, child: 3, name: 'source' },
        { parent: 1, child: 3, name: 'target' },
        { parent: 2, child: 3, name: 'backing' },
        { parent: 3, child: 2, name: 'backing' },
      ],
    };
    expect(readBaseline(graph, 'j')).toMatchObject({ source: 'a', target: 'a' });
  });
});
