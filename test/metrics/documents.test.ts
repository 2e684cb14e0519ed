// The board, the rules and the page for operators name the metrics that there are, and each rule has a line that says what to do.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { AUTHENTICATION_FAILURES, GATEWAY_LIMIT_NAMES } from '../../src/gateway/index.js';
import { MemoryLog } from '../../src/log/index.js';
import { openMetrics } from '../../src/metrics/index.js';

const PREFIX = 'qmp_gateway_';
const page = readFileSync('docs/OPERATIONS.md', 'utf8');
const { groups } = parse(readFileSync('docs/alerts.yml', 'utf8')) as {
  groups: { rules: { alert: string; expr: string }[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const board = readFileSync('docs/grafana.json', 'utf8');

const section = (title: string): string => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
const firstCells = (text: string): string[] => [...text.matchAll(/^\| (`.+?`) \|/gm)].map(([, cell = '']) => cell);
const named = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

const OWNER = {
  ...{ owned: 1, standby: 2, waitingBytes: 3, largestWaitingBytes: 2, maxWaitingBytes: 9 },
  ...{ fenced: 0, dropped: 0, takeovers: 0 },
};

/** Name and type of each metric, as it is scraped. */
async function families(): Promise<Map<string, string>> {
  const log = new MemoryLog();
  const metrics = openMetrics({
    gateway: () => undefined,
    log: { status: () => log.status, head: () => log.head },
    history: () => ({ runs: 0, bytes: 0, isFailing: false }),
    libvirtds: () => [{ path: '/run/s', fresh: 0, held: 0, maxHeld: 8 }],
    webhooks: () => [],
    sources: () => [],
    jobs: () => [],
    health: () => ({ log: false, credentials: false }),
    cluster: { owner: () => OWNER, edge: () => ({ filled: 0, lagMs: 0 }) },
  });
  const { text } = await metrics.text();
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
}

/** Metrics in a text, without the ends that a histogram's series have. */
const metricsIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/\b(?:qmp_gateway|nodejs|process)_[a-z0-9_]+/g)].map(([name]) =>
      name.replace(/_(bucket|sum|count)$/, ''),
    ),
  ),
];

it('the rules and the board name metrics that there are', async () => {
  const known = await families();
  expect(metricsIn(rules.map(({ expr }) => expr).join('\n')).filter((name) => !known.has(name))).toEqual([]);
  expect(metricsIn(board).filter((name) => !known.has(name))).toEqual([]);
});

it('the table of metrics has each of them with its type, and no other', async () => {
  const known = [...(await families())].filter(([name]) => name.startsWith(PREFIX));
  const rows = [...section('Metrics').matchAll(/^\| (`.+?`) \| (gauge|counter|histogram) \|/gm)];
  const told = rows.flatMap(([, cell = '', type = '']) => named(cell).map((name) => [PREFIX + name, type]));
  expect(told.sort()).toEqual(known.sort());
});

it('each rule has a line of what to do, and each such line a rule', () => {
  const lines = firstCells(section('Alarms')).flatMap(named);
  expect(lines).toEqual(rules.map(({ alert }) => alert));
});

it('the table of limits has each limit that is counted, and what it names is counted', async () => {
  const rows = section('Limits').match(/^\| .+ \|$/gm) ?? [];
  const cells = rows.slice(2).flatMap((row) => named(row.split(' | ').at(-1) ?? ''));
  const known = await families();
  const counted = [
    ...GATEWAY_LIMIT_NAMES,
    ...['accept_connected', 'accept_greeting', 'accept_pending', 'accept_rate', 'accept_sources'],
    ...['share_commands', 'share_message_bytes', 'share_tools', 'share_unsent_bytes'],
    ...['block_job_errors', 'commands_waiting', 'event_data', 'graph_edges', 'settlements', 'source_jobs', 'waits'],
  ];
  const isMetric = (name: string): boolean => known.has(PREFIX + name) || known.has(name);
  // One limit and one metric have the same name: `connections`.
  const limits = cells.filter((name) => counted.includes(name) || !isMetric(name));
  expect(limits.sort()).toEqual(counted.sort());
});

it('each limit that the gateway reports is met in a test', () => {
  const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => readFileSync(`test/${file}`, 'utf8').match(/recorder\.limits[^;]*/g) ?? []);
  expect(GATEWAY_LIMIT_NAMES.filter((name) => !tests.some((text) => text.includes(`'${name}'`)))).toEqual([]);
});

it('the page names every kind of failed authentication', () => {
  const [row = ''] = section('Metrics').match(/^\| `authentication_failures_total`.*$/m) ?? [];
  expect(named(row.split(' | ')[2] ?? '')).toEqual(['kind', ...AUTHENTICATION_FAILURES]);
});

it('the board can be imported: every query has the data source as a variable', () => {
  const { panels, templating } = JSON.parse(board) as {
    panels: { id: number; datasource: { uid: string }; targets: object[] }[];
    templating: { list: { name: string; type: string }[] };
  };
  expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(
    panels.filter(({ datasource, targets }) => !/^\$\{datasource\}$/.test(datasource.uid) || targets.length === 0),
  ).toEqual([]);
});
