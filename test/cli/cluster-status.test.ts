// The tables of `cluster status`.
import { describe, expect, it } from 'vitest';
import { statusLines } from '../../src/cli/cluster/status-lines.js';
import { tableOf } from '../../src/cli/columns.js';
import { timesIn } from '../../src/cli/times.js';
import type { ClusterStatus, EdgeStatus, MemberStatus } from '../../src/cluster/index.js';

const member = (name: string, more: Partial<MemberStatus>): MemberStatus => ({
  ...{ v: 1, member: name, role: 'owner', version: '0.2.0', pid: 1, since: '2026-11-29T08:00:00Z' },
  ...{ sources: [], edge: null },
  ...more,
});
const EDGE = { head: 1, lagMs: 3, connections: 0, url: '', webhooks: [] };
const stream = {
  ...{
    name: 'qmp',
    messages: 1200,
    bytes: 3_000_000,
    first: 1,
    last: 1200,
    leader: 'n1',
    version: '2.10.27',
    isFenced: true,
  },
  replicas: [
    { name: 'n2', isCurrent: true, lag: 0 },
    { name: 'n3', isCurrent: false, lag: 17 },
    { name: 'n4', isCurrent: false, lag: 0 },
  ],
};
const linesOf = (status: Partial<ClusterStatus>, hasColour = false): string[] =>
  statusLines({ cluster: 'qmp', members: [], stream, ...status }, timesIn(true), (columns, rows) =>
    tableOf(columns, rows, { hasColour }),
  );

describe('the tables', () => {
  it('have a row for each source of an owner, for each edge, and for the stream; a member with both roles is in both', () => {
    const members = [
      member('rack1', {
        sources: [
          { name: 'vm1', state: 'up', waitingBytes: 0 },
          { name: 'vm2', state: 'standby', waitingBytes: 2_048 },
        ],
      }),
      member('rack2', {}),
      member('edge1', { role: 'edge', edge: { ...EDGE, head: 4_915_201, connections: 7, url: 'http://e1/' } }),
      member('small', {
        role: 'both',
        sources: [{ name: 'vm3', state: 'down', waitingBytes: 0 }],
        edge: { ...EDGE, head: 4_915_200, lagMs: 12_000 },
      }),
    ];
    expect(linesOf({ members })).toEqual([
      'OWNER  SOURCE  STATE    WAITING   VERSION  SINCE',
      'rack1  vm1     up       0 B       0.2.0    2026-11-29 08:00:00Z',
      'rack1  vm2     standby  2.00 KiB  0.2.0    2026-11-29 08:00:00Z',
      'rack2  —                          0.2.0    2026-11-29 08:00:00Z',
      'small  vm3     down     0 B       0.2.0    2026-11-29 08:00:00Z',
      '',
      'EDGE   HEAD     LAG   CONNECTIONS  URL         VERSION  SINCE',
      'edge1  4915201  3 ms  7            http://e1/  0.2.0    2026-11-29 08:00:00Z',
      'small  4915200  12 s  0                        0.2.0    2026-11-29 08:00:00Z',
      '',
      'STREAM  MESSAGES  SIZE      FIRST  LAST  LEADER  REPLICAS',
      'qmp     1200      2.86 MiB  1      1200  n1      n2 current, n3 17 behind, n4 not current',
    ]);
  });

  it('say that the version of NATS does not keep two owners of a source apart', () => {
    expect(linesOf({ stream: { ...stream, version: '2.9.10', isFenced: false } }).slice(-2)).toEqual([
      '',
      'NATS 2.9.10 may take messages of two owners of one source that come at once: use 2.9.21 or a later one',
    ]);
  });

  it('say that nobody answers, and that the stream has no leader', () => {
    expect(linesOf({ stream: { ...stream, leader: null, replicas: [] } })).toEqual([
      'no owner answers',
      '',
      'no edge answers',
      '',
      'STREAM  MESSAGES  SIZE      FIRST  LAST  LEADER  REPLICAS',
      'qmp     1200      2.86 MiB  1      1200  none    none',
    ]);
  });

  it('have what is wrong in red, and a name that a member made up in one line', () => {
    const late = member('e', { role: 'edge', edge: { ...EDGE, lagMs: 60_000 } });
    const odd = member('a\nb\u001b[2J', { sources: [{ name: 'vm1', state: 'down', waitingBytes: 0 }] });
    const text = linesOf({ members: [late, odd] }, true).join('\n');
    expect(text).toContain('\u001b[31m1 min 00 s\u001b[0m');
    expect(text).toContain('a\\nb\\u001b[2J');
    expect(text).toContain('\u001b[31mdown\u001b[0m');
  });

  it('say of each webhook which edge posts it, in red that none does', () => {
    const edgeWith = (name: string, webhooks: EdgeStatus['webhooks']): MemberStatus =>
      member(name, { role: 'edge', edge: { ...EDGE, webhooks } });
    const members = [
      edgeWith('e1', [
        { name: 'tickets', isPosting: false, lagSeconds: 0 },
        { name: 'audit', isPosting: true, lagSeconds: 75 },
      ]),
      edgeWith('e2', [
        { name: 'tickets', isPosting: true, lagSeconds: 0 },
        { name: 'pager', isPosting: false, lagSeconds: 0 },
      ]),
    ];
    const lines = linesOf({ members });
    expect(lines.slice(6, 11)).toEqual([
      'WEBHOOK  POSTED BY  OLDEST WAITS',
      'audit    e1         1 min 15 s',
      'pager    nobody     ?',
      'tickets  e2         —',
      '',
    ]);
    expect(linesOf({ members }, true).join('\n')).toContain('\u001b[31mnobody\u001b[0m');
  });

  it('take a time that is none', () => {
    expect(linesOf({ members: [member('o', { since: 'today' })] })[1]).toBe(
      'o      —                       0.2.0    ?',
    );
  });
});
