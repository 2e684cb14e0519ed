// A small correct record passes the checker, and each error that is planted in it is found.
import { describe, expect, it } from 'vitest';
import type { Entry, Settlement } from '../../src/protocol/index.js';
import { check } from './checker.js';
import type { ChaosRecord, Op, Raised, SubscriberRecord } from './record.js';
import { schedule } from './schedule.js';

const EPOCH = 'e1';
const at = (n: number): string => `2026-11-23T00:00:${String(n).padStart(2, '0')}.000000Z`;
const cursor = (offset: number): string => `${EPOCH}:${offset}`;
const BLOCK = { device: 'j', type: 'mirror', len: 9, offset: 9, speed: 0 };
const SETTLED: Settlement = {
  outcome: 'completed',
  provenance: 'observed',
  pivoted: false,
  pivotProof: 'graph',
  forced: false,
  escalated: false,
  requestedBy: [],
  began: cursor(3),
  dismissed: true,
  type: 'mirror',
  len: 9,
  offset: 9,
};

const LOST: Settlement = {
  ...SETTLED,
  outcome: 'lost',
  provenance: 'unknown',
  pivoted: 'unknown',
  pivotProof: null,
  began: cursor(12),
};

/** As QEMU raised it: a mirror that completes among errors, then one that is cancelled while the gateway has no connection. */
function raisedEvents(): Raised[] {
  const status = (name: string, n: number): Raised => ({
    type: 'JOB_STATUS_CHANGE',
    data: { id: 'j', status: name },
    time: at(n),
    delivered: true,
  });
  const error = (n: number): Raised => ({
    type: 'BLOCK_JOB_ERROR',
    data: { device: 'j', operation: 'write', action: 'ignore' },
    time: at(n),
    delivered: true,
  });
  return [
    status('created', 1),
    status('running', 2),
    error(3),
    error(3),
    error(3),
    error(4),
    { type: 'STOP', data: {}, time: at(4), delivered: true },
    { type: 'BLOCK_JOB_COMPLETED', data: BLOCK, time: at(5), delivered: true, pivoted: false },
    status('concluded', 6),
    status('null', 6),
    status('created', 10),
    status('running', 11),
    { type: 'BLOCK_JOB_CANCELLED', data: BLOCK, time: at(20), delivered: false, pivoted: false },
    { type: 'RESUME', data: {}, time: at(40), delivered: true },
  ];
}

function logEntries(): Entry[] {
  const raised = raisedEvents();
  const drafts: [type: string, time: string | null, data: unknown, run?: number, repeated?: number][] = [
    ['GATEWAY_SOURCE_UP', at(0), { qemu: '7.2.22', same: 'unknown' }],
    ['GATEWAY_SOURCE_SYNCED', at(0), { jobs: 0 }],
    ['JOB_STATUS_CHANGE', at(1), raised[0]?.data, 3],
    ['JOB_STATUS_CHANGE', at(2), raised[1]?.data, 3],
    ['BLOCK_JOB_ERROR', at(3), raised[2]?.data, 3],
    ['BLOCK_JOB_ERROR', at(3), raised[2]?.data, 3, 3],
    ['STOP', at(4), {}],
    ['BLOCK_JOB_COMPLETED', at(5), BLOCK, 3],
    ['JOB_STATUS_CHANGE', at(6), raised[8]?.data, 3],
    ['JOB_STATUS_CHANGE', at(6), raised[9]?.data, 3],
    ['GATEWAY_JOB_SETTLED', at(6), SETTLED, 3],
    ['JOB_STATUS_CHANGE', at(10), raised[10]?.data, 12],
    ['JOB_STATUS_CHANGE', at(11), raised[11]?.data, 12],
    ['GATEWAY_SOURCE_DOWN', at(15), { reason: 'closed' }],
    ['GATEWAY_SOURCE_UP', at(30), { qemu: '7.2.22', same: false }],
    ['GATEWAY_JOB_SETTLED', at(30), LOST, 12],
    ['GATEWAY_SOURCE_SYNCED', at(30), { jobs: 0 }],
    ['RESUME', at(40), {}],
  ];
  return drafts.map(([type, time, data, run, repeated], index) => ({
    offset: index + 1,
    source: 'vm1',
    type,
    time,
    data,
    ...(run !== undefined && { job: { id: 'j', run: cursor(run) } }),
    ...(repeated !== undefined && { repeated }),
  }));
}

const frame = (entries: Entry[], from: number, to: number): Op => ({
  kind: 'events',
  cursor: cursor(to),
  events: entries.slice(from, to),
});

/** A witness from the start, one that is cut and resumes, one with a filter, one that falls out of the retention. */
function story(entries = logEntries()): ChaosRecord {
  const all = entries.length;
  const begin: Op = { kind: 'subscribed', cursor: cursor(0), resumed: false, jobs: [], settled: [] };
  const snapshot = {
    jobs: [
      {
        source: 'vm1',
        job: 'j',
        run: cursor(12),
        type: null,
        status: 'running' as const,
        len: 0,
        offset: 0,
        speed: 0,
        updated: at(11),
      },
    ],
    settled: [{ source: 'vm1', job: 'j', run: cursor(3), cursor: cursor(11), time: at(6), settled: SETTLED }],
  };
  const named = (name: string, ops: Op[], filter = {}): SubscriberRecord => ({ name, filter, ops, complete: true });
  return {
    witness: named('witness', [{ ...begin, after: cursor(0), resumed: true }, frame(entries, 0, all)]),
    subscribers: [
      named('cutter', [
        begin,
        frame(entries, 0, 5),
        { kind: 'cut' },
        { kind: 'subscribed', after: cursor(5), cursor: cursor(5), resumed: true },
        frame(entries, 5, 11),
        { kind: 'answer', cursor: cursor(11), late: false },
        frame(entries, 11, all),
      ]),
      named(
        'filtered',
        [
          begin,
          { kind: 'events', cursor: cursor(all), events: entries.filter(({ type }) => type.startsWith('BLOCK_JOB_')) },
          { kind: 'bookmark', cursor: cursor(all) },
        ],
        { types: ['BLOCK_JOB_*'] },
      ),
      named('late', [
        { kind: 'subscribed', cursor: cursor(13), resumed: false, pages: 2 },
        { kind: 'page', page: 1, last: false, cursor: cursor(13), jobs: snapshot.jobs, settled: [] },
        { kind: 'page', page: 2, last: true, cursor: cursor(13), jobs: [], settled: snapshot.settled },
        {
          kind: 'progress',
          rows: [{ source: 'vm1', job: 'j', run: cursor(12), status: 'running', len: 0, offset: 0, speed: 0 }],
        },
        frame(entries, 13, all),
      ]),
      named('slow', [
        begin,
        frame(entries, 0, 1),
        { kind: 'reset', cursor: cursor(13), ...snapshot },
        frame(entries, 13, all),
      ]),
    ],
    monitors: [{ source: 'vm1', raised: raisedEvents(), deaths: [13], aside: false, left: [] }],
    aborts: [
      {
        source: 'vm1',
        job: 'j',
        sync: true,
        timeoutMs: 500,
        tookMs: 20,
        answer: {
          kind: 'result',
          result: {
            status: 'settled',
            outcome: 'completed',
            provenance: 'observed',
            run: cursor(3),
            cursor: cursor(11),
          },
        },
      },
    ],
    retained: 11,
  };
}

const subscriber = (record: ChaosRecord, name: string): SubscriberRecord =>
  record.subscribers.find((each) => each.name === name) as SubscriberRecord;
/** The events of the nth frame of a subscriber, to be changed. */
function eventsOf({ ops }: SubscriberRecord, nth = 0): Entry[] {
  const op = ops.filter(({ kind }) => kind === 'events')[nth] as Extract<Op, { kind: 'events' }>;
  op.events = [...op.events];
  return op.events as Entry[];
}
/** The log as if the gateway itself had written it so: offsets stay contiguous, and all but the witness is left out. */
function retold(change: (entries: Entry[]) => Entry[]): ChaosRecord {
  const record = story(change(logEntries()).map((entry, index) => ({ ...entry, offset: index + 1 })));
  return { ...record, subscribers: [], aborts: [] };
}

it('the true story passes', () => {
  expect(check(story())).toEqual([]);
  expect(check(retold((entries) => entries))).toEqual([]);
});

const LIES: [name: string, rule: string, says: RegExp, lie: () => ChaosRecord][] = [
  [
    'an event is dropped',
    'stream',
    /gap: lacks 8/,
    () => {
      const record = story();
      eventsOf(subscriber(record, 'cutter'), 1).splice(2, 1);
      return record;
    },
  ],
  [
    'the last event is dropped',
    'stream',
    /lacks the last 1/,
    () => {
      const record = story();
      const events = subscriber(record, 'slow').ops.pop() as Extract<Op, { kind: 'events' }>;
      subscriber(record, 'slow').ops.push({ ...events, cursor: cursor(17), events: events.events.slice(0, -1) });
      return record;
    },
  ],
  [
    'an event is doubled',
    'stream',
    /duplicate/,
    () => {
      const record = story();
      const events = eventsOf(subscriber(record, 'cutter'));
      events.push(events[4] as Entry);
      return record;
    },
  ],
  [
    'an event comes again after a resume',
    'stream',
    /duplicate or unexpected: 5/,
    () => {
      const record = story();
      eventsOf(subscriber(record, 'cutter'), 1).unshift(logEntries()[4] as Entry);
      return record;
    },
  ],
  [
    'two events change places',
    'stream',
    /reorder/,
    () => {
      const record = story();
      const events = eventsOf(subscriber(record, 'cutter'));
      events.push(...events.splice(2, 1));
      return record;
    },
  ],
  [
    'an event is changed',
    'stream',
    /changed: 8/,
    () => {
      const record = story();
      const events = eventsOf(subscriber(record, 'filtered'));
      events[2] = { ...(events[2] as Entry), data: { ...BLOCK, offset: 8 } };
      return record;
    },
  ],
  [
    'an event that the filter excludes',
    'stream',
    /unexpected: 7/,
    () => {
      const record = story();
      eventsOf(subscriber(record, 'filtered')).splice(2, 0, logEntries()[6] as Entry);
      return record;
    },
  ],
  [
    'events before the last page',
    'snapshot',
    /events before page 2/,
    () => {
      const record = story();
      const { ops } = subscriber(record, 'late');
      ops.push(...ops.splice(2, 1));
      return record;
    },
  ],
  ['a reset although all is retained', 'stream', /reset at e1:13 although/, () => ({ ...story(), retained: 12 })],
  [
    'not resumed although all is retained',
    'stream',
    /not resumed after e1:5/,
    () => {
      const record = story();
      const { ops } = subscriber(record, 'cutter');
      ops[3] = { kind: 'subscribed', after: cursor(5), cursor: cursor(5), resumed: false, jobs: [], settled: [] };
      return record;
    },
  ],
  [
    'a snapshot of another moment',
    'snapshot',
    /lacks .*"running"/,
    () => {
      const record = story();
      const [page] = subscriber(record, 'late').ops.filter(({ kind }) => kind === 'page') as Extract<
        Op,
        { kind: 'page' }
      >[];
      for (const job of page?.jobs ?? []) job.status = 'ready';
      return record;
    },
  ],
  [
    'a snapshot without a settlement',
    'snapshot',
    /settled: lacks/,
    () => {
      const record = story();
      for (const op of subscriber(record, 'slow').ops) if (op.kind === 'reset') op.settled = [];
      return record;
    },
  ],
  [
    'progress of a run that has settled',
    'progress',
    /after its settlement/,
    () => {
      const record = story();
      const row = { source: 'vm1', job: 'j', run: cursor(3), status: 'running' as const, len: 0, offset: 0, speed: 0 };
      subscriber(record, 'cutter').ops.push({ kind: 'progress', rows: [row] });
      return record;
    },
  ],
  [
    'a bookmark that overtakes',
    'stream',
    /bookmark e1:13 overtakes 8/,
    () => {
      const record = story();
      subscriber(record, 'cutter').ops.splice(2, 0, { kind: 'bookmark', cursor: cursor(13) });
      return record;
    },
  ],
  [
    'an answer that overtakes its events',
    'stream',
    /answer e1:11 overtakes 6/,
    () => {
      const record = story();
      const { ops } = subscriber(record, 'cutter');
      ops.splice(4, 0, ...ops.splice(5, 1));
      return record;
    },
  ],
  [
    'an abort without an answer',
    'abort',
    /no answer/,
    () => {
      const record = story();
      Object.assign(record.aborts[0] as object, { answer: { kind: 'none' } });
      return record;
    },
  ],
  [
    'an abort that answers too late',
    'abort',
    /answered after 1700 ms/,
    () => {
      const record = story();
      Object.assign(record.aborts[0] as object, { tookMs: 1_700 });
      return record;
    },
  ],
  [
    'an answer that the log contradicts',
    'abort',
    /cancelled .* at e1:11/,
    () => {
      const record = story();
      Object.assign(record.aborts[0]?.answer ?? {}, {
        result: { status: 'settled', outcome: 'cancelled', run: cursor(3), cursor: cursor(11) },
      });
      return record;
    },
  ],
  [
    'the log lacks an offset',
    'log',
    /offset 9 after 7/,
    () => {
      const record = story();
      eventsOf(record.witness).splice(7, 1);
      return record;
    },
  ],
  [
    'the gateway drops an event for everybody',
    'monitor',
    /gap: STOP/,
    () => retold((entries) => entries.filter(({ type }) => type !== 'STOP')),
  ],
  [
    'the gateway tells an event twice',
    'monitor',
    /duplicate or reorder: STOP/,
    () => retold((entries) => [...entries, entries[6] as Entry]),
  ],
  [
    'the gateway invents an event',
    'monitor',
    /never raised: STOP/,
    () =>
      retold((entries) =>
        entries.map((entry) => (entry.type === 'STOP' ? { ...entry, data: { invented: true } } : entry)),
      ),
  ],
  [
    'the gateway reorders two events',
    'monitor',
    /reorder/,
    () => retold((entries) => [...entries.slice(0, 6), entries[7] as Entry, entries[6] as Entry, ...entries.slice(8)]),
  ],
  [
    'repeated errors do not add up',
    'monitor',
    /3 errors of j \(write ignore\) told, 4 raised/,
    () => retold((entries) => entries.map((entry) => (entry.repeated ? { ...entry, repeated: 2 } : entry))),
  ],
  [
    'repeated errors are too many',
    'monitor',
    /5 errors of j \(write ignore\) told, 4 raised/,
    () => retold((entries) => entries.map((entry) => (entry.repeated ? { ...entry, repeated: 4 } : entry))),
  ],
  [
    'what was raised after SOURCE_UP is missing',
    'monitor',
    /gap: RESUME .*after the source was up/,
    () => retold((entries) => entries.filter(({ type }) => type !== 'RESUME')),
  ],
  [
    'a run settles twice',
    'runs',
    /after its end|settles twice/,
    () => retold((entries) => [...entries, entries[15] as Entry]),
  ],
  [
    'a run never settles',
    'runs',
    /ends without a settlement/,
    () =>
      retold((entries) => {
        const without = entries.filter(({ offset }) => offset !== 11);
        return without.map((entry) =>
          entry.job?.run === cursor(12) ? { ...entry, job: { id: 'j', run: cursor(11) } } : entry,
        );
      }),
  ],
  [
    'a success is invented',
    'truth',
    /j completed \(reconciled\), which the monitor never did/,
    () =>
      retold((entries) =>
        entries.map((entry) =>
          entry.offset === 16 ? { ...entry, data: { ...SETTLED, began: cursor(12), provenance: 'reconciled' } } : entry,
        ),
      ),
  ],
  [
    'a success is observed that was none',
    'truth',
    /j completed, but the monitor says cancelled/,
    () => retold((entries) => entries.map((entry) => (entry.offset === 16 ? { ...entry, data: SETTLED } : entry))),
  ],
  [
    'a pivot is claimed that was none',
    'truth',
    /j pivoted:true by command, but the disk says false/,
    () =>
      retold((entries) =>
        entries.map((entry) =>
          entry.offset === 11 ? { ...entry, data: { ...SETTLED, pivoted: true, pivotProof: 'command' } } : entry,
        ),
      ),
  ],
  [
    'a pivot of a lost run is claimed that was none',
    'truth',
    /j pivoted:true by graph, but the disk says false/,
    () =>
      retold((entries) =>
        entries.map((entry) =>
          entry.offset === 16 ? { ...entry, data: { ...LOST, pivoted: true, pivotProof: 'graph' } } : entry,
        ),
      ),
  ],
  [
    'a run is said to have begun elsewhere',
    'runs',
    /began at e1:3, not e1:4/,
    () =>
      retold((entries) =>
        entries.map((entry) => (entry.offset === 11 ? { ...entry, data: { ...SETTLED, began: cursor(4) } } : entry)),
      ),
  ],
  [
    'a pivot is claimed without a proof',
    'truth',
    /j pivoted:false by null/,
    () =>
      retold((entries) =>
        entries.map((entry) => (entry.offset === 11 ? { ...entry, data: { ...SETTLED, pivotProof: null } } : entry)),
      ),
  ],
  [
    'a loss is told although nobody was blind',
    'runs',
    /is lost although nobody was blind/,
    () =>
      retold((entries) =>
        entries.map((entry) =>
          entry.offset === 11 ? { ...entry, data: { ...SETTLED, outcome: 'lost', provenance: 'unknown' } } : entry,
        ),
      ),
  ],
  [
    'a job is still there that the monitor has not',
    'state',
    /lacks k running/,
    () => {
      const record = story();
      record.monitors[0]?.left.push({ id: 'k', status: 'running' });
      return record;
    },
  ],
];

describe('a planted fault fails', () => {
  it.each(LIES)('%s', (_name, rule, says, lie) => {
    const violations = check(lie());
    expect(violations.filter((each) => each.rule === rule && says.test(`${each.who}: ${each.what}`))).not.toEqual([]);
  });
});

describe('schedule', () => {
  const options = { durationMs: 60_000, sims: ['a', 'b'], qemus: ['q'] };
  it('is the same for the same seed, and another for another', () => {
    expect(schedule({ ...options, seed: 7 })).toEqual(schedule({ ...options, seed: 7 }));
    expect(schedule({ ...options, seed: 7 })).not.toEqual(schedule({ ...options, seed: 8 }));
  });
  it('restarts the gateway and floods in every run, also a short one', () => {
    const kinds = schedule({ ...options, seed: 7, durationMs: 20_000 }).map(({ fault }) => fault.kind);
    expect(kinds).toContain('gateway');
    expect(kinds).toContain('flood');
  });
});
