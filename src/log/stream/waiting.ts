// Entries on their way to the stream, within a bound of bytes: beyond it those that wait are dropped, but for settlements.
import type { Clock } from '../../clock.js';
import type { EntryDraft } from '../../protocol/draft.js';
import { MESSAGE_BYTES, MESSAGE_ENTRIES } from './message.js';

/** Counted for an entry of the gateway's own, which comes without a size. */
const DRAFT_BYTES = 512;

/** One append. */
interface Append {
  readonly drafts: readonly EntryDraft[];
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  shown: (() => void) | undefined;
}

interface Gap {
  /** Milliseconds since 1970 of the first entry that was dropped. */
  since: number;
  dropped: number;
  /** Settlements, which are written when the stream takes entries again. */
  kept: EntryDraft[];
}

/** A message that the stream has, and the number of its entries. */
export interface Written {
  seq: number;
  count: number;
}

export class WaitingEntries {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  #waiting: Append[] = [];
  /** What is being written, and may be in the stream already. */
  #inFlight: readonly Append[] = [];
  #bytes = 0;
  #gap: Gap | undefined;

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** @param isBounded `false`: nothing is dropped for these. */
  push(drafts: readonly EntryDraft[], shown: (() => void) | undefined, isBounded = true): void {
    if (this.#gap) return this.#drop({ drafts, shown }, this.#gap);
    let bytes = 0;
    for (const draft of drafts) bytes += draft.bytes ?? DRAFT_BYTES;
    this.#waiting.push({ drafts, bytes, shown, at: this.#clock.date() });
    this.#bytes += bytes;
    if (isBounded && this.#bytes > this.#maxBytes) this.#overflow();
  }

  /** The entries of the next message, or of several where one append is larger than a message. They count as being written until {@link taken}. */
  next(): EntryDraft[][] {
    let entries = 0;
    let bytes = 0;
    const end = this.#waiting.findIndex((each) => {
      entries += each.drafts.length;
      bytes += each.bytes;
      return entries > MESSAGE_ENTRIES || bytes > MESSAGE_BYTES;
    });
    this.#inFlight = this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(1, end));
    return messagesOf(this.#inFlight.flatMap(({ drafts }) => drafts));
  }

  /** They were not written. */
  putBack(): void {
    for (const append of this.#inFlight) unplace(append);
    this.#waiting.unshift(...this.#inFlight);
    this.#inFlight = [];
  }

  /**
   * The stream has them: they are shown, in order.
   *
   * @param place called for each entry with the place of its message and its index there, before it is shown.
   */
  taken(messages: readonly Written[], place: (seq: number, index: number) => void): void {
    const appends = this.#inFlight;
    this.#inFlight = [];
    let message = 0;
    let index = 0;
    for (const append of appends) {
      this.#bytes -= append.bytes;
      for (const _draft of append.drafts) {
        if (index === messages[message]?.count) {
          message += 1;
          index = 0;
        }
        place(messages[message]?.seq ?? 0, index);
        index += 1;
      }
      show(append);
    }
  }

  /** Ends the time in which entries were dropped. @returns what is to be written of it; `undefined`: none were. */
  closeGap(): { since: number; dropped: number; kept: readonly EntryDraft[] } | undefined {
    const gap = this.#gap;
    this.#gap = undefined;
    return gap;
  }

  clear(): void {
    this.#waiting = [];
    this.#inFlight = [];
    this.#bytes = 0;
  }

  #overflow(): void {
    const dropped = this.#waiting;
    const gap: Gap = { since: dropped[0]?.at ?? this.#clock.date(), dropped: 0, kept: [] };
    this.#gap = gap;
    this.#waiting = [];
    this.#bytes = 0;
    for (const each of this.#inFlight) {
      this.#bytes += each.bytes;
      unplace(each);
      show(each);
    }
    for (const each of dropped) this.#drop(each, gap);
  }

  /** It is shown, since the state of the source goes on without it. */
  #drop(append: Pick<Append, 'drafts' | 'shown'>, gap: Gap): void {
    const kept = append.drafts.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED');
    gap.dropped += append.drafts.filter(({ internal }) => !internal).length - kept.length;
    gap.kept.push(...kept);
    show(append);
  }
}

/** Where they stood in a message that was not written is no place: a command that has one is sent. */
function unplace({ drafts }: Pick<Append, 'drafts'>): void {
  for (const { position } of drafts) if (position) position.cursor = undefined;
}

function show(append: Pick<Append, 'shown'>): void {
  const callback = append.shown;
  append.shown = undefined;
  callback?.();
}

/** The entries in the fewest messages that the bounds allow. */
function messagesOf(drafts: readonly EntryDraft[]): EntryDraft[][] {
  const messages: EntryDraft[][] = [];
  let total = 0;
  for (const draft of drafts) {
    const open = messages.at(-1);
    const bytes = draft.bytes ?? DRAFT_BYTES;
    if (!open || open.length >= MESSAGE_ENTRIES || total + bytes > MESSAGE_BYTES) {
      messages.push([draft]);
      total = bytes;
    } else {
      open.push(draft);
      total += bytes;
    }
  }
  return messages;
}
