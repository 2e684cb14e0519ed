// A WebSocket message as a message of the protocol, or undefined. Never throws.
import type { ServerMessage } from '../protocol/methods.js';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Checks the envelope only; the contents are trusted to be as the server's types say. */
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
