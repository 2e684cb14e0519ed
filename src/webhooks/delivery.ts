// What a webhook does next, and what an answer means: pure functions of its position, its failures, the log and the time.
import { formatCursor, type Position } from '../protocol/cursor.js';
import type { Cursor } from '../protocol/types.js';
import type { WebhookLimits } from './limits.js';

/**
 * Why entries are not delivered. `failing`: no delivery succeeded for a day. `retention`: they left the log. `epoch`: the log began another epoch.
 * `position`: the position could not be read.
 */
export type GapReason = 'failing' | 'retention' | 'epoch' | 'position';

/** Entries after `from` are not delivered. `null`: it is not known since when. */
export interface Gap {
  readonly from: Cursor | null;
  readonly reason: GapReason;
}

export interface Delivery {
  /** Each matching entry up to it was delivered, is a dead letter, or is in the gap. */
  readonly position: Position;
  /** It ends at the position, and is announced before the next entry. */
  readonly gap: Gap | undefined;
  /** Attempts in a row that failed; and those of what is delivered now that were answered with 4xx. */
  readonly failures: number;
  readonly rejections: number;
  /** By the monotonic clock, in milliseconds: of the first of these failures, and before which nothing is sent. */
  readonly failingSince: number | undefined;
  readonly retryAt: number;
}

/** What it needs of a log. `resumeAt`: the offset after which everything is retained. */
export interface LogView {
  readonly epoch: string;
  readonly head: number;
  retainsAfter(offset: number): boolean;
  resumeAt(): number;
}

export type Step =
  | { kind: 'skip'; to: Position; reason: GapReason }
  | { kind: 'wait'; ms: number }
  /**
   * Search the log after the position for an entry to deliver. With a gap the position moves there, and then the gap is announced: at the edge of
   * the retention, where a gap leaves it, a busy source would evict more entries while the gap is sent.
   */
  | { kind: 'search' }
  | { kind: 'gap' }
  | { kind: 'idle' };

/** `rejected`: a 4xx but 408 and 429. `failed`: no answer, or any other one that is not 2xx. */
export type Result =
  | { kind: 'ok' }
  | { kind: 'rejected'; why: string }
  | { kind: 'failed'; why: string; retryAfterMs?: number | undefined };

/** What was sent: the gap, or the entry at this offset. */
export type Sent = { kind: 'gap' } | { kind: 'entry'; offset: number };

export type Change = 'none' | 'failing' | 'recovered' | 'dead-letter';

type Retries = Pick<WebhookLimits, 'baseMs' | 'maxMs' | 'retryAfterMs' | 'giveUpMs' | 'tries'>;

const FRESH = { failures: 0, rejections: 0, failingSince: undefined, retryAt: 0 } as const;

export const deliveryFrom = (position: Position, gap?: Gap): Delivery => ({ position, gap, ...FRESH });

export function nextStep(delivery: Delivery, log: LogView, now: number, { giveUpMs }: Retries): Step {
  const { position, gap, failingSince, retryAt } = delivery;
  const { epoch, head } = log;
  if (now < retryAt) return { kind: 'wait', ms: retryAt - now };
  if (position.epoch !== epoch) return { kind: 'skip', to: { epoch, offset: log.resumeAt() }, reason: 'epoch' };
  if (!log.retainsAfter(position.offset))
    return { kind: 'skip', to: { epoch, offset: log.resumeAt() }, reason: 'retention' };
  if (failingSince !== undefined && now - failingSince >= giveUpMs && head > position.offset)
    return { kind: 'skip', to: { epoch, offset: head }, reason: 'failing' };
  if (head > position.offset) return { kind: 'search' };
  return { kind: gap ? 'gap' : 'idle' };
}

/** Leaves out the entries up to `to`. Gaps that were not announced yet become one. */
export function skip(delivery: Delivery, { to, reason }: { to: Position; reason: GapReason }, now: number): Delivery {
  const { position, gap, failingSince } = delivery;
  return {
    ...delivery,
    position: to,
    gap: gap ?? { from: formatCursor(position.epoch, position.offset), reason },
    rejections: 0,
    // Of the gap, and of what follows it, the day begins anew.
    failingSince: reason === 'failing' ? now : failingSince,
  };
}

/** Entries up to `offset` do not match. */
export const moveTo = (delivery: Delivery, offset: number): Delivery =>
  offset === delivery.position.offset ? delivery : { ...delivery, position: { ...delivery.position, offset } };

/** @param random in [0, 1). */
export function afterResult(
  delivery: Delivery,
  sent: Sent,
  result: Result,
  { now, random, limits }: { now: number; random: number; limits: Retries },
): { delivery: Delivery; change: Change } {
  const rejections = delivery.rejections + (result.kind === 'rejected' ? 1 : 0);
  const isDead = result.kind === 'rejected' && rejections >= limits.tries;
  if (result.kind === 'ok' || isDead) {
    const { position, gap, failingSince } = delivery;
    const next = sent.kind === 'gap' ? deliveryFrom(position) : deliveryFrom({ ...position, offset: sent.offset }, gap);
    return { delivery: next, change: isDead ? 'dead-letter' : failingSince === undefined ? 'none' : 'recovered' };
  }
  const failures = delivery.failures + 1;
  const asked = result.kind === 'failed' ? Math.min(result.retryAfterMs ?? 0, limits.retryAfterMs) : 0;
  const retryAt = now + Math.max(asked, backOff(failures, random, limits));
  const failingSince = delivery.failingSince ?? now;
  return {
    delivery: { ...delivery, failures, rejections, failingSince, retryAt },
    change: failures === 1 ? 'failing' : 'none',
  };
}

/** Between a half and the whole of a delay that doubles, and never less than the base. */
function backOff(failures: number, random: number, { baseMs, maxMs }: Retries): number {
  const longest = Math.min(maxMs, baseMs * 2 ** (failures - 1));
  return Math.max(baseMs, longest * (0.5 + random / 2));
}
