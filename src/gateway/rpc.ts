// The methods that need no stream: on a WebSocket and by POST alike. In: checked params. Out: answers.
import type { Answer } from '../protocol/answer.js';
import { refuse } from '../protocol/answer.js';
import { LIMITS } from '../protocol/limits.js';
import type { MethodName, Methods } from '../protocol/methods.js';
import type { Job } from '../protocol/types.js';
import type { EventLog } from '../stream/index.js';
import { compileGlobs } from './glob.js';
import type { GatewayLimits } from './limits.js';
import type { CommandPort, ViewPort } from './ports.js';

export type StreamMethod = 'subscribe' | 'unsubscribe';
export type PlainMethod = Exclude<MethodName, StreamMethod>;
export type PlainMethods = {
  [Name in PlainMethod]: (params: Methods[Name]['params'], by: string) => Promise<Answer<Methods[Name]['result']>>;
};

export function isStreamMethod(name: MethodName): name is StreamMethod {
  return name === 'subscribe' || name === 'unsubscribe';
}

export interface RpcDeps {
  version: string;
  log: EventLog;
  view: ViewPort;
  commands: CommandPort;
  limits: GatewayLimits;
}

export function plainMethods({ version, log, view, commands, limits }: RpcDeps): PlainMethods {
  return {
    ...commands,
    'server.info': () =>
      answer({ version, epoch: log.epoch, cursor: log.cursor, limits: { ...LIMITS }, bookmarkMs: limits.bookmarkMs }),
    // Without authentication configured every token is as good as none.
    authenticate: () => answer({ principal: 'anonymous', scopes: ['*'], expiresAt: null }),
    'source.list': () => answer({ sources: view.sources() }),
    'job.list': (params) => Promise.resolve(listJobs(params, log, view)),
  };
}

function answer<Result>(result: Result): Promise<Answer<Result>> {
  return Promise.resolve({ ok: true, result });
}

/** In the order of (source, job); the token names the last one sent, so that jobs that come and go move no page. */
function listJobs(
  { sources, limit = LIMITS.listMax, pageToken }: Methods['job.list']['params'],
  log: EventLog,
  view: ViewPort,
): Answer<Methods['job.list']['result']> {
  const after = pageToken === undefined ? undefined : readToken(pageToken);
  if (pageToken !== undefined && after === undefined) return refuse('INVALID_PARAMS', 'pageToken: malformed');
  const all = view
    .jobs(compileGlobs(sources))
    .map((job) => ({ key: keyOf(job), job }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = all.slice(0, limit);
  const last = page.at(-1);
  const more = last !== undefined && all.length > page.length;
  return {
    ok: true,
    result: {
      cursor: log.cursor,
      jobs: page.map(({ job }) => job),
      ...(more && { pageToken: Buffer.from(last.key).toString('base64url') }),
    },
  };
}

/** A space sorts before every character of a source name, and is in none. */
function keyOf({ source, job }: Job): string {
  return `${source} ${job}`;
}

function readToken(token: string): string | undefined {
  const key = Buffer.from(token, 'base64url').toString();
  return key.includes(' ') ? key : undefined;
}
