// The live subscriptions of one filter. The entries of a turn are encoded once, as frames that all members get.
import type { LoggedEntry } from '../../log/index.js';
import { type SharedFrame, shareFrame } from '../wire/frame.js';
import { eventsText } from '../wire/messages.js';
import type { CompiledFilter } from './filter.js';
import type { Subscription } from './subscription.js';

export interface Frame {
  message: SharedFrame;
  /** Offset up to which a subscriber has all matching entries once it has this frame. */
  examined: number;
  /** Events in it. */
  events: number;
}

export interface DeliveryCounts {
  /** Events written to subscribers: one event for three of them is three. */
  deliveries: number;
}

export class Group {
  readonly filter: CompiledFilter;
  readonly members = new Set<Subscription>();
  /** Frames that some member may still lack; `#first` is the number of the oldest. */
  #frames: Frame[] = [];
  #first = 0;
  #batch: LoggedEntry[] = [];
  /** Characters of the batch's entries. */
  batchLength = 0;
  readonly #cursorOf: (offset: number) => string;
  readonly #frameBytes: number;
  readonly #counts: DeliveryCounts;

  constructor(
    filter: CompiledFilter,
    frameBytes: number,
    counts: DeliveryCounts,
    cursorOf: (offset: number) => string,
  ) {
    this.filter = filter;
    this.#counts = counts;
    this.#frameBytes = frameBytes;
    this.#cursorOf = cursorOf;
  }

  /** Number of the next frame. */
  get nextFrame(): number {
    return this.#first + this.#frames.length;
  }

  add(entry: LoggedEntry): void {
    this.#batch.push(entry);
    this.batchLength += entry.json.length;
  }

  /** Encodes the entries since the last batch. @param examined offset of the newest entry of the log. */
  closeBatch(examined: number): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.batchLength = 0;
    for (const frame of encodeEvents(this.filter.id, batch, examined, this.#frameBytes, this.#cursorOf))
      this.#frames.push(frame);
  }

  /** Writes the frames that the member lacks, up to the given one. `false`: its socket can't take all of them. */
  deliver(member: Subscription, upTo: number): boolean {
    const { outbox } = member.peer;
    for (let number = member.nextFrame; number <= upTo; number += 1) {
      const frame = this.#frames[number - this.#first];
      if (!frame) break;
      if (outbox.isBlocked) return false;
      outbox.share(frame.message);
      this.#counts.deliveries += frame.events;
      member.take(frame.examined);
    }
    member.skipTo(upTo + 1);
    return true;
  }

  /** Drops the frames up to the given one, which no member lacks any more. */
  release(upTo: number): void {
    const count = Math.min(upTo + 1 - this.#first, this.#frames.length);
    if (count <= 0) return;
    this.#frames.splice(0, count);
    this.#first += count;
  }
}

/**
 * As few frames as the limit allows; an entry over the limit has a frame of its own. The last frame has the examined position as its cursor, the
 * others the position of their last entry.
 */
export function encodeEvents(
  subscription: string,
  entries: readonly LoggedEntry[],
  examined: number,
  frameBytes: number,
  cursorOf: (offset: number) => string,
): Frame[] {
  const frames: Frame[] = [];
  let from = 0;
  let bytes = 0;
  for (const [at, entry] of entries.entries()) {
    bytes += entry.json.length;
    const next = entries[at + 1];
    const last = next === undefined;
    if (!last && bytes + next.json.length <= frameBytes) continue;
    const position = last ? examined : entry.offset;
    const text = eventsText(subscription, cursorOf(position), entries.slice(from, at + 1));
    frames.push({ message: shareFrame(text), examined: position, events: at + 1 - from });
    from = at + 1;
    bytes = 0;
  }
  return frames;
}
