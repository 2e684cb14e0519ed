// Where the positions of webhooks are kept, and who may post from them: a port, so that a webhook posts the same from a file of its own as from what
// several gateways share.
import { formatCursor, type Position, parseCursor } from '../protocol/cursor.js';
import type { Cursor } from '../protocol/types.js';
import type { Delivery, Gap, GapReason } from './delivery.js';

export type Saved =
  | { kind: 'none' }
  | { kind: 'unreadable' }
  | { kind: 'found'; position: Position; gap: Gap | undefined };

export interface PositionListener {
  /** The webhook is this gateway's, to be posted from there on; also before `open` returns. @param save keeps where it is now; of several the newest. */
  held(saved: Saved, save: (delivery: Delivery) => void): void;
  /** Another gateway posts it, or may: nothing more is sent until it is held again. */
  lost(): void;
}

export interface HeldPosition {
  /** Nothing is called back any more. Resolves when the newest is kept, or can't be, and others may have the webhook. */
  close(): Promise<void>;
}

export interface Positions {
  open(name: string, listener: PositionListener): HeldPosition;
}

const REASONS: readonly GapReason[] = ['failing', 'retention', 'epoch', 'position'];

/** A position as JSON. */
export const toSaved = ({ position, gap }: Delivery): object => ({
  cursor: formatCursor(position.epoch, position.offset),
  gap,
});

/** What {@link toSaved} gave, and JSON has kept. Never throws. */
export function readSaved(value: unknown): Saved {
  try {
    const { cursor, gap } = value as { cursor: Cursor; gap?: Gap };
    const position = parseCursor(cursor);
    const isGap = gap === undefined || ((gap.from === null || parseCursor(gap.from)) && REASONS.includes(gap.reason));
    return position && isGap ? { kind: 'found', position, gap } : { kind: 'unreadable' };
  } catch {
    return { kind: 'unreadable' };
  }
}
