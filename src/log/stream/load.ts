// The state of one source, from its newest checkpoint in the stream and the messages after it.

import { readBody, type StreamBody } from './message.js';
import type { SharedStream, StreamMessage } from './port.js';

/** Sources that are loaded at once. */
const LOADING = 64;

/** The newest messages of the stream, all from a place on, by source. */
export interface Window {
  from: number;
  messages: ReadonlyMap<string, StreamMessage[]>;
}

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
  const begin = await beginOf(stream, newest);
  const reading = new HistoryReading();
  let at = begin;
  const take = async (message: StreamMessage): Promise<void> => {
    for (const each of await withUnshown(stream, message, at)) reading.take(each);
    at = message.seq + 1;
  };
  for (;;) {
    const isFirst = at === begin;
    const before = at - 1;
    const message = await stream.next(source, at, ({ seq, after }) =>
      isFirst ? begin > 0 && seq === begin : after === undefined || after === before,
    );
    if (!message || message.seq > upTo) break;
    await take(message);
  }
  if (newest && newest.seq <= upTo && newest.seq >= at) await take(newest);
  return reading.history;
}

/**
 * Where the newest whole checkpoint begins; 0: there is none. NATS 2.9 may lose messages that it has acknowledged when two of its servers are killed one
 * after the other, and one of those may be a checkpoint: the one before it is good as well.
 */
async function beginOf(stream: SharedStream, newest: StreamMessage | undefined): Promise<number> {
  let begin = checkpointOf(newest);
  while (newest && begin > 0) {
    const first = begin === newest.seq ? newest : await stream.read(begin);
    if (first?.source === newest.source) return begin;
    begin = checkpointOf(await newestBefore(stream, newest.source, begin));
  }
  return 0;
}

/** Messages that are looked at together, one by one: there is no question for a source's last message before a place. */
const LOOKS = 256;

async function newestBefore(stream: SharedStream, source: string, place: number): Promise<StreamMessage | undefined> {
  const { firstSeq } = await stream.state();
  for (let to = place - 1; to >= firstSeq; to -= LOOKS) {
    let found: StreamMessage | undefined;
    await stream.replay(Math.max(firstSeq, to - LOOKS + 1), to, (message) => {
      if (message.source === source) found = message;
    });
    if (found) return found;
  }
  return undefined;
}

/** The message, behind those of its source before it, back to a place, that the stream has but did not show as such. */
async function withUnshown(stream: SharedStream, message: StreamMessage, from: number): Promise<StreamMessage[]> {
  const found = [message];
  for (let { after } = message; after && after >= from; ) {
    const before = await stream.read(after);
    // Removed by hand, or its place is another message's.
    if (before?.source !== message.source) break;
    found.unshift(before);
    after = before.after;
  }
  return found;
}

/**
 * The same from messages that were read already.
 *
 * @param messages all of the source from the place `from` on.
 * @returns `undefined`: its checkpoint lies before them, or one is missing between them.
 */
function readHistory(messages: readonly StreamMessage[], from: number): SourceHistory | undefined {
  const checkpoint = checkpointOf(messages.at(-1));
  if (from > 1 && checkpoint < from) return undefined;
  const known = messages.filter(({ seq }) => seq >= checkpoint);
  if (checkpoint > 0 && known[0]?.seq !== checkpoint) return undefined;
  const isWhole = known.every(
    ({ after }, index) => index === 0 || after === undefined || after === known[index - 1]?.seq,
  );
  if (!isWhole) return undefined;
  const reading = new HistoryReading();
  for (const message of known) reading.take(message);
  return reading.history;
}

/** Each source from its checkpoint on: from the window, or where the checkpoint is older by reading it. */
export async function loadSources(
  stream: SharedStream,
  { from, messages }: Window,
  upTo: number,
): Promise<ReadonlyMap<string, SourceHistory>> {
  const histories = new Map<string, SourceHistory>();
  // A leader that has just been elected may not name all of them for a moment.
  const sources = [...new Set([...(await stream.sources()), ...messages.keys()])];
  const load = async (): Promise<void> => {
    for (let source = sources.shift(); source !== undefined; source = sources.shift()) {
      const recent = messages.get(source);
      const known = recent && readHistory(recent, from);
      const history = known ?? (await loadSource(stream, source, upTo));
      if (!known && recent) checkWindow(source, recent, from, history);
      histories.set(source, history);
    }
  };
  await Promise.all(Array.from({ length: Math.min(LOADING, sources.length) }, load));
  return histories;
}

/** @throws where one way of reading has a message that the other has not: it is read again. */
function checkWindow(source: string, recent: readonly StreamMessage[], from: number, history: SourceHistory): void {
  const seen = new Set(recent.map(({ seq }) => seq));
  const missing = history.messages.find(({ seq }) => seq >= from && !seen.has(seq))?.seq;
  const newest = recent.at(-1)?.seq ?? 0;
  if (missing !== undefined || history.last < newest)
    throw new Error(`the stream has ${source}'s message ${missing ?? newest}, and does not always show it`);
}

/** 0: none is named, or one that would come later. */
function checkpointOf(newest: StreamMessage | undefined): number {
  const named = (newest && readBody(newest.body)?.checkpoint) ?? 0;
  return newest && named <= newest.seq ? named : 0;
}

class HistoryReading {
  #lines: readonly string[] = [];
  #messages: SourceHistory['messages'][number][] = [];
  #last = 0;
  #checkpoint = 0;
  #owner: string | undefined;
  /** Of the checkpoint that is being read, and the place of the first of them. */
  #parts: string[] = [];
  #begin = 0;

  get history(): SourceHistory {
    return {
      ...{ lines: this.#lines, messages: this.#messages, last: this.#last },
      ...{ checkpoint: this.#checkpoint, owner: this.#owner },
    };
  }

  take({ seq, body }: StreamMessage): void {
    this.#last = seq;
    const read = readBody(body);
    this.#owner = read?.owner ?? this.#owner;
    if (read?.kind === 'entries') this.#messages.push({ seq, body: read });
    if (read?.kind !== 'part') return;
    // A checkpoint of which the writer was killed before its last part counts for nothing: its parts are dropped with the next first part.
    if (read.part === 1) {
      this.#parts = [];
      this.#begin = seq;
    }
    this.#parts.push(...read.lines);
    if (read.part !== read.of) return;
    this.#lines = this.#parts;
    this.#messages = [];
    this.#checkpoint = this.#begin;
  }
}
