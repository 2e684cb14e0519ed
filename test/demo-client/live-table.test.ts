// The table that is folded in place: the same as by folds that copy, with what has changed from frame to frame.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIGURES_A_FRAME, LiveTable } from '../../demo-client/src/model/fleet/live-table.js';
import { cutOf, foldEvents, foldProgress, type JobTable } from '../../src/protocol/job-table.js';
import type { Entry, Progress } from '../../src/protocol/types.js';
import { cursor, entry, SETTLEMENT, status } from '../client/support/fixtures.js';
import { endOf, jobOf, tableOf } from './fixtures.js';

const run = (n: number): string => `e:d${n}`;
const FIRST: JobTable = {
  ...tableOf(
    [0, 1, 2, 3].map((n) => jobOf({ job: `d${n}` })),
    [endOf('old')],
  ),
  cursor: cursor(1),
};
const progress = (n: number, offset: number): Progress => ({ ...jobOf({ job: `d${n}` }), offset });

type Happening = (offset: number) => { entry: Entry } | { rows: Progress[] };
const nth = fc.nat(5);
const happening = fc.oneof<fc.Arbitrary<Happening>[]>(
  fc.tuple(nth, fc.constantFrom('created', 'paused', 'ready', 'concluded', 'null')).map(([n, to]) => (offset) => ({
    entry: status(offset, to, `d${n}`, run(n)),
  })),
  fc.tuple(nth, fc.boolean()).map(([n, dismissed]) => (offset) => ({
    entry: entry(offset, 'GATEWAY_JOB_SETTLED', { ...SETTLEMENT, dismissed }, `d${n}`, run(n)),
  })),
  fc
    .constantFrom('DOWN', 'SYNCED', 'REMOVED')
    .map((to) => (offset) => ({ entry: entry(offset, `GATEWAY_SOURCE_${to}`) })),
  fc.tuple(nth, nth).map(([n, done]) => () => ({ rows: [progress(n, done)] })),
);

describe('the live table', () => {
  it('is the same as by folds that copy, and a frame names each run that differs from the frame before, as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.array(happening, { maxLength: 4 }), { maxLength: 8 }), (frames) => {
        const live = new LiveTable(cutOf(FIRST));
        live.frame();
        let [table, offset] = [FIRST, 1];
        for (const happenings of frames) {
          const before = table;
          for (const happen of happenings) {
            offset += 1;
            const what = happen(offset);
            if ('entry' in what) {
              live.apply([what.entry], cursor(offset));
              table = foldEvents(table, [what.entry], cursor(offset));
            } else {
              live.measure(what.rows, 'now');
              table = foldProgress(table, what.rows, 'now');
            }
          }
          if (happenings.length === 0) continue;
          const frame = live.frame();
          expect([frame.jobs, frame.settled, frame.sources]).toEqual([table.jobs, table.settled, table.sources]);
          for (const each of new Set([...before.jobs.keys(), ...table.jobs.keys(), ...table.settled.keys()])) {
            const was = { job: before.jobs.get(each), end: before.settled.get(each) };
            if (frame.changed.has(each)) expect(frame.changed.get(each)).toEqual(was);
            else expect({ job: table.jobs.get(each), end: table.settled.get(each) }).toEqual(was);
          }
        }
      }),
    );
  });

  it('has the same frame until something changes, then the next one', () => {
    const live = new LiveTable(cutOf(FIRST));
    const first = live.frame();
    expect(live.frame()).toBe(first);
    live.measure([progress(1, 50)], 'now');
    const next = live.frame();
    expect(next).toMatchObject({ seq: first.seq + 1, since: first.cursor });
    expect([...next.changed.keys()]).toEqual([run(1)]);
  });

  it('brings the figures of many runs in several frames, each as it was before, and what an event changes at once', () => {
    const many = FIGURES_A_FRAME * 2 + 1;
    const names = Array.from({ length: many }, (_, n) => n);
    const live = new LiveTable(cutOf(tableOf(names.map((n) => jobOf({ job: `d${n}` })))));
    live.frame();
    live.measure(
      names.map((n) => progress(n, 50)),
      'now',
    );
    // The last one has waited least, and is drawn first.
    live.apply([status(2, 'paused', `d${many - 1}`, run(many - 1))], cursor(2));
    const seen = new Map<string, unknown>();
    const sizes: number[] = [];
    do {
      const { changed } = live.frame();
      sizes.push(changed.size);
      if (sizes.length === 1) expect(changed.has(run(many - 1))).toBe(true);
      for (const [each, { job }] of changed) {
        expect(seen.has(each)).toBe(false);
        seen.set(each, job?.offset);
      }
    } while (live.hasMore);
    expect(sizes).toEqual([FIGURES_A_FRAME + 1, FIGURES_A_FRAME]);
    expect([seen.size, new Set(seen.values())]).toEqual([many, new Set([0])]);
  });

  it('counts settlements, and what is active, needs a person or is ready', () => {
    const live = new LiveTable(cutOf(FIRST));
    const { ends } = live.frame();
    live.apply([status(2, 'ready', 'd0', run(0)), status(3, 'pending', 'd1', run(1))], cursor(3));
    live.apply([entry(4, 'GATEWAY_JOB_SETTLED', SETTLEMENT, 'd2', run(2))], cursor(4));
    const frame = live.frame();
    expect(frame.tally).toEqual({ active: 3, needing: 1, ready: 1 });
    expect(frame.jobsOf).toEqual(new Map([['vm1', 3]]));
    expect(frame.ends).toBe(ends + 1);
  });

  it('leaves the maps of before a snapshot as they were, and names the runs of both', () => {
    const live = new LiveTable(cutOf(FIRST));
    const { jobs } = live.frame();
    live.reset(cutOf({ ...tableOf([jobOf({ job: 'new' })]), cursor: 'f:1' }));
    expect([...jobs.keys()]).toEqual([0, 1, 2, 3].map(run));
    expect([...live.frame().changed.keys()].sort()).toEqual([...[0, 1, 2, 3].map(run), 'e:new', 'e:old'].sort());
  });

  it('takes the members of a job that no event has, and keeps its status', () => {
    const live = new LiveTable(cutOf(FIRST));
    live.detail([jobOf({ job: 'd1', type: 'backup', status: 'paused', autoDismiss: false })]);
    expect(live.jobs.get(run(1))).toMatchObject({ type: 'backup', status: 'running', autoDismiss: false });
    live.detail([jobOf({ job: 'unknown' })]);
    expect(live.jobs.has('e:unknown')).toBe(false);
  });
});
