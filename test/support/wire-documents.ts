// The wire as documents for machines: an AsyncAPI 3 description and JSON Schemas (draft 7), made from the schemas in src/protocol.
import { stringify } from 'yaml';
import { z } from 'zod';
import { CLOSE_CODES, ERROR_CODES, SUBPROTOCOL } from '../../src/protocol/codes.js';
import type { MethodName, NotificationName } from '../../src/protocol/methods.js';
import { METHOD_NAMES, PARAMS } from '../../src/protocol/schemas.js';
import { ERROR, NOTIFICATIONS, OBJECTS, RESULTS } from '../../src/protocol/shapes.js';

type Schemas = Record<string, object>;

const NOTIFICATION_NAMES = Object.keys(NOTIFICATIONS) as NotificationName[];
const paramsOf = (method: MethodName): string => `${method}.params`;
const resultOf = (method: MethodName): string => `${method}.result`;
const notificationOf = (name: NotificationName): string => `${name}.notification`;

/** Every schema by its name. What one contains of another is a reference, which `uri` makes of the other's name. */
function schemas(uri: (name: string) => string): Schemas {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(OBJECTS)) registry.add(schema, { id });
  registry.add(ERROR, { id: 'Error' });
  for (const method of METHOD_NAMES) registry.add(PARAMS[method], { id: paramsOf(method) });
  const named = new Set<z.ZodType>(Object.values(OBJECTS) as z.ZodType[]);
  const aliases: Schemas = {};
  for (const method of METHOD_NAMES) {
    const schema: z.ZodType = RESULTS[method];
    // Several methods have one result: a schema has one name, further ones refer to it.
    if (named.has(schema)) aliases[resultOf(method)] = { $ref: uri(registry.get(schema)?.id ?? '') };
    else registry.add(schema, { id: resultOf(method) });
    named.add(schema);
  }
  for (const name of NOTIFICATION_NAMES) registry.add(NOTIFICATIONS[name], { id: notificationOf(name) });
  const made = z.toJSONSchema(registry, { io: 'input', target: 'draft-7', uri }).schemas as Schemas;
  return Object.fromEntries(Object.entries({ ...made, ...aliases }).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One file for each schema, by its name. */
export function jsonSchemas(): Record<string, string> {
  const all = schemas((name) => `${name}.json`);
  const draft = { $schema: 'http://json-schema.org/draft-07/schema#' };
  return Object.fromEntries(
    Object.entries(all).map(([name, schema]) => {
      const { $id: _, ...rest } = schema as { $id?: string };
      return [`${name}.json`, `${JSON.stringify({ ...draft, title: name, ...rest }, undefined, 2)}\n`];
    }),
  );
}

/** The description of the WebSocket. The operations are those of the gateway. */
export function asyncApi(): string {
  const uri = (name: string): string => `#/components/schemas/${name}`;
  const components = Object.entries(schemas(uri)).map(([name, schema]) => {
    const { $id: _, $schema: __, ...rest } = schema as { $id?: string; $schema?: string };
    return [name, rest];
  });
  const rpc = { jsonrpc: { const: '2.0' } };
  const id = { oneOf: [{ type: 'string', minLength: 1, maxLength: 64 }, { type: 'integer' }] };
  const message = (name: string, summary: string, properties: object, required: string[]) => ({
    name,
    summary,
    contentType: 'application/json',
    payload: { type: 'object', required: ['jsonrpc', ...required], properties: { ...rpc, ...properties } },
  });
  const messages = Object.fromEntries([
    ...METHOD_NAMES.flatMap((method) => [
      [
        method,
        message(
          method,
          `The request ${method}.`,
          { id, method: { const: method }, params: { $ref: uri(paramsOf(method)) } },
          ['id', 'method'],
        ),
      ],
      [
        `${method}.reply`,
        message(`${method}.reply`, `The result of ${method}.`, { id, result: { $ref: uri(resultOf(method)) } }, [
          'id',
          'result',
        ]),
      ],
    ]),
    ...NOTIFICATION_NAMES.map((name) => [
      name,
      message(
        name,
        `The notification ${name}.`,
        { method: { const: name }, params: { $ref: uri(notificationOf(name)) } },
        ['method', 'params'],
      ),
    ]),
    [
      'error',
      message(
        'error',
        `Why a request was refused. Reasons: ${Object.keys(ERROR_CODES).join(', ')}.`,
        { id: { oneOf: [...id.oneOf, { type: 'null' }] }, error: { $ref: uri('Error') } },
        ['id', 'error'],
      ),
    ],
  ]);
  const channel = { $ref: '#/channels/gateway' };
  const within = (name: string) => ({ $ref: `#/channels/gateway/messages/${name}` });
  const operations = Object.fromEntries([
    ...METHOD_NAMES.map((method) => [
      method,
      {
        action: 'receive',
        channel,
        messages: [within(method)],
        reply: { channel, messages: [within(`${method}.reply`), within('error')] },
      },
    ]),
    ...NOTIFICATION_NAMES.map((name) => [`send.${name}`, { action: 'send', channel, messages: [within(name)] }]),
  ]);
  const description = `JSON-RPC 2.0 over WebSocket, subprotocol \`${SUBPROTOCOL}\`. docs/PROTOCOL.md says what the messages mean, and what is guaranteed. Close codes: ${Object.keys(CLOSE_CODES).join(', ')}.`;
  const document = {
    asyncapi: '3.0.0',
    info: { title: 'qmp-gateway', version: '1', description, license: { name: 'MIT' } },
    defaultContentType: 'application/json',
    servers: {
      local: { host: '127.0.0.1:7070', protocol: 'ws', description: 'As `qmp-gateway serve` listens by default.' },
    },
    channels: {
      gateway: {
        address: '/v1',
        description: 'Both directions of one WebSocket.',
        messages: Object.fromEntries(
          Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
      },
    },
    operations,
    components: { messages, schemas: Object.fromEntries(components) },
  };
  return stringify(document, { lineWidth: 150, aliasDuplicateObjects: false });
}
