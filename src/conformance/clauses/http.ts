// Plain HTTP: one request by POST, reads, and the subscription as an event stream.
import type { Clause } from '../clause.js';
import { brief, type Frame } from '../connection.js';
import type { HttpAnswer } from '../http.js';
import type { Server } from '../server.js';
import { recordStream } from '../streams.js';
import { check, NotTried, need } from '../verdict.js';

const request = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 'post', method, params });

function parsed({ body }: HttpAnswer): Frame & Record<string, unknown> {
  try {
    return JSON.parse(body) as Frame & Record<string, unknown>;
  } catch {
    check(false, `the body is not JSON: ${brief(body)}`);
  }
}

/** Of a read whose answer changes meanwhile. */
const ATTEMPTS = 10;

/** A server may be of a release without plain reads. */
async function read(server: Server, path: string, headers: Record<string, string> = {}): Promise<HttpAnswer> {
  const answer = await server.http(path, { headers });
  const isKnown = answer.status !== 404 || answer.headers['content-type']?.includes('json');
  return need(isKnown && answer, `there is no ${path.split('?')[0]} on that server`);
}

interface Message {
  readonly event?: string;
  readonly id?: string;
  readonly data?: string;
}

/** The messages of an event stream so far, those that are whole. */
const messagesOf = (body: string): Message[] =>
  body
    .split('\n\n')
    .slice(0, -1)
    .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2))));

async function stream(server: Server, path: string, until: (messages: Message[]) => boolean, lastId?: string) {
  const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) };
  const answer = await server.http(path, { headers, isEnough: (body) => until(messagesOf(body)) });
  need(answer.status !== 404, 'there is no /v1/events on that server');
  check(answer.status === 200, () => `HTTP ${answer.status}: ${answer.body}`);
  const type = answer.headers['content-type'] ?? '';
  check(type.startsWith('text/event-stream'), `the content type is ${type}`);
  return messagesOf(answer.body);
}

export const HTTP: readonly Clause[] = [
  {
    id: 'post',
    section: 'Transport',
    sentence: 'POST /v1/rpc (content-type: application/json) takes one request of any method that needs no stream.',
    async run(server) {
      const connection = await server.connect();
      const over = await connection.call('server.info', {});
      const answer = await server.post(request('server.info'));
      check(answer.status === 200, `HTTP ${answer.status}`);
      const { id, result } = parsed(answer);
      check(id === 'post', () => `the id is ${brief(id)}`);
      const { version, epoch } = (result ?? {}) as Record<string, unknown>;
      check(version === over.version && epoch === over.epoch, () => `got ${brief(result)}`);
    },
  },
  {
    id: 'post.error',
    section: 'Transport',
    sentence:
      "Results and JSON-RPC errors have the status 200; 400, 403, 405 (with Allow), 413, 415 and 503 are HTTP's own.",
    async run(server) {
      const error = await server.post(request('conformance.none'));
      check(error.status === 200, `an unknown method: HTTP ${error.status}`);
      check(parsed(error).error?.data?.reason === 'METHOD_NOT_FOUND', () => `got ${error.body}`);
      const get = await server.http('/rpc');
      check(
        get.status === 405 && get.headers.allow?.includes('POST'),
        `GET: HTTP ${get.status}, Allow ${get.headers.allow}`,
      );
      const text = await server.post(request('server.info'), { 'content-type': 'text/plain' });
      check(text.status === 415, `content-type text/plain: HTTP ${text.status}`);
      const foreign = await server.post(request('server.info'), { origin: 'null' });
      check(foreign.status === 403, `Origin null: HTTP ${foreign.status}`);
    },
  },
  {
    id: 'post.stream',
    section: 'Errors',
    sentence: '-32601 METHOD_NOT_FOUND no such method',
    async run(server) {
      for (const [method, params] of [
        ['subscribe', {}],
        ['unsubscribe', { subscription: 'x' }],
      ] as const) {
        const { error } = parsed(await server.post(request(method, params)));
        check(error?.data?.reason === 'METHOD_NOT_FOUND', () => `${method} by POST: ${brief(error)}`);
      }
    },
  },
  {
    id: 'healthz',
    section: 'Transport',
    sentence: 'GET /healthz answers ok',
    async run(server) {
      const { status, body } = await server.http('//healthz', { headers: { host: 'conformance.invalid' } });
      check(status === 200 && body.trim() === 'ok', `HTTP ${status}: ${body}`);
    },
  },
  {
    id: 'reads',
    section: 'Reads',
    sentence: 'The body is the result.',
    async run(server) {
      const connection = await server.connect();
      const { sources } = await connection.call('source.list', {});
      const answer = await read(server, '/sources');
      check(answer.status === 200, `HTTP ${answer.status}`);
      const names = (parsed(answer).sources as { name: string }[] | undefined)?.map(({ name }) => name) ?? [];
      check(brief(names.sort()) === brief(sources.map(({ name }) => name).sort()), () => `got ${answer.body}`);
    },
  },
  {
    id: 'reads.etag',
    section: 'Reads',
    sentence: "The ETag is made from the log's cursor and the text; If-None-Match with it gets 304.",
    async run(server) {
      // Between two requests the log may go on, and the ETag with it.
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const { etag } = (await read(server, '/sources')).headers;
        check(etag !== undefined, 'there is no ETag');
        const again = await read(server, '/sources', { 'if-none-match': etag });
        if (again.status === 304) return;
        check(again.headers.etag !== etag, () => `HTTP ${again.status} with the ETag that was sent`);
      }
      throw new NotTried('the log goes on between any two requests');
    },
  },
  {
    id: 'reads.refused',
    section: 'Reads',
    sentence: 'An error is {"error":{"reason","message",…}} with the reason of the wire',
    async run(server) {
      const unknown = await read(server, '/jobs?conformanceNoSuchMember=1');
      check(unknown.status === 400 && unknown.body.includes('conformanceNoSuchMember'), `HTTP ${unknown.status}`);
      const nobody = await read(server, '/jobs/conformance-nobody/x');
      const { reason } = (parsed(nobody).error ?? {}) as { reason?: string };
      check(nobody.status === 404 && reason === 'SOURCE_NOT_FOUND', `HTTP ${nobody.status}: ${nobody.body}`);
    },
  },
  {
    id: 'event-stream',
    section: 'Event streams',
    sentence: 'id is a cursor, and a client that reconnects with it as Last-Event-ID lacks nothing.',
    async run(server) {
      const { entries } = await recordStream(server);
      const last = entries.at(-1)?.offset ?? 0;
      const offsets = (all: Message[]): number[] =>
        all.filter(({ event, data }) => event === undefined && data).map(({ data = '' }) => JSON.parse(data).offset);
      const isWhole = (all: Message[]): boolean => offsets(all).some((offset) => offset >= last);
      const upTo = (all: Message[]): string =>
        brief(
          offsets(all).filter((offset) => offset <= last),
          5_000,
        );
      const expected = entries.map(({ offset }) => offset);
      const whole = await stream(server, `/events?last=${entries.length}`, isWhole);
      const begin = offsets(whole)[0] ?? 0;
      check(
        upTo(whole) ===
          brief(
            expected.filter((offset) => offset >= begin),
            5_000,
          ),
        () => `got ${upTo(whole)}`,
      );
      const first = need(
        whole.find(({ event, data, id }) => event === undefined && data && id),
        'no event with an id',
      );
      const rest = await stream(server, '/events?last=1', isWhole, first.id);
      const from = JSON.parse(first.data ?? '{}').offset as number;
      check(
        upTo(rest) ===
          brief(
            expected.filter((offset) => offset > from),
            5_000,
          ),
        () => `resumed: ${upTo(rest)}`,
      );
    },
  },
  {
    id: 'event-stream.reset',
    section: 'Event streams',
    sentence:
      'One that is not retained, of another epoch or no cursor at all is answered with reset (retention or epoch), never with an error.',
    async run(server) {
      const named = (all: Message[]): string[] => all.flatMap(({ event }) => event ?? []);
      for (const id of ['conformance', 'conformance0:1']) {
        const all = await stream(server, '/events', (messages) => named(messages).length > 0, id);
        check(named(all)[0] === 'reset', () => `Last-Event-ID ${id} is answered with ${named(all)[0]}`);
      }
    },
  },
];
