// Subscribing: the reply, the id, and where a stream begins.
import { compareCursors, cursorAfter, parseCursor } from '../../protocol/cursor.js';
import { SNAPSHOT_SETTLED } from '../../protocol/limits.js';
import type { Subscribed, SubscribeParams } from '../../protocol/methods.js';
import type { Cursor } from '../../protocol/types.js';
import type { Clause } from '../clause.js';
import { brief, type Connection } from '../connection.js';
import { increasing, recordStream } from '../streams.js';
import { check, need } from '../verdict.js';

/** The sources' filter of these clauses: few events, whatever runs. */
const FEW: SubscribeParams = { types: ['GATEWAY_SOURCE_*'] };

const hasSnapshot = ({ jobs, settled, pages }: Subscribed): boolean =>
  (jobs !== undefined && settled !== undefined) || pages !== undefined;

/** A subscription that begins at the present, with a snapshot. */
async function beginsNow(connection: Connection, params: SubscribeParams): Promise<void> {
  const subscribed = await connection.call('subscribe', { ...FEW, ...params });
  check(!subscribed.resumed, () => `after ${params.after}: resumed is true`);
  check(hasSnapshot(subscribed), () => `after ${params.after}: no snapshot: ${brief(subscribed)}`);
}

const epochOf = (cursor: Cursor): string => parseCursor(cursor)?.epoch ?? '';

export const SUBSCRIBE: readonly Clause[] = [
  {
    id: 'subscribe.snapshot',
    section: 'subscribe',
    sentence: 'Without after: resumed: false, the present jobs and the newest 1,000 settlements of 24 h',
    async run(server) {
      const connection = await server.connect();
      const subscribed = await connection.call('subscribe', FEW);
      check(!subscribed.resumed, 'resumed is true');
      check(hasSnapshot(subscribed), () => `no snapshot: ${brief(subscribed)}`);
      const { epoch } = await connection.call('server.info', {});
      check(epochOf(subscribed.cursor) === epoch, `the cursor ${subscribed.cursor} is not of the epoch ${epoch}`);
      const { settled = [] } = subscribed;
      const runs = settled.map(({ source, job, run }) => `${source}/${job} ${run}`);
      check(new Set(runs).size === runs.length, 'a run has two settlements in the snapshot');
    },
  },
  {
    id: 'subscribe.cut',
    section: 'Guarantees',
    sentence: 'A snapshot and its cursor are one consistent cut.',
    async run(server) {
      const recorded = await recordStream(server, { types: ['GATEWAY_JOB_SETTLED'] }, 1);
      const connection = await server.connect();
      const { cursor, jobs, settled } = await connection.call('subscribe', {});
      const runs = need(settled && settled.length < SNAPSHOT_SETTLED && settled, 'the snapshot does not fit the reply');
      const isAfter = (a: Cursor, b: Cursor): boolean => (compareCursors(a, b) ?? 0) > 0;
      // Settlements older than 24 h may be in the log still: what is older than all in the snapshot is not expected there.
      const [first, ...more] = runs.map((run) => run.cursor);
      const oldest = more.reduce((a, b) => (isAfter(a, b) ? b : a), need(first, 'no settlement in the snapshot'));
      const before = recorded.entries.filter((entry) => {
        const position = cursorAfter(cursor, entry);
        return !isAfter(position, cursor) && !isAfter(oldest, position);
      });
      for (const { source, job } of before) {
        const name = `${source}/${job?.id} ${job?.run}`;
        check(
          runs.some(({ run }) => run === job?.run),
          `the snapshot lacks the settlement of ${name}`,
        );
        const live = jobs?.find(({ run, settled: end }) => run === job?.run && end === undefined);
        check(!live, () => `the snapshot has ${name} as ${live?.status}, and its settlement comes before the cursor`);
      }
      const late = runs.find((run) => isAfter(run.cursor, cursor));
      check(!late, () => `the snapshot has a settlement at ${late?.cursor}, after its cursor ${cursor}`);
    },
  },
  {
    id: 'subscribe.pages',
    section: 'subscribe',
    sentence:
      'Over 256 KiB it comes as snapshot notifications, pages of them; no event of the subscription comes before the one with last: true.',
    async run(server) {
      const connection = await server.connect();
      const { subscription, pages } = await connection.call('subscribe', {});
      const count = need(pages, 'the snapshot fits the reply');
      await connection.until(`${count} pages`, () => connection.notifications('snapshot').some(({ last }) => last));
      const numbers = connection.notifications('snapshot').map(({ page }) => page);
      check(
        numbers.length === count && numbers.every((page, at) => page === at + 1),
        () => `the pages are ${numbers.join(', ')}, of ${count}`,
      );
      const last = connection.frames.findIndex(({ params }) => params?.last === true);
      check(connection.events(subscription, last).length === 0, 'events came before the last page');
    },
  },
  {
    id: 'subscribe.no-snapshot',
    section: 'subscribe',
    sentence: '(unless snapshot: false)',
    async run(server) {
      const connection = await server.connect();
      const subscribed = await connection.call('subscribe', { ...FEW, snapshot: false });
      check(!hasSnapshot(subscribed), () => `there is a snapshot: ${brief(subscribed)}`);
    },
  },
  {
    id: 'subscribe.id',
    section: 'subscribe',
    sentence: 'one encoded frame serves all subscriptions with the same id',
    async run(server) {
      const [a, b] = [await server.connect(), await server.connect()];
      const idOf = async (connection: Connection, params: SubscribeParams): Promise<string> =>
        (await connection.call('subscribe', { ...params, snapshot: false })).subscription;
      const first = await idOf(a, FEW);
      check(first === (await idOf(b, FEW)), 'two connections have different ids for one filter');
      check(first === (await idOf(a, FEW)), 'the same filter again on one connection has another id');
      check(first !== (await idOf(a, { types: ['GATEWAY_SOURCE_UP'] })), 'another filter has the same id');
    },
  },
  {
    id: 'subscribe.tag',
    section: 'subscribe',
    sentence: 'unless it has another tag, an integer from 1 to 8, which is part of the id and has no other effect',
    needs: { feature: 'tag' },
    async run(server) {
      const connection = await server.connect();
      const ids: string[] = [];
      for (const tag of [undefined, 1, 2, 8]) {
        const params: SubscribeParams = { ...FEW, snapshot: false, ...(tag !== undefined && { tag }) };
        ids.push((await connection.call('subscribe', params)).subscription);
      }
      check(new Set(ids).size === ids.length, () => `two tags have one id: ${ids.join(', ')}`);
      for (const tag of [0, 9, '1', 1.5]) await connection.refused('INVALID_PARAMS', 'subscribe', { tag });
    },
  },
  {
    id: 'subscribe.replaces',
    section: 'subscribe',
    sentence: 'The same filter again on one connection replaces the first',
    needs: { feature: 'last' },
    async run(server) {
      const connection = await server.connect();
      await connection.call('subscribe', { snapshot: false });
      const from = connection.frames.length;
      const { subscription } = await connection.call('subscribe', { last: 20 });
      await connection.quiet();
      need(connection.frames.length > from + 1, 'no events in the log');
      // Events of the first one may come until the second is answered.
      const answered = connection.frames.findIndex(({ result }, at) => at >= from && result !== undefined);
      increasing(connection.events(subscription, undefined, answered));
    },
  },
  {
    id: 'after.cursor',
    section: 'subscribe',
    sentence: 'With an after that is retained: resumed: true',
    async run(server) {
      const connection = await server.connect();
      const { cursor } = await connection.call('subscribe', FEW);
      const again = await (await server.connect()).call('subscribe', { ...FEW, after: cursor });
      check(again.resumed, `after ${cursor}, the cursor of the reply before: resumed is false`);
      check(!hasSnapshot(again), () => `a resumed stream has a snapshot: ${brief(again)}`);
    },
  },
  {
    id: 'after.any-filter',
    section: 'Names',
    sentence: 'opaque, valid with any filter',
    async run(server) {
      const connection = await server.connect();
      const { cursor } = await connection.call('subscribe', FEW);
      const other = await connection.call('subscribe', { types: ['BLOCK_JOB_*'], after: cursor });
      check(other.resumed, `after ${cursor}, which is of another filter: resumed is false`);
    },
  },
  {
    id: 'after.not-retained',
    section: 'subscribe',
    sentence:
      'With one that is not (too old, past the end, of another epoch): resumed: false, as if it were not given.',
    async run(server) {
      const connection = await server.connect();
      const { cursor } = await connection.call('server.info', {});
      await beginsNow(connection, { after: 'conformance0:1' });
      await beginsNow(connection, { after: `${epochOf(cursor)}:${Number.MAX_SAFE_INTEGER}` });
    },
  },
  {
    id: 'after.malformed',
    section: 'subscribe',
    sentence: 'A malformed one: -32602.',
    async run(server) {
      const connection = await server.connect();
      const { cursor } = await connection.call('server.info', {});
      for (const after of ['', 'conformance', `${epochOf(cursor)}:`, `${cursor}x`, `${epochOf(cursor)}:-1`, 7])
        await connection.refused('INVALID_PARAMS', 'subscribe', { after });
    },
  },
  {
    id: 'last',
    section: 'subscribe',
    sentence: 'With last: N, 1 to 10,000: as if it had been subscribed N matching entries ago.',
    needs: { feature: 'last' },
    async run(server) {
      const { entries } = await recordStream(server);
      const connection = await server.connect();
      const subscribed = await connection.call('subscribe', { last: 2 });
      check(!subscribed.resumed && !hasSnapshot(subscribed), () => `got ${brief(subscribed)}`);
      const got = () => connection.events(subscribed.subscription);
      await connection.until('two events', () => got().length >= 2);
      const position = parseCursor(subscribed.cursor)?.offset ?? 0;
      check(
        got().every(({ offset }) => offset > position),
        `an event is not above the cursor ${subscribed.cursor}`,
      );
      const expected = entries.at(-2)?.offset ?? 0;
      const [first] = got();
      check((first?.offset ?? 0) >= expected, `the first event is at ${first?.offset}, where ${expected} was expected`);
      const { cursor } = await connection.call('server.info', {});
      for (const params of [{ last: 0 }, { last: 10_001 }, { last: 1, after: cursor }])
        await connection.refused('INVALID_PARAMS', 'subscribe', params);
    },
  },
  {
    id: 'from',
    section: 'subscribe',
    sentence:
      "With from, a time in ISO 8601 with its zone: as if it had been subscribed at that time, by the gateway's clock",
    needs: { feature: 'from' },
    async run(server) {
      const { entries } = await recordStream(server);
      const connection = await server.connect();
      const subscribed = await connection.call('subscribe', { from: '2000-01-01T00:00:00Z' });
      check(!subscribed.resumed && !hasSnapshot(subscribed), () => `got ${brief(subscribed)}`);
      const last = entries.at(-1)?.offset ?? 0;
      const got = () => connection.events(subscribed.subscription);
      await connection.until(`event at offset ${last}`, () => got().some(({ offset }) => offset >= last));
      check((got()[0]?.offset ?? 0) <= (entries[0]?.offset ?? 0), 'it begins after entries that the log still has');
      const { cursor } = await connection.call('server.info', {});
      const from = '2000-01-01T00:00:00Z';
      for (const params of [{ from: '2000-01-01' }, { from, after: cursor }, { from, last: 1 }])
        await connection.refused('INVALID_PARAMS', 'subscribe', params);
    },
  },
  {
    id: 'unsubscribe',
    section: 'Methods',
    sentence: '{}; no frame of it follows',
    async run(server) {
      const connection = await server.connect();
      const back = server.has('last') ? { last: 1_000 } : { snapshot: false };
      const { subscription } = await connection.call('subscribe', { snapshot: false });
      // Equal filters have one id: it is known before this reply, so that both are under way at once.
      connection.request('subscribe', back);
      const asked = connection.request('unsubscribe', { subscription });
      const reply = await connection.reply(asked);
      check(!reply.error, () => `it was refused: ${brief(reply.error)}`);
      await connection.quiet();
      const later = connection.frames.slice(connection.frames.indexOf(reply));
      const frame = later.find(({ params }) => params?.subscription === subscription);
      check(!frame, () => `a frame of it followed: ${brief(frame)}`);
      await connection.refused('INVALID_PARAMS', 'unsubscribe', { subscription });
    },
  },
];
