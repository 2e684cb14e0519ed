// A WebSocket message as a message of the protocol, or undefined. Never throws.
import type { ServerMessage } from '../protocol/methods.js';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The envelope is checked here; what is inside is the server's word. */
export function parseFrame(data: unknown): ServerMessage | undefined {
  if (typeof data !== 'string') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value.jsonrpc !== '2.0') return undefined;
  const notification = typeof value.method === 'string' && isRecord(value.params);
  const reply = 'id' in value && ('result' in value || isRecord(value.error));
  return notification || reply ? (value as unknown as ServerMessage) : undefined;
}
