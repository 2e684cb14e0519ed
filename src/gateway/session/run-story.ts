// The entries of one run that the log still has, from its beginning on, in order.
import type { Clock } from '../../clock.js';
import type { EventReader, LoggedEntry } from '../../log/index.js';
import { formatCursor, parseCursor } from '../../protocol/cursor.js';
import type { MissingEntries, MissingReason } from '../../protocol/history.js';
import type { Cursor, Entry } from '../../protocol/types.js';
import type { GatewayLimits } from '../limits.js';

export interface StoryDeps {
  log: EventReader;
  limits: GatewayLimits;
  clock: Clock;
}

/** A run, and what it lies between in the log; a live one has no end yet. */
export interface Span {
  source: string;
  run: string;
  began: Cursor | undefined;
  ended: Cursor | undefined;
}

/** Bytes of the first and of the last entries: what lies between is left out. */
const HALF_BYTES = 128 * 1024;
/** Milliseconds for reading, which ends before the call is due. */
const READ_MS = 5_000;
const SPARE_MS = 500;
/** Offsets after the end that are looked at: QEMU's answer to a command may come after it, and so does a dismissal. */
const AFTERWARDS = 2_048;

export async function readStory(
  { source, run, began, ended }: Span,
  deadline: number,
  signal: AbortSignal,
  { log, limits, clock }: StoryDeps,
): Promise<{ entries: Entry[]; missing: MissingEntries[] }> {
  const story = new Story();
  const begin = began === undefined ? undefined : parseCursor(began);
  if (!begin || begin.epoch !== log.epoch) return { entries: [], missing: [{ reason: 'epoch' }] };
  const ofSource = (name: string): boolean => name === source;
  const end = ended === undefined ? undefined : parseCursor(ended);
  const due = Math.min(clock.now() + READ_MS, deadline - SPARE_MS);
  const { epoch } = log;
  let at = Math.max(0, begin.offset - 1);
  const missing: Missing[] = [];
  for (;;) {
    const last = Math.min(log.head, end ? end.offset + AFTERWARDS : log.head);
    if (at >= last) break;
    if (!log.retainsAfter(at, ofSource)) {
      const kept = Math.max(at, log.evictedUpTo(ofSource));
      missing.push({ reason: 'retention', after: at, upTo: kept });
      at = kept;
    }
    const { entries, examined, pending } = log.readAfter(at, limits.sliceEntries);
    if (pending) await within(pending, due - clock.now(), clock);
    else {
      for (const entry of entries) if (entry.job?.run === run && entry.source === source) story.add(entry);
      if (examined === at && entries.length === 0 && log.retainsAfter(at, ofSource)) break;
      at = examined;
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    if (signal.aborted || log.epoch !== epoch || clock.now() > due) {
      const reason = log.epoch === epoch ? 'time' : 'epoch';
      if (end === undefined || at < end.offset) missing.push({ reason, after: at, upTo: undefined });
      break;
    }
  }
  if (story.cut) missing.push({ reason: 'size', ...story.cut });
  const inOrder = missing.toSorted((a, b) => a.after - b.after);
  return { entries: story.entries, missing: inOrder.map((each) => cursorsOf(each, epoch)) };
}

/** Offsets that the story lacks entries between; without an end up to the run's. */
interface Missing {
  reason: MissingReason;
  after: number;
  upTo: number | undefined;
}

function cursorsOf({ reason, after, upTo }: Missing, epoch: string): MissingEntries {
  const last = upTo !== undefined && { upTo: formatCursor(epoch, upTo) };
  return { reason, after: formatCursor(epoch, after), ...last };
}

/** The beginning and the end of what is added. */
class Story {
  readonly #first: LoggedEntry[] = [];
  #last: LoggedEntry[] = [];
  #firstBytes = 0;
  #lastBytes = 0;
  /** Offsets between which entries were dropped. */
  cut: { after: number; upTo: number } | undefined;

  add(entry: LoggedEntry): void {
    const bytes = entry.json.length;
    if (this.#last.length === 0 && this.#firstBytes + bytes <= HALF_BYTES) {
      this.#first.push(entry);
      this.#firstBytes += bytes;
      return;
    }
    this.#last.push(entry);
    this.#lastBytes += bytes;
    let dropped = 0;
    while (this.#lastBytes > HALF_BYTES && dropped < this.#last.length - 1)
      this.#lastBytes -= this.#last[dropped++]?.json.length ?? 0;
    if (dropped === 0) return;
    this.#last = this.#last.slice(dropped);
    this.cut = { after: this.#first.at(-1)?.offset ?? 0, upTo: (this.#last[0]?.offset ?? 1) - 1 };
  }

  get entries(): Entry[] {
    return [...this.#first, ...this.#last].map(({ json }) => JSON.parse(json) as Entry);
  }
}

function within(promise: Promise<void>, ms: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const stop = clock.after(Math.max(0, ms), resolve);
    void promise.then(() => {
      stop();
      resolve();
    });
  });
}
