// The log lane: what a stream contains, in which order, and what a client that comes back gets.
import { compareCursors, cursorAfter, parseCursor } from '../../protocol/cursor.js';
import type { Entry, Filter } from '../../protocol/types.js';
import type { Clause } from '../clause.js';
import { brief, type Connection } from '../connection.js';
import type { Server } from '../server.js';
import { increasing, isWanted, recordStream, resumeStream, sameEntries } from '../streams.js';
import { check, need } from '../verdict.js';

/** Gets the entries of a filter within a recording of everything: they must be those that the filter's globs match. */
async function filtered(server: Server, choose: (last: { type: string; source: string }) => Filter): Promise<void> {
  const { entries, after } = await recordStream(server);
  const last = entries.at(-1) ?? { type: '', source: '' };
  const filter = choose(last);
  const expected = entries.filter((entry) => isWanted(filter, entry));
  const end = need(expected.at(-1), `no event matches ${brief(filter)}`);
  const resumed = await resumeStream(server, { ...filter, after }, end.offset);
  const unwanted = resumed.entries.find((entry) => !isWanted(filter, entry));
  check(!unwanted, () => `${brief(filter)} does not match ${brief(unwanted)}`);
  sameEntries(expected, resumed.entries);
}

/** Milliseconds that a server may be late with a bookmark. */
const LATE_MS = 3_000;

export const EVENTS: readonly Clause[] = [
  {
    id: 'events.order',
    section: 'Two lanes',
    sentence: 'Ordered, numbered, never dropped, reordered or merged',
    async run(server) {
      const { entries, after, connection, subscription } = await recordStream(server);
      increasing(entries);
      const position = parseCursor(after)?.offset ?? 0;
      check((entries[0]?.offset ?? 0) > position, `an event is at or below the cursor of the reply, ${after}`);
      const last = entries.at(-1)?.offset ?? 0;
      const other = await resumeStream(server, { after }, last);
      check(other.subscription === subscription, 'two connections have different ids for one filter');
      sameEntries(entries, other.entries);
      increasing(connection.events(subscription));
    },
  },
  {
    id: 'events.cursor',
    section: 'Notifications',
    sentence: 'the client has everything that matches up to cursor',
    async run(server) {
      const { connection } = await recordStream(server);
      let before = '';
      for (const { cursor, events } of connection.notifications('events')) {
        const last = events.at(-1);
        const position = parseCursor(cursor)?.offset ?? 0;
        check(last && position >= last.offset, `the cursor ${cursor} is below its event at ${last?.offset}`);
        check((compareCursors(before, cursor) ?? -1) <= 0, `the cursor ${cursor} comes after ${before}`);
        before = cursor;
      }
    },
  },
  {
    id: 'filter.type',
    section: 'subscribe',
    sentence: 'sources, types and jobs are lists of globs',
    run: (server) => filtered(server, ({ type }) => ({ types: [type] })),
  },
  {
    id: 'filter.glob',
    section: 'subscribe',
    sentence: 'The fields are ANDed, the entries ORed.',
    run: (server) =>
      filtered(server, ({ type, source }) => ({
        types: [`${type.slice(0, 5)}*`, `?${type.slice(1)}`, 'CONFORMANCE_*'],
        sources: [source],
      })),
  },
  {
    id: 'filter.jobs',
    section: 'subscribe',
    sentence: 'jobs constrains only events that have a job.',
    run: (server) => filtered(server, () => ({ jobs: ['conformance-nobody'] })),
  },
  {
    id: 'resume.exact',
    section: 'subscribe',
    sentence: 'every matching event after it, then live, without a gap or a duplicate',
    async run(server) {
      const { entries, after } = await recordStream(server);
      const last = entries.at(-1)?.offset ?? 0;
      for (const at of new Set([0, Math.floor(entries.length / 2), entries.length - 2])) {
        const from = entries[at];
        if (from === undefined) continue;
        const resumed = await resumeStream(server, { after: cursorAfter(after, from) }, last);
        sameEntries(entries.slice(at + 1), resumed.entries);
      }
    },
  },
  {
    id: 'resume.live',
    section: 'Guarantees',
    sentence: 'A subscription sees each matching entry exactly once, in order, across reconnects, or a reset.',
    async run(server) {
      const [stays, goes] = [await server.connect(), await server.connect()];
      const { subscription } = await stays.call('subscribe', { snapshot: false });
      const { cursor } = await goes.call('subscribe', { snapshot: false });
      const had = (connection: Connection) => connection.events(subscription);
      await goes.occasion('event', () => had(goes).length > 0);
      const before = had(goes);
      goes.cut();
      const position = goes.notifications('events').at(-1)?.cursor ?? cursor;
      const last = parseCursor(position)?.offset ?? 0;
      const missed = await stays.occasion('event after the cut', () => had(stays).find(({ offset }) => offset > last));
      const resumed = await resumeStream(server, { after: position }, missed.offset);
      const end = resumed.entries.at(-1)?.offset ?? 0;
      await stays.until(`event at offset ${end}`, () => had(stays).some(({ offset }) => offset >= end));
      const begin = before[0]?.offset ?? 0;
      const whole = had(stays).filter(({ offset }) => offset >= begin && offset <= end);
      sameEntries(whole, [...before, ...resumed.entries]);
    },
  },
  {
    id: 'settled.once',
    section: 'Guarantees',
    sentence: 'Exactly one GATEWAY_JOB_SETTLED for each run that ended or was lost; success is never assumed.',
    async run(server) {
      const { entries } = await recordStream(server, { types: ['GATEWAY_JOB_SETTLED'] }, 1);
      const runs = entries.map(({ source, job }) => `${source}/${job?.id} ${job?.run}`);
      const twice = runs.find((run, at) => runs.indexOf(run) < at);
      check(twice === undefined, `${twice} has settled twice`);
    },
  },
  {
    id: 'progress',
    section: 'subscribe',
    sentence: 'No progress of a run is sent before its first event or snapshot, nor after its settlement.',
    async run(server) {
      const connection = await server.connect();
      const { jobs = [], subscription } = await connection.call('subscribe', { progress: 100 });
      need(
        jobs.find(({ status }) => status === 'running'),
        'no running job on that server',
      );
      await connection.occasion('progress', () => connection.notifications('progress').length > 0);
      const known = new Set(jobs.map(({ run }) => run));
      for (const { method, params } of connection.frames) {
        if (params?.subscription !== subscription) continue;
        if (method === 'events')
          for (const { type, job } of params.events as Entry[])
            if (job) known[type === 'GATEWAY_JOB_SETTLED' ? 'delete' : 'add'](job.run);
        const rows = method === 'progress' ? (params.jobs as { run: string }[]) : [];
        const early = rows.find(({ run }) => !known.has(run));
        check(!early, () => `progress of a run that was not announced, or has settled: ${brief(early)}`);
      }
    },
  },
  {
    id: 'bookmark',
    section: 'Notifications',
    sentence: '{cursor, time} every 15 s: every subscription here has been sent all that matches up to cursor.',
    needs: { flag: '--slow' },
    async run(server) {
      const connection = await server.connect();
      const { subscription, cursor } = await connection.call('subscribe', { snapshot: false });
      const within = (server.info?.bookmarkMs ?? 15_000) + LATE_MS;
      const bookmark = await connection.until('bookmark', () => connection.notifications('bookmark')[0], within);
      check((compareCursors(cursor, bookmark.cursor) ?? 1) <= 0, `it is at ${bookmark.cursor}, before ${cursor}`);
      const at = connection.frames.findIndex(({ method }) => method === 'bookmark');
      await connection.quiet();
      const position = parseCursor(bookmark.cursor)?.offset ?? 0;
      const late = connection.events(subscription).slice(connection.events(subscription, at).length);
      check(
        late.every(({ offset }) => offset > position),
        `events up to ${bookmark.cursor} came after the bookmark`,
      );
    },
  },
];
