// Methods that read: the server, its sources, jobs and history.
import { compareCursors, parseCursor } from '../../protocol/cursor.js';
import { LIMITS } from '../../protocol/limits.js';
import type { Job } from '../../protocol/types.js';
import type { Clause } from '../clause.js';
import { brief, type Connection } from '../connection.js';
import { liveJob, matches } from '../streams.js';
import { check, need } from '../verdict.js';

/** No operator has a source or a job of this name. */
const NOBODY = 'conformance-nobody';
/** Milliseconds that an answer may come after its bound: the way there and back, and a busy host. */
const MARGIN_MS = 1_500;

const keyOf = ({ source, job, run }: Pick<Job, 'source' | 'job' | 'run'>): string => `${source}/${job} ${run}`;

async function jobPages(connection: Connection, limit: number): Promise<Job[][]> {
  const pages: Job[][] = [];
  for (let token: string | undefined; pages.length < 10_000; ) {
    const { jobs, pageToken } = await connection.call('job.list', {
      limit,
      ...(token !== undefined && { pageToken: token }),
    });
    check(jobs.length <= limit, `a page has ${jobs.length} jobs, where the limit was ${limit}`);
    pages.push(jobs);
    if (pageToken === undefined) break;
    token = pageToken;
  }
  return pages;
}

export const METHODS: readonly Clause[] = [
  {
    id: 'server.info',
    section: 'Methods',
    sentence: '{version, epoch, cursor, limits, bookmarkMs, features}',
    async run(server) {
      const connection = await server.connect();
      const { epoch, cursor, limits, bookmarkMs } = await connection.call('server.info', {});
      check(parseCursor(cursor)?.epoch === epoch, `the cursor ${cursor} is not of the epoch ${epoch}`);
      check(limits.messageBytes === LIMITS.messageBytes, `limits.messageBytes is ${limits.messageBytes}`);
      check(bookmarkMs > 0, `bookmarkMs is ${bookmarkMs}`);
    },
  },
  {
    id: 'source.list',
    section: 'Methods',
    sentence: 'state is up, connecting or down',
    async run(server) {
      const connection = await server.connect();
      const { sources } = await connection.call('source.list', {});
      const names = sources.map(({ name }) => name);
      check(new Set(names).size === names.length, `a name comes twice: ${names.join(', ')}`);
    },
  },
  {
    id: 'job.list.pages',
    section: 'Methods',
    sentence: '{cursor, jobs, pageToken?}, at most 1,000 a page',
    async run(server) {
      const connection = await server.connect();
      const before = (await jobPages(connection, LIMITS.listMax)).flat();
      need(before.length > 1, 'fewer than two jobs on that server');
      const paged = (await jobPages(connection, 1)).flat().map(keyOf);
      const after = new Set((await jobPages(connection, LIMITS.listMax)).flat().map(keyOf));
      check(new Set(paged).size === paged.length, () => `pages of one job have one twice: ${brief(paged)}`);
      for (const key of before.map(keyOf))
        check(!after.has(key) || paged.includes(key), `pages of one job lack ${key}`);
    },
  },
  {
    id: 'job.list.sources',
    section: 'subscribe',
    sentence: 'are lists of globs (* and ?, whole string, case-sensitive',
    async run(server) {
      const connection = await server.connect();
      const { jobs } = await connection.call('job.list', {});
      const { source } = need(jobs[0], 'no job on that server');
      const glob = `${source.slice(0, -1)}?`;
      const listed = (await connection.call('job.list', { sources: [glob] })).jobs;
      check(
        listed.every((job) => matches(glob, job.source)),
        () => `${glob} lists jobs of other sources`,
      );
      const nobody = await connection.call('job.list', { sources: [NOBODY] });
      check(nobody.jobs.length === 0, () => `${NOBODY} lists ${brief(nobody.jobs[0])}`);
    },
  },
  {
    id: 'job.get',
    section: 'Methods',
    sentence: 'Job, from a fresh query',
    async run(server) {
      const connection = await server.connect();
      const { source, job, run } = await liveJob(connection);
      const got = await connection.call('job.get', { source, job, run });
      check(keyOf(got) === keyOf({ source, job, run }), () => `asked for ${run}, got ${keyOf(got)}`);
    },
  },
  {
    id: 'source.unknown',
    section: 'Access',
    sentence: 'As the target of a method it is SOURCE_NOT_FOUND, with the text for an unknown source.',
    async run(server) {
      const connection = await server.connect();
      await connection.refused('SOURCE_NOT_FOUND', 'job.get', { source: NOBODY, job: NOBODY });
      await connection.refused('SOURCE_NOT_FOUND', 'job.wait', { source: NOBODY, job: NOBODY });
    },
  },
  {
    id: 'job.unknown',
    section: 'Errors',
    sentence: '-32004 JOB_NOT_FOUND no live job of that id, after a fresh query',
    async run(server) {
      const connection = await server.connect();
      const { sources } = await connection.call('source.list', {});
      const { name } = need(
        sources.find(({ state }) => state === 'up'),
        'no source is up',
      );
      await connection.refused('JOB_NOT_FOUND', 'job.get', { source: name, job: NOBODY });
      await connection.refused('JOB_NOT_FOUND', 'job.wait', { source: name, job: NOBODY });
    },
  },
  {
    id: 'timeout.range',
    section: 'Methods',
    sentence: 'Every timeoutMs is 100 to 3,600,000, default 30,000, counted from receipt.',
    async run(server) {
      const connection = await server.connect();
      for (const timeoutMs of [99, 3_600_001, 100.5, '1000'])
        await connection.refused('INVALID_PARAMS', 'job.wait', { source: NOBODY, job: NOBODY, timeoutMs });
    },
  },
  {
    id: 'wait.bound',
    section: 'Guarantees',
    sentence: 'waiting blocks nothing else on that connection, source or gateway',
    async run(server) {
      const connection = await server.connect();
      const { source, job, run } = await liveJob(connection);
      const waiting = connection.request('job.wait', { source, job, run, timeoutMs: 500 });
      await connection.call('job.list', {});
      const isWaiting = !connection.frames.some(({ id }) => id === waiting);
      const { error } = await connection.reply(waiting, 0, 500 + MARGIN_MS);
      need(error || isWaiting, 'the job ended before the bound');
      check(!error || error.data?.reason === 'TIMEOUT', () => `expected TIMEOUT, got ${brief(error)}`);
      check(isWaiting, 'job.list was answered after the wait that came before it');
    },
  },
  {
    id: 'history.order',
    section: 'History',
    sentence: 'in the reverse order of their settlements',
    needs: { feature: 'history' },
    async run(server) {
      const connection = await server.connect();
      const { runs } = await connection.call('history.list', { limit: 50 });
      need(runs.length > 1, 'fewer than two runs in the history');
      for (const [at, { ended }] of runs.entries()) {
        const before = runs[at - 1]?.ended;
        const order = before === undefined ? 1 : compareCursors(before, ended);
        check(order === undefined || order > 0, `the run that ended at ${ended} comes after that of ${before}`);
      }
    },
  },
  {
    id: 'history.pages',
    section: 'History',
    sentence: 'A page may be shorter than limit, or empty, and still have a pageToken',
    needs: { feature: 'history' },
    async run(server) {
      const connection = await server.connect();
      const { runs } = await connection.call('history.list', { limit: 2 });
      const [newest, older] = runs;
      need(newest && older, 'fewer than two runs in the history');
      const endedBefore = new Date(Date.parse(newest?.end ?? '') + 1).toISOString();
      const paged: string[] = [];
      for (let token: string | undefined; paged.length < 2; ) {
        const page = await connection.call('history.list', {
          limit: 1,
          endedBefore,
          ...(token !== undefined && { pageToken: token }),
        });
        check(page.runs.length <= 1, `a page has ${page.runs.length} runs, where the limit was 1`);
        paged.push(...page.runs.map(keyOf));
        token = page.pageToken;
        check(token !== undefined || paged.length >= 2, 'the pages end before the second run');
      }
      check(paged[0] !== paged[1], `both pages have ${paged[0]}`);
    },
  },
];
