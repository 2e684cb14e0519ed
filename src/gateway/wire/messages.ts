// The server's messages as JSON text. Entries come encoded already and are only put together.

import type { LoggedEntry } from '../../log/index.js';
import type { Refusal } from '../../protocol/answer.js';
import { ERROR_CODES } from '../../protocol/codes.js';
import type { NotificationName, Notifications, RpcId } from '../../protocol/methods.js';

export function resultText(id: RpcId, result: unknown): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;
}

export function errorText(id: RpcId | null, { reason, message, data }: Refusal): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: { code: ERROR_CODES[reason], message, data: { reason, ...data } },
  });
}

export function notificationText<Name extends NotificationName>(method: Name, params: Notifications[Name]): string {
  return `{"jsonrpc":"2.0","method":"${method}","params":${JSON.stringify(params)}}`;
}

/** `events`; `cursor` is the position examined. */
export function eventsText(subscription: string, cursor: string, entries: readonly LoggedEntry[]): string {
  let events = '';
  for (const entry of entries) events += events === '' ? entry.json : `,${entry.json}`;
  return `{"jsonrpc":"2.0","method":"events","params":{"subscription":"${subscription}","cursor":"${cursor}","events":[${events}]}}`;
}

/** `progress`, of rows as JSON. */
export function progressText(subscription: string, rows: readonly string[]): string {
  return `{"jsonrpc":"2.0","method":"progress","params":{"subscription":"${subscription}","jobs":[${rows.join(',')}]}}`;
}
