// Whether one message of a server is of the wire: its envelope, and the result, error or params in it. Pure.
import { z } from 'zod';
import { ERROR_CODES } from '../protocol/codes.js';
import type { MethodName, RpcId } from '../protocol/methods.js';
import { ERROR, NOTIFICATIONS, RESULTS } from '../protocol/shapes.js';

const id = z.union([z.string(), z.int()]);
const REPLY = z.strictObject({ jsonrpc: z.literal('2.0'), id, result: z.unknown() });
const FAILURE = z.strictObject({ jsonrpc: z.literal('2.0'), id: id.nullable(), error: ERROR });
const NOTIFICATION = z.strictObject({ jsonrpc: z.literal('2.0'), method: z.string(), params: z.looseObject({}) });

/** @param methodOf the method of an unanswered request. @returns what is wrong; a notification of a later server is right. */
export function judgeMessage(message: unknown, methodOf: (id: RpcId) => MethodName | undefined): string[] {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return ['a message is a JSON object'];
  if ('method' in message) {
    const envelope = NOTIFICATION.safeParse(message);
    if (!envelope.success) return problemsOf('a notification', envelope.error);
    const { method, params } = envelope.data;
    const schema = Object.hasOwn(NOTIFICATIONS, method)
      ? NOTIFICATIONS[method as keyof typeof NOTIFICATIONS]
      : undefined;
    const checked = schema?.safeParse(params);
    return checked?.success === false ? problemsOf(method, checked.error) : [];
  }
  if ('error' in message) {
    const failure = FAILURE.safeParse(message);
    if (!failure.success) return problemsOf('an error', failure.error);
    const { code, data } = failure.data.error;
    const reason = data?.reason ?? '';
    const codes = ERROR_CODES as Readonly<Record<string, number>>;
    const wanted = Object.hasOwn(codes, reason) ? codes[reason] : undefined;
    return wanted === undefined || wanted === code ? [] : [`an error: ${reason} has the code ${wanted}, not ${code}`];
  }
  const reply = REPLY.safeParse(message);
  if (!reply.success) return problemsOf('a reply', reply.error);
  const method = methodOf(reply.data.id);
  if (method === undefined)
    return [`a reply to ${JSON.stringify(reply.data.id)}, which was not asked or is answered already`];
  const result = RESULTS[method].safeParse(reply.data.result);
  return result.success ? [] : problemsOf(`the result of ${method}`, result.error);
}

function problemsOf(what: string, { issues }: z.ZodError): string[] {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => `${what}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`);
}
