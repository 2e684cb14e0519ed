// What the block graph proves of a pivot, and where it proves nothing.
import { describe, expect, it } from 'vitest';
import { GraphIndex } from '../../src/jobs/model/graph-index.js';
import { comparePivot, readBaseline } from '../../src/jobs/model/pivot.js';
import { GraphWorld, type Users } from '../support/graph-world.js';

function baselineOf(world: GraphWorld): Exclude<ReturnType<typeof readBaseline>, 'never' | undefined> {
  const baseline = readBaseline(new GraphIndex(world.graph()), 'j');
  if (!baseline || baseline === 'never') throw new Error('no baseline');
  return baseline;
}

function judge(users: Users, pivots: boolean, after: (world: GraphWorld) => void = () => undefined): unknown {
  const world = new GraphWorld(users);
  world.start('j');
  const baseline = baselineOf(world);
  world.end(pivots);
  after(world);
  return comparePivot(baseline, new GraphIndex(world.graph()));
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

  it('can’t be counted any more after a time without a connection, while names still hold', () => {
    const verdicts = (['export', 'device'] as const).map((users) => {
      const world = new GraphWorld(users);
      world.start('j');
      const baseline = { ...baselineOf(world), countable: false };
      world.end(true);
      return comparePivot(baseline, new GraphIndex(world.graph()));
    });
    expect(verdicts).toEqual(['unknown', true]);
  });
});

describe('what proves nothing', () => {
  const node = (id: number, name: string, type = 'block-driver') => ({ id, type, name });
  const edge = (parent: number, name: string, child: number) => ({ parent, child, name });
  const names = ['top', 'mid', 'base'].map((name, at) => node(at + 1, name));
  const disk = node(9, '/machine/disk0', 'block-backend');
  const commit = {
    nodes: [...names, disk, node(4, '#filter'), node(5, 'j', 'block-job'), node(6, '', 'block-backend')],
    edges: [
      ...[edge(9, 'root', 4), edge(4, 'backing', 1), edge(1, 'backing', 2), edge(2, 'backing', 3), edge(6, 'root', 3)],
      ...[edge(5, 'main node', 4), edge(5, 'source', 1), edge(5, 'target', 3)],
    ],
  };
  const judgeAfter = (graph: { nodes: typeof names; edges: ReturnType<typeof edge>[] }, before = commit): unknown => {
    const baseline = readBaseline(new GraphIndex(before), 'j');
    return baseline && baseline !== 'never' ? comparePivot(baseline, new GraphIndex(graph)) : baseline;
  };

  it('a chain that another job has shortened onto the target', () => {
    expect(judgeAfter({ nodes: [...names, disk], edges: [edge(9, 'root', 1), edge(1, 'backing', 3)] })).toBe('unknown');
  });

  it('users on both sides: two may have one name', () => {
    const nodes = [...names, disk, node(10, '/machine/disk0', 'block-backend')];
    expect(judgeAfter({ nodes, edges: [edge(9, 'root', 1), edge(10, 'root', 3)] })).toBe('unknown');
  });

  it('a copy that is backed by the disk, where nothing else uses the disk, moves no user', () => {
    const edges = commit.edges.filter(({ parent }) => parent !== 9 && parent !== 1 && parent !== 2);
    const mirror = { nodes: commit.nodes, edges: [...edges, edge(3, 'backing', 1)] };
    expect(judgeAfter({ nodes: names, edges: [edge(3, 'backing', 1)] }, mirror)).toBe('unknown');
  });

  it.each<[string, (n: number) => { nodes: typeof names; edges: ReturnType<typeof edge>[] }]>([
    ['a chain', (n) => ({ nodes: [node(n + 100, `n${n}`)], edges: [edge(n === 0 ? 1 : n + 99, 'file', n + 100)] })],
    ['children', (n) => ({ nodes: [node(n + 100, `n${n}`)], edges: [edge(1, `c${n}`, n + 100)] })],
    ['users', (n) => ({ nodes: [node(n + 100, `n${n}`, 'block-backend')], edges: [edge(n + 100, 'root', 1)] })],
    [
      'filters on filters',
      (n) => ({
        nodes: [node(n + 100, `n${n}`), node(n + 200_000, `k${n}`, 'block-job')],
        edges: [
          ...[edge(n + 100, 'backing', n === 0 ? 1 : n + 99), edge(n + 200_000, 'main node', n + 100)],
          edge(n + 200_000, 'source', n === 0 ? 1 : n + 99),
        ],
      }),
    ],
  ])('10,000 %s: a graph that no disk has; a bounded part of it is looked at', (_, part) => {
    let looks = 0;
    const watched = (each: ReturnType<typeof edge>): ReturnType<typeof edge> => ({
      get parent() {
        looks += 1;
        return each.parent;
      },
      get child() {
        looks += 1;
        return each.child;
      },
      name: each.name,
    });
    const parts = Array.from({ length: 10_000 }, (_each, n) => part(n));
    const jobs = Array.from({ length: 1_000 }, (_each, n) => node(n + 500_000, `j${n}`, 'block-job'));
    const graph = new GraphIndex({
      nodes: [...commit.nodes, ...jobs, ...parts.flatMap(({ nodes }) => nodes)],
      edges: [
        ...commit.edges,
        ...jobs.flatMap(({ id }) => [edge(id, 'main node', 4), edge(id, 'source', 1), edge(id, 'target', 3)]),
        ...parts.flatMap(({ edges }) => edges),
      ].map(watched),
    });
    looks = 0;
    expect(jobs.map(({ name }) => readBaseline(graph, name)).filter(Boolean)).toEqual([]);
    // A search ends after 1,024 edges, all searches of one graph after 262,144.
    expect(looks).toBeLessThan(2 * 262_144);
  });
});

describe('a baseline', () => {
  it('has no baseline if the graph does not show the job, or shows it without nodes', () => {
    const world = new GraphWorld();
    expect(readBaseline(new GraphIndex(world.graph()), 'j')).toBeUndefined();
    const concluded = { nodes: [{ id: 1, type: 'block-job', name: 'j' }], edges: [] };
    expect(readBaseline(new GraphIndex(concluded), 'j')).toBeUndefined();
  });

  it('is `never` for a job that moves no user', () => {
    const graph = {
      nodes: [
        { id: 1, type: 'block-job', name: 'j' },
        { id: 2, type: 'block-driver', name: 'top' },
      ],
      edges: [{ parent: 1, child: 2, name: 'main node' }],
    };
    expect(readBaseline(new GraphIndex(graph), 'j')).toBe('never');
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
    expect(readBaseline(new GraphIndex(graph), 'j')).toMatchObject({ source: 'a', target: 'a' });
  });
});
