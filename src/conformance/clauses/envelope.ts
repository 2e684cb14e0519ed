// The envelope: JSON-RPC 2.0 with the page's restrictions.
import type { Clause } from '../clause.js';
import { brief, type Connection, type Frame } from '../connection.js';
import { liveJob } from '../streams.js';
import { check } from '../verdict.js';

/** A member of params that no release has. */
const UNKNOWN = 'conformanceNoSuchMember';

/** Sends a text, and expects one error without an id, and no result. */
async function refusedText(connection: Connection, text: string, reason: string, id: string | number | null = null) {
  const from = connection.frames.length;
  connection.send(text);
  const first = await connection.until('answer', () => connection.frames[from]);
  check(
    first.error?.data?.reason === reason && first.id === id,
    () => `expected ${reason} with the id ${id}, got ${brief(first)}`,
  );
  // Requests of one connection are executed in their order: after this reply the other would have been answered.
  await connection.ask('server.info', {});
  const results = connection.frames.slice(from, -1).filter(({ result }) => result !== undefined);
  check(results.length === 0, () => `it was executed: ${brief(results[0])}`);
}

export const ENVELOPE: readonly Clause[] = [
  {
    id: 'json',
    section: 'Errors',
    sentence: '-32700 PARSE_ERROR not JSON',
    async run(server) {
      const connection = await server.connect();
      for (const text of ['{', 'server.info', '']) await refusedText(connection, text, 'PARSE_ERROR');
    },
  },
  {
    id: 'id.exact',
    section: 'Transport',
    sentence: 'a request always has an id: a string of 1 to 64 characters or a safe integer',
    async run(server) {
      const connection = await server.connect();
      for (const id of ['1', 1, 0, -7, Number.MAX_SAFE_INTEGER, 'x', 'ü'.repeat(64)]) {
        const { error } = await connection.ask('server.info', {}, id);
        check(!error, () => `the id ${brief(id)} was refused: ${brief(error)}`);
      }
      for (const id of ['""', 'null', '1.5', '{}', '[1]', 'true', '9007199254740993', `"${'x'.repeat(65)}"`])
        await refusedText(connection, `{"jsonrpc":"2.0","id":${id},"method":"server.info"}`, 'INVALID_REQUEST');
    },
  },
  {
    id: 'id.missing',
    section: 'Transport',
    sentence: 'a request without an id or with one that is in flight, or a batch: -32600, and nothing is executed',
    async run(server) {
      const connection = await server.connect();
      await refusedText(connection, '{"jsonrpc":"2.0","method":"source.list"}', 'INVALID_REQUEST');
      await refusedText(connection, '{"id":"v","method":"source.list"}', 'INVALID_REQUEST', 'v');
    },
  },
  {
    id: 'batch',
    section: 'Transport',
    sentence: 'or a batch: -32600, and nothing is executed',
    async run(server) {
      const connection = await server.connect();
      for (const batch of ['[]', '[{"jsonrpc":"2.0","id":"a","method":"source.list"}]'])
        await refusedText(connection, batch, 'INVALID_REQUEST');
    },
  },
  {
    id: 'id.in-flight',
    section: 'Transport',
    sentence: 'or with one that is in flight, or a batch: -32600, and nothing is executed',
    async run(server) {
      const connection = await server.connect();
      const { source, job, run } = await liveJob(connection);
      const from = connection.frames.length;
      connection.request('job.wait', { source, job, run, timeoutMs: 200 }, 'w');
      connection.send('{"jsonrpc":"2.0","id":"w","method":"server.info"}');
      const answers = (): Frame[] => connection.frames.slice(from).filter(({ id }) => id === 'w');
      const [first, second] = await connection.until('two answers', () => answers().length >= 2 && answers(), 2_000);
      check(first?.error?.data?.reason === 'INVALID_REQUEST', () => `the second request got ${brief(first)}`);
      check(second?.error?.data?.reason === 'TIMEOUT' || second?.result, () => `the first got ${brief(second)}`);
    },
  },
  {
    id: 'params.unknown',
    section: 'Transport',
    sentence:
      "an unknown member of params is refused by name (-32602), so that a typo in a filter can't silently match more",
    async run(server) {
      const connection = await server.connect();
      for (const method of ['subscribe', 'job.list', 'server.info']) {
        const error = await connection.refused('INVALID_PARAMS', method, { [UNKNOWN]: ['x'] });
        check(brief(error, 5_000).includes(UNKNOWN), () => `${method}: the member is not named: ${brief(error)}`);
      }
    },
  },
  {
    id: 'params.problems',
    section: 'Errors',
    sentence: '-32602 INVALID_PARAMS data.problems names each member',
    async run(server) {
      const connection = await server.connect();
      const { data } = await connection.refused('INVALID_PARAMS', 'subscribe', { sources: 'x', types: [] });
      const problems = Array.isArray(data?.problems) ? data.problems.map(String) : [];
      for (const member of ['sources', 'types'])
        check(
          problems.some((problem) => problem.includes(member)),
          () => `${member} is not named: ${brief(data)}`,
        );
    },
  },
  {
    id: 'params.named',
    section: 'Transport',
    sentence: 'params are named',
    async run(server) {
      const connection = await server.connect();
      const { error } = await connection.ask('job.list', [['*']]);
      check(error, 'params by position were accepted');
    },
  },
  {
    id: 'method.unknown',
    section: 'Errors',
    sentence: '-32601 METHOD_NOT_FOUND no such method; raw QMP is never relayed',
    async run(server) {
      const connection = await server.connect();
      for (const method of ['query-block-jobs', 'toString', ''])
        await connection.refused('METHOD_NOT_FOUND', method, {});
    },
  },
  {
    id: 'trace.malformed',
    section: 'Transport',
    sentence: 'a malformed one is ignored',
    needs: { feature: 'trace' },
    async run(server) {
      const connection = await server.connect();
      connection.send('{"jsonrpc":"2.0","id":"t","method":"conformance.none","traceparent":7,"tracestate":"="}');
      const { error } = await connection.reply('t');
      check(error?.data?.reason === 'METHOD_NOT_FOUND', () => `expected METHOD_NOT_FOUND, got ${brief(error)}`);
    },
  },
];
