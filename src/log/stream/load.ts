// The state of one source, from its newest checkpoint in the stream and the messages after it.

import { readBody, type StreamBody } from './message.js';
import type { SharedStream, StreamMessage } from './port.js';

export interface SourceHistory {
  /** Of the checkpoint; empty where there is none. */
  lines: readonly string[];
  /** After it, in order. */
  messages: readonly { seq: number; body: Extract<StreamBody, { kind: 'entries' }> }[];
  /** Of the newest message of the source that was read; 0: there is none. */
  last: number;
  /** Of the checkpoint's first part; 0: there is none. */
  checkpoint: number;
  /** The member that wrote the newest message. */
  owner: string | undefined;
}

/** @param upTo messages after that place are not read. */
export async function loadSource(
  stream: SharedStream,
  source: string,
  upTo = Number.POSITIVE_INFINITY,
): Promise<SourceHistory> {
  const newest = await stream.last(source);
  const body = newest && readBody(newest.body);
  const lines: string[] = [];
  const messages: SourceHistory['messages'][number][] = [];
  let last = 0;
  let checkpoint = 0;
  let owner: string | undefined;
  const take = (message: StreamMessage): void => {
    last = message.seq;
    const read = readBody(message.body);
    owner = read?.owner ?? owner;
    if (read?.kind === 'entries') messages.push({ seq: message.seq, body: read });
    if (read?.kind !== 'part') return;
    // A checkpoint of which the writer was killed before its last part counts for nothing: its parts are dropped with the next first part.
    if (read.part === 1) {
      parts = [];
      begin = message.seq;
    }
    parts.push(...read.lines);
    if (read.part !== read.of) return;
    lines.splice(0, lines.length, ...parts);
    messages.length = 0;
    checkpoint = begin;
  };
  let parts: string[] = [];
  let begin = 0;
  for (let at = body?.checkpoint ?? 0; ; ) {
    const message = await stream.next(source, at);
    if (!message || message.seq > upTo) break;
    take(message);
    at = message.seq + 1;
  }
  return { lines, messages, last, checkpoint, owner };
}
