// The server's messages as JSON text; every outgoing text is made here. Parts that many messages share are passed in as JSON.

import type { LoggedEntry } from '../../log/index.js';
import type { Answer, Refusal } from '../../protocol/answer.js';
import { ERROR_CODES } from '../../protocol/codes.js';
import type { NotificationName, Notifications, RpcId, Subscribed } from '../../protocol/methods.js';

/** Members that are JSON text already. */
type Encoded<Params, Name extends keyof Params> = Omit<Params, Name> & { [Each in Name]: string };

/** The response to a request. */
export function answerText(id: RpcId | null, answer: Answer<unknown>): string {
  return answer.ok ? `${resultHead(id)}${JSON.stringify(answer.result)}}` : errorText(id, answer.error);
}

export function errorText(id: RpcId | null, { reason, message, data }: Refusal): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: { code: ERROR_CODES[reason], message, data: { reason, ...data } },
  });
}

/** The client's own beginning of a `subscribe` reply; {@link subscribedTail} ends it. */
export function subscribedHead(id: RpcId, own: Pick<Subscribed, 'subscription' | 'cursor' | 'resumed'>): string {
  return `${resultHead(id)}${JSON.stringify(own).slice(0, -1)},`;
}

/** The end of a `subscribe` reply, the same for all with the same cut. */
export function subscribedTail(
  shared: Pick<Subscribed, 'pages' | 'truncated'> & { sources: string; jobs?: string; settled?: string },
): string {
  const { sources, jobs, settled, ...plain } = shared;
  return `${members({ sources, jobs, settled }, plain)}}`;
}

export function notificationText<Name extends NotificationName>(method: Name, params: Notifications[Name]): string {
  return `${notificationHead(method)}${JSON.stringify(params)}}`;
}

/** `events`; `cursor` is the position that was examined. */
export function eventsText(subscription: string, cursor: string, entries: readonly LoggedEntry[]): string {
  let events = '';
  for (const entry of entries) events += events === '' ? entry.json : `,${entry.json}`;
  return `${notificationHead('events')}{"subscription":"${subscription}","cursor":"${cursor}","events":[${events}]}}`;
}

/** `progress`, from rows as JSON. */
export function progressText(subscription: string, rows: readonly string[]): string {
  return `${notificationHead('progress')}{"subscription":"${subscription}","jobs":[${rows.join(',')}]}}`;
}

/** One page of a snapshot. */
export function snapshotText(params: Encoded<Required<Notifications['snapshot']>, 'jobs' | 'settled'>): string {
  const { jobs, settled, ...plain } = params;
  return `${notificationHead('snapshot')}{${members({ jobs, settled }, plain)}}`;
}

export function resetText(params: Encoded<Notifications['reset'], 'jobs' | 'settled' | 'sources'>): string {
  const { jobs, settled, sources, ...plain } = params;
  return `${notificationHead('reset')}{${members({ jobs, settled, sources }, plain)}}`;
}

const resultHead = (id: RpcId | null): string => `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`;

const notificationHead = (method: NotificationName): string => `{"jsonrpc":"2.0","method":"${method}","params":`;

/** The members of an object, with its closing brace. */
function members(encoded: Readonly<Record<string, string | undefined>>, plain: object): string {
  const texts = Object.entries(encoded).flatMap(([name, json]) => (json === undefined ? [] : `"${name}":${json}`));
  const rest = JSON.stringify(plain).slice(1, -1);
  return `${rest === '' ? texts.join(',') : [rest, ...texts].join(',')}}`;
}
