// The body of one message of the stream: entries of one source, or a part of a checkpoint, which has the state of the source as lines.
import { formatCursor } from '../../protocol/cursor.js';
import type { EntryDraft } from '../../protocol/draft.js';
import { isDict, isEntryData, isText } from '../../protocol/event-data.js';
import type { Cursor } from '../../protocol/types.js';

/** Offsets that one message may occupy: the offset of an entry is the message's place in the stream times this, and its index in the message. */
export const OFFSETS_PER_MESSAGE = 4_096;
/** The cursor of an entry. @param seq of its message. @param index in the message. */
const cursorAt = (epoch: string, seq: number, index: number): Cursor =>
  formatCursor(epoch, seq * OFFSETS_PER_MESSAGE + index);

/** Bounds of one message. NATS refuses messages over 1 MiB. */
export const MESSAGE_ENTRIES = 1_024;
export const MESSAGE_BYTES = 512 * 1024;
/** Parts of a checkpoint: 64 MiB of a source's state. */
const PARTS = 128;
/** Levels of arrays and objects in the data of an entry. QEMU's own events have up to 5; what is thousands deep can't be written as text again. */
const DEPTH = 64;

/** A gateway ignores messages of a form that it does not know, so that one of a later version may run beside it. */
const VERSION = 1;

/** An entry before the stream gives it its place; the source is the message's. */
export type StreamEntry = Omit<EntryDraft, 'source' | 'position' | 'bytes'>;

/** By which the stream knows a message that is repeated. @param writer random for each that writes. @param count of its messages. */
export const messageId = (epoch: string, writer: string, count: number): string => `${epoch}.${writer}.${count}`;

/** The epoch in which a message was written. @returns `undefined`: it has no id, or one of a version that did not say it. */
export function epochOfId(id = ''): string | undefined {
  const [epoch, , count] = id.split('.');
  return count === undefined ? undefined : epoch;
}

/** @returns `undefined`: it has no id, or one of another form. */
export const writerOfId = (id = ''): string | undefined => id.split('.')[1];

interface Head {
  /** The member that wrote it. */
  readonly owner: string;
  /** Of the first part of the newest checkpoint of the source that is complete; 0: there is none. */
  readonly checkpoint: number;
}

export type StreamBody =
  | (Head & { readonly kind: 'entries'; readonly entries: readonly StreamEntry[] })
  | (Head & { readonly kind: 'part'; readonly part: number; readonly of: number; readonly lines: readonly string[] });

export function entriesBody({ owner, checkpoint }: Head, entries: readonly string[]): string {
  return `{"v":${VERSION},"owner":${JSON.stringify(owner)},"checkpoint":${checkpoint},"entries":[${entries.join(',')}]}`;
}

/**
 * The texts of entries that are written together. Their places are known only once the stream has them: what one says of another of the same message,
 * as a settlement says where its run began, is the other's index, after {@link IN_MESSAGE}.
 */
export function entryTexts(drafts: readonly EntryDraft[]): string[] {
  return drafts.map(({ type, time, job, repeated, data, internal, position }, index) => {
    if (position) position.cursor = `${IN_MESSAGE}${index}`;
    return JSON.stringify({ type, time, job, repeated, internal, data });
  });
}

/** No epoch begins with it. */
const IN_MESSAGE = '@';

/** The entries of a message with their places, and those of which clients read who owns the source with the owner. */
export function placeEntries(
  source: string,
  epoch: string,
  seq: number,
  { owner, entries }: Extract<StreamBody, { kind: 'entries' }>,
): { draft: EntryDraft; offset: number; cursor: Cursor }[] {
  return entries.map((entry, index) => ({
    draft: { ...named(entry), source, data: placed(entry, { owner, epoch, seq }) },
    offset: seq * OFFSETS_PER_MESSAGE + index,
    cursor: cursorAt(epoch, seq, index),
  }));
}

/** Other members would be taken for what the log itself adds. */
const named = ({ type, time, job, repeated, internal }: StreamEntry): Omit<StreamEntry, 'data'> => ({
  ...{ type, time },
  ...(job && { job: { id: job.id, run: job.run } }),
  ...(repeated !== undefined && { repeated }),
  ...(internal && { internal: true as const }),
});

function placed(
  { type, data }: StreamEntry,
  { owner, epoch, seq }: { owner: string; epoch: string; seq: number },
): unknown {
  if (type === 'GATEWAY_SOURCE_UP' || type === 'GATEWAY_SOURCE_DOWN') return { ...(data as object), owner };
  if (type !== 'GATEWAY_JOB_SETTLED') return data;
  const { began } = (data ?? {}) as { began?: unknown };
  return isText(began) && began.startsWith(IN_MESSAGE)
    ? { ...(data as object), began: cursorAt(epoch, seq, Number(began.slice(1))) }
    : data;
}

export function partBody({ owner, checkpoint }: Head, part: number, of: number, lines: readonly string[]): string {
  return JSON.stringify({ v: VERSION, owner, checkpoint, part, of, lines });
}

/** @returns `undefined`: it is of another version, or not of the form in which a gateway writes. */
export function readBody(text: string): StreamBody | undefined {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null || body.v !== VERSION) return undefined;
  const { owner, checkpoint, entries, part, of, lines } = body;
  if (typeof owner !== 'string' || !isCount(checkpoint)) return undefined;
  if (Array.isArray(entries))
    return entries.length < OFFSETS_PER_MESSAGE && entries.every(isEntry)
      ? { kind: 'entries', owner, checkpoint, entries }
      : undefined;
  if (Array.isArray(lines) && lines.every(isText) && isCount(part) && isCount(of))
    return part >= 1 && part <= of && of <= PARTS ? { kind: 'part', owner, checkpoint, part, of, lines } : undefined;
  return undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether the value has at most so many levels. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  for (const part of Object.values(value)) if (!isShallow(part, levels - 1)) return false;
  return true;
}

/** What filters compare, what is written as text, and what the folds of clients read of `data`. */
function isEntry(value: unknown): value is StreamEntry {
  if (!isDict(value)) return false;
  const { type, time, job, repeated, data } = value;
  return (
    isText(type) &&
    (time === null || Number.isSafeInteger(time)) &&
    (job === undefined || (isDict(job) && isText(job.id) && isText(job.run))) &&
    (repeated === undefined || Number.isSafeInteger(repeated)) &&
    isEntryData(type, data, job !== undefined) &&
    isShallow(data, DEPTH)
  );
}

/** The lines of a checkpoint in the fewest parts that the bound allows; one part at least. */
export function partsOf(lines: Iterable<string>): string[][] {
  const parts: string[][] = [[]];
  let bytes = 0;
  for (const line of lines) {
    if (bytes + line.length > MESSAGE_BYTES && bytes > 0) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(line);
    bytes += line.length;
  }
  return parts;
}
