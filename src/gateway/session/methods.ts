// The methods that need no stream, for WebSocket and POST alike.

import type { CallContext, Principal } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import type { EventReader } from '../../log/index.js';
import { type Answer, refuseParams } from '../../protocol/answer.js';
import { compileGlobs } from '../../protocol/glob.js';
import { FEATURES, LIMITS } from '../../protocol/limits.js';
import type { MethodName, Methods } from '../../protocol/methods.js';
import type { Job } from '../../protocol/types.js';
import { audit } from '../audit.js';
import { authorize } from '../authorize.js';
import type { GatewayLimits } from '../limits.js';
import type { GatewayLogger } from '../logger.js';
import type { CommandPort, HistoryPort, ViewPort } from '../ports.js';
import type { GatewayRecorder } from '../recorder.js';
import type { WorkQueue } from '../scheduler.js';
import type { CommandTracing } from '../tracing.js';
import { HistoryCalls } from './history-calls.js';
import { formatToken, pageAfter, parseToken } from './page-token.js';

export type StreamMethod = 'subscribe' | 'unsubscribe';
export type PlainMethod = Exclude<MethodName, StreamMethod | 'authenticate'>;
/**
 * An answer that is known at once is given at once. A large answer that had to wait is a function, called when the client can take the answer, since
 * many clients may have waited for the same.
 */
export type Answered<Result> = Answer<Result> | Promise<Answer<Result> | (() => Answer<Result>)>;
export type PlainMethods = {
  [Name in PlainMethod]: (context: CallContext, params: Methods[Name]['params']) => Answered<Methods[Name]['result']>;
};

export function isStreamMethod(name: MethodName): name is StreamMethod {
  return name === 'subscribe' || name === 'unsubscribe';
}

export interface RpcDeps {
  version: string;
  log: EventReader;
  view: ViewPort;
  history: HistoryPort;
  /** For what searches the history. */
  searches: WorkQueue;
  commands: CommandPort;
  limits: GatewayLimits;
  logger: Pick<GatewayLogger, 'info'>;
  recorder: GatewayRecorder;
  tracing: CommandTracing;
  clock: Clock;
}

export function plainMethods(deps: RpcDeps): PlainMethods {
  const { version, log, view, commands, limits, logger, recorder, tracing, clock } = deps;
  const history = new HistoryCalls(deps);
  return {
    ...tracing.traced(audit(authorize(commands), { logger, recorder, clock }), view),
    'server.info': () => {
      const { bookmarkMs } = limits;
      const { epoch, cursor } = log;
      return { ok: true, result: { version, epoch, cursor, limits: { ...LIMITS }, bookmarkMs, features: FEATURES } };
    },
    'source.list': ({ principal }) => {
      const { grants } = principal;
      return { ok: true, result: { sources: view.sources().filter(({ name }) => grants.sees(name)) } };
    },
    'history.list': (context, params) => history.list(context, params),
    'history.get': (context, params) => history.get(context, params),
    'job.list': ({ principal }, params) => {
      const asked = compileGlobs(params.sources);
      const wants = (source: string): boolean => asked(source) && principal.grants.sees(source);
      // Without a subscriber to progress the measures are those of the last query, which may be old.
      const renewed = view.freshen(wants, limits.freshMs, limits.freshWaitMs);
      const list = (): Answer<Methods['job.list']['result']> => {
        const { grants } = principal;
        const seen = view.jobs(wants).filter(({ source, job }) => grants.sees(source, job));
        return listJobs(params, log, seen);
      };
      return renewed ? renewed.then(() => list) : list();
    },
  };
}

/** What `authenticate` answers. */
export function identityOf(authenticated: Answer<Principal>): Answer<Methods['authenticate']['result']> {
  if (!authenticated.ok) return authenticated;
  const { name, grants, expiresAt } = authenticated.result;
  const ends = expiresAt === null ? null : isoTime(expiresAt);
  return { ok: true, result: { principal: name, scopes: [...grants.scopes], expiresAt: ends } };
}

/** @param at milliseconds since 1970. */
export const isoTime = (at: number): string => new Date(at).toISOString();

/** In the order of (source, job); the token names the last one sent, so that jobs that come and go move no page. */
function listJobs(
  { limit = LIMITS.listMax, pageToken }: Methods['job.list']['params'],
  log: EventReader,
  jobs: readonly Job[],
): Answer<Methods['job.list']['result']> {
  const after = pageToken === undefined ? undefined : parseToken(pageToken);
  if (pageToken !== undefined && after === undefined) return refuseParams('pageToken: malformed');
  const { page, last } = pageAfter(jobs, after, limit);
  const more = last === undefined ? {} : { pageToken: formatToken(last) };
  return { ok: true, result: { cursor: log.cursor, jobs: page, ...more } };
}
