// The state of one source, from its newest checkpoint in the stream and the messages after it.

import { CheckpointParts } from './checkpoint-parts.js';
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
  /** The parts of a checkpoint whose others have not come yet. */
  parts: CheckpointParts;
  /** Why nothing is known of it, although it has messages. */
  problem?: Error | undefined;
}

/** Checkpoints that are tried, one before the other, where the newest lacks a message. */
const TRIES = 8;
/** Messages after a checkpoint. A writer begins the next one after some thousands of entries. */
const MESSAGES = 50_000;

/**
 * @param upTo messages after that place are not read.
 * @param known the newest message of the source up to there, where it was read already.
 */
export async function loadSource(
  stream: SharedStream,
  source: string,
  upTo = Number.POSITIVE_INFINITY,
  known?: StreamMessage,
): Promise<SourceHistory> {
  const newest = known ?? (await newestUpTo(stream, source, upTo));
  if (!newest) return new HistoryReading().history;
  let from: StreamMessage | undefined = newest;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const begin: number = from ? await checkpointOf(stream, from) : 0;
    const first = begin > 0 ? await stream.read(begin) : undefined;
    if (begin === 0 || first?.source === source) {
      const reading = await readFrom(stream, newest, begin, upTo);
      if (!reading) break;
      if (begin === 0 || reading.history.checkpoint >= begin) return reading.history;
    }
    // NATS may have lost a part of it: before 2.9.21 it loses what it has acknowledged where two servers are killed one after the other.
    from = await newestBefore(stream, source, begin);
  }
  const problem = new Error(`no checkpoint of ${source} is whole, or it has more than ${MESSAGES} messages after one`);
  return { ...new HistoryReading().history, last: newest.seq, owner: readBody(newest.body)?.owner, problem };
}

/** @returns `undefined`: there is more than a writer writes after a checkpoint. */
async function readFrom(
  stream: SharedStream,
  newest: StreamMessage,
  begin: number,
  upTo: number,
): Promise<HistoryReading | undefined> {
  const reading = new HistoryReading();
  let at = begin;
  const take = async (message: StreamMessage): Promise<boolean> => {
    for (const each of await withUnshown(stream, message, at)) reading.take(each);
    at = message.seq + 1;
    return reading.history.messages.length <= MESSAGES;
  };
  for (;;) {
    const isFirst = at === begin;
    const before = at - 1;
    const message = await stream.next(newest.source, at, ({ seq, after }) =>
      isFirst ? begin > 0 && seq === begin : after === undefined || after === before,
    );
    if (!message || message.seq > upTo) break;
    if (!(await take(message))) return undefined;
  }
  return newest.seq < at || (await take(newest)) ? reading : undefined;
}

async function newestUpTo(stream: SharedStream, source: string, upTo: number): Promise<StreamMessage | undefined> {
  let newest = await stream.last(source);
  while (newest && newest.seq > upTo) {
    const { after }: StreamMessage = newest;
    if (after === 0) return undefined;
    const before: StreamMessage | undefined = after === undefined ? undefined : await stream.read(after);
    newest = before?.source === source ? before : await newestBefore(stream, source, Math.min(newest.seq, upTo + 1));
  }
  return newest;
}

/** Place of the first part of the newest checkpoint that was whole with that message; 0: none is known. */
async function checkpointOf(stream: SharedStream, message: StreamMessage): Promise<number> {
  // A part names a checkpoint before its own, or none where its owner has just begun; a message of another version says nothing.
  let at: StreamMessage | undefined = message;
  for (let steps = 0, part = 0; at && steps < MESSAGES; steps += 1) {
    const body = readBody(at.body);
    if (body?.kind === 'entries') return body.checkpoint <= at.seq ? body.checkpoint : 0;
    // The last part, then each one before it.
    part = body && (body.part === body.of || body.part === part - 1) ? body.part : 0;
    if (part === 1) return at.seq;
    const before: StreamMessage | undefined = at.after ? await stream.read(at.after) : undefined;
    at = before?.source === at.source ? before : undefined;
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
  for (let { after } = message; after && after >= from && found.length <= MESSAGES; ) {
    const before = await stream.read(after);
    // Removed by hand, or its place is another message's.
    if (before?.source !== message.source) break;
    found.push(before);
    after = before.after;
  }
  return found.reverse();
}

/**
 * The same from messages that were read already.
 *
 * @param messages all of the source from the place `from` on.
 * @returns `undefined`: its checkpoint lies before them, or one is missing between them.
 */
function readHistory(messages: readonly StreamMessage[], from: number): SourceHistory | undefined {
  const checkpoint = checkpointIn(messages);
  if (from > 1 && checkpoint < from) return undefined;
  const known = messages.filter(({ seq }) => seq >= checkpoint);
  if (checkpoint > 0 && known[0]?.seq !== checkpoint) return undefined;
  const isWhole = known.every(
    ({ after }, index) => index === 0 || after === undefined || after === known[index - 1]?.seq,
  );
  if (!isWhole) return undefined;
  const reading = new HistoryReading();
  for (const message of known) reading.take(message);
  return reading.history.checkpoint >= checkpoint ? reading.history : undefined;
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
      const history = known ?? (await loadSource(stream, source, upTo, recent?.at(-1)));
      if (!known && recent && !history.problem) checkWindow(source, recent, from, history);
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

/** As the newest message names it, where that is not a part of another. */
function checkpointIn(messages: readonly StreamMessage[]): number {
  const newest = messages.at(-1);
  const body = newest && readBody(newest.body);
  if (!newest || !body) return 0;
  if (body.kind === 'part') return body.of === 1 ? newest.seq : 0;
  return body.checkpoint <= newest.seq ? body.checkpoint : 0;
}

class HistoryReading {
  readonly #parts = new CheckpointParts();
  #lines: readonly string[] = [];
  #messages: SourceHistory['messages'][number][] = [];
  #last = 0;
  #checkpoint = 0;
  #owner: string | undefined;

  get history(): SourceHistory {
    return {
      ...{ lines: this.#lines, messages: this.#messages, last: this.#last },
      ...{ checkpoint: this.#checkpoint, owner: this.#owner, parts: this.#parts },
    };
  }

  take({ seq, body }: StreamMessage): void {
    this.#last = seq;
    const read = readBody(body);
    this.#owner = read?.owner ?? this.#owner;
    if (read?.kind === 'entries') this.#messages.push({ seq, body: read });
    const whole = read?.kind === 'part' ? this.#parts.take(seq, read) : undefined;
    if (!whole) return;
    this.#lines = whole.lines;
    this.#messages = [];
    this.#checkpoint = whole.begin;
  }
}
