// POST /v1/rpc: one request of a method that needs no stream. 413 and 415 are HTTP's own; a JSON-RPC error has the status 200.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transport } from '../../access/index.js';
import { LIMITS } from '../../protocol/limits.js';
import { answerText } from '../wire/messages.js';
import { type CallDeps, call } from './call.js';
import { send } from './reply.js';

export function answerPost(
  request: IncomingMessage,
  response: ServerResponse,
  transport: Transport,
  deps: CallDeps,
): void {
  // A form on another site's page can't set this type without a preflight.
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    return send(response, 415, 'content-type must be application/json\n');
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= LIMITS.messageBytes) chunks.push(chunk);
    else if (!response.headersSent) {
      chunks.length = 0;
      response.setHeader('connection', 'close');
      deps.recorder.limited('message_bytes');
      send(response, 413, `at most ${LIMITS.messageBytes} bytes\n`);
    }
  });
  request.on('end', () => {
    if (bytes > LIMITS.messageBytes) return;
    const text = Buffer.concat(chunks).toString('utf8');
    call({ request, response, transport }, text, deps, (to, id, answer) =>
      send(to, 200, answerText(id, answer), 'application/json'),
    );
  });
}
