// Each row of the table of limits has a test that meets the limit and sees what the table says that a client sees, and a metric that counts it.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const section = readFileSync('docs/OPERATIONS.md', 'utf8').split('\n## Limits\n')[1]?.split('\n## ')[0] ?? '';
const rows = (section.match(/^\| .+ \|$/gm) ?? []).slice(2).map((row) =>
  row
    .slice(2, -1)
    .split(' | ')
    .map((cell) => cell.trim()),
);

/** The row's first words; the file of its test, and the name of the test. */
const MET: Readonly<Record<string, readonly [file: string, name: string]>> = {
  'message of a client': [
    'integration/limits/calls',
    'messages that are too large, and connections beyond the number of all, are counted',
  ],
  'requests in flight on a connection': [
    'gateway/session',
    'beyond those that may wait is refused until one is answered',
  ],
  'subscriptions of a connection': [
    'gateway/streams',
    'is refused beyond so many of them, of their globs, and of them a second',
  ],
  'job id': ['integration/limits/names', 'an id of %s is named everywhere'],
  'globs with `*` or `?`': [
    'gateway/streams',
    'is refused beyond so many of them, of their globs, and of them a second',
  ],
  'requests of a connection': [
    'integration/limits/calls',
    'requests: refused with a delay, and the client that goes on is closed with bye and 4429',
  ],
  '`subscribe` of a connection': ['integration/limits/calls', 'subscribes'],
  'requests refused for coming too early': [
    'integration/limits/calls',
    'requests: refused with a delay, and the client that goes on is closed with bye and 4429',
  ],
  'pings and pongs of a connection': [
    'integration/limits/edges',
    'pings and pongs without end: the connection is closed with bye and 4429',
  ],
  'requests that wait to be executed': [
    'integration/limits/backlog',
    'requests that inflate to more than may wait close the connection with 4429',
  ],
  '`POST /v1/rpc` and the reads by GET of an address': [
    'gateway/http',
    'of one address is limited in number at once and a second, of loopback in number alone',
  ],
  'POSTs pipelined on one connection': [
    'integration/limits/edges',
    'of pipelined POSTs eight are executed; more close the connection and end what waits on it',
  ],
  'upgrades and event streams of an address': [
    'integration/limits/calls',
    'connections of an address: 429 with Retry-After; loopback is exempt unless it is limited',
  ],
  'calls that wait for one run, for all': ['jobs/waits', 'are limited for a run and in all; an abort finds room'],
  webhooks: [
    'webhooks/webhook',
    'are searched for in turn, within a time and a number of entries in one turn of the loop',
  ],
  'answer to a webhook': ['integration/webhooks/receivers', 'whose answer is huge is not read to its end'],
  'a delivery that is answered with 4xx': [
    'webhooks/delivery',
    '4xx three times makes a dead letter, and the next entry is its turn',
  ],
  'a webhook without a success': [
    'webhooks/delivery',
    'after a day without a success gives up what waits, and again a day later, as one gap',
  ],
  'names of webhooks': ['webhooks/address', 'is one for each name at a time, and few for all names'],
  'connections: `connections`': [
    'integration/limits/calls',
    'messages that are too large, and connections beyond the number of all, are counted',
  ],
  'connections that have not authenticated': [
    'integration/tokens',
    'who says nothing has some seconds, and of too many the oldest goes',
  ],
  'unsent bytes of a socket': ['integration/stream/resume', 'reads on without a gap when it drains'],
  'drain progress of a parked socket': [
    'gateway/connection',
    'closes with 4508 a peer that reads no byte in time, and never one that reads some',
  ],
  'unsent answers of a socket': [
    'gateway/connection',
    'does not execute for a client that does not read, stops reading it, and goes on when it drains',
  ],
  'sign of life of a client': [
    'integration/limits/alive',
    'is closed with 4510 once nothing came and nothing drained for the limit; any byte of its own counts',
  ],
  'message of events or progress': [
    'integration/limits/large-events',
    'of a burst in one turn live clients with other filters get everything, and a message has one event or 64 KiB',
  ],
  'events of one filter in one turn': [
    'gateway/streams',
    'of more than a turn may encode is read from the log instead, without a gap',
  ],
  'work for requests, for catching up': [
    'integration/limits/progress',
    'of very many filters holds up nothing else: a turn has so much of it, and the rest comes later',
  ],
  'head of an HTTP request': [
    'integration/limits/edges',
    'of half a head, half a body, or nothing at all is given up in time: 408',
  ],
  'log on disk: `logDiskBytes`': [
    'log/segments/segment-log',
    'removes its oldest file when it is over the quota, but none that no checkpoint covers',
  ],
  'log: `logEntries`': [
    'integration/stream/resume',
    'past the retention gets a reset in place: the present, then what follows',
  ],
  'history of runs: `historyAgeMs`': [
    'history/run-history',
    'removes its oldest file when all are over the bytes, or when its newest run is too old',
  ],
  'searches of the history': [
    'gateway/history',
    'is one at a time of a connection and few in all; who waits too long is refused',
  ],
  '`libvirtHeldCalls`: calls of one libvirtd that are unanswered for longer than 5 s': [
    'sources/libvirt/budget',
    'owes at most twelve in all, says that the held places are taken, and goes on with the first answer',
  ],
  settlements: ['integration/limits/sources', 'a settlement beyond the number that is kept is gone: JOB_NOT_FOUND'],
  'settlements in a snapshot': [
    'gateway/streams',
    'lists settlements oldest first, the newest of them where there are many',
  ],
  'connection to the name of `--accept`': [
    'sources/accept/dial-in',
    'that has a connection can’t be taken: the second one is refused, and the first goes on',
  ],
  'sources of one prefix of `--accept`': [
    'sources/accept/dial-in',
    'takes so many connections at once, and closes the next',
  ],
  'QEMUs that have connected and not negotiated': [
    'sources/accept/dial-in',
    'beyond those that may wait for their negotiation is refused, until one of these has ended',
  ],
  'QEMUs that connect': ['sources/accept/dial-in', 'that comes too early after very many others is refused'],
  'greeting of a QEMU that has connected': [
    'sources/accept/dial-in',
    'that sends no greeting in time is closed; it never had a name',
  ],
  'message of a monitor': ['integration/qmp', 'a message over the limit'],
  'jobs of a source': [
    'integration/limits/sources',
    'a job beyond those of a source is not listed and has no run; its events are published without job',
  ],
  'block graph near one node': [
    'jobs/pivot-proofs',
    'is not proven by a graph with too many edges near its nodes, which is counted',
  ],
  'before the negotiation': ['integration/qmp', 'is not waited for beyond so many %s'],
  'data of one event': ['integration/limits/sources', 'data of an event beyond 256 KiB is its size'],
  "QEMU's error texts": [
    'integration/stream/malformed',
    'is one entry, with its size and what the state of its job needs; what is kept is counted as it is',
  ],
  'events before a QEMU is identified': [
    'jobs/source-tracker',
    'publishes what waits for an identification that does not come, within a bound of bytes',
  ],
  'commands on a monitor': [
    'integration/qmp',
    'write bigints exactly, and keep at most eight in flight: places are left for verbs, and more for aborts',
  ],
  'commands that wait for a monitor': ['integration/qmp', 'report a full lane, and withdraw what is not yet written'],
  'tools on a shared socket': ['integration/share', 'closes tools beyond its number of them'],
  'message of a tool': ['share/tool', 'whose message is too large is closed'],
  'commands of a tool that wait': [
    'share/tool',
    'that floods has nine commands read, the rest waits as bytes, and none is lost',
  ],
  'unsent bytes to a tool': ['integration/share', 'that does not read is closed, and delays nobody'],
  'proof of a pivot': ['jobs/pivot-proofs', 'a second has passed'],
  'age of the figures in `job.list`': ['jobs/job-commands', 'lists jobs and sources, and renews what is old'],
  'BLOCK_JOB_ERROR of one run': [
    'jobs/flood',
    'of errors of ever new kinds costs a bounded number of windows and entries',
  ],
  'nothing listens at the address': [
    'integration/stream/reconcile',
    'when nothing listens for long the runs are lost; a silent peer is still a QEMU',
  ],
  'snapshot in one message': [
    'integration/stream/resume',
    'comes in pages below 256 KiB, one cursor, and no event before the last',
  ],
  closing: ['integration/limits/calls', '1,000 clients, 200 of which do not read: none is waited for beyond the bound'],
};

/** The kernel holds them, so a test would measure the kernel; it has no metric here either. */
const OF_THE_KERNEL = 'connections not yet accepted';

/** They give a message its size, a name its length or a wait its end: nobody is refused or loses something, so there is nothing to count. */
const NOT_COUNTED = [
  'job id',
  'message of events or progress',
  'settlements in a snapshot',
  "QEMU's error texts",
  'events before a QEMU is identified',
  'commands on a monitor',
  'proof of a pivot',
  'age of the figures in `job.list`',
  'snapshot in one message',
  'closing',
];

const keyOf = (limit: string): string | undefined =>
  [...Object.keys(MET), OF_THE_KERNEL].sort((a, b) => b.length - a.length).find((key) => limit.startsWith(key));

it('the table of limits and the list of tests have the same rows', () => {
  expect(rows.map(([limit = '']) => keyOf(limit) ?? limit).sort()).toEqual([...Object.keys(MET), OF_THE_KERNEL].sort());
});

it.each(Object.entries(MET))('%s: its test is there', (_, [file, name]) => {
  const text = readFileSync(`test/${file}.test.ts`, 'utf8');
  expect(text.includes(`'${name}'`), `${file}: ${name}`).toBe(true);
});

it('each row has a metric, but for those that refuse nobody anything', () => {
  const bare = rows
    .filter((row) => (row[4] ?? '').replace('|', '').trim() === '')
    .map(([limit = '']) => keyOf(limit) ?? limit);
  expect(bare.sort()).toEqual([...NOT_COUNTED, OF_THE_KERNEL].sort());
});
