// What a chaos run leaves behind, and all that the checker knows: plain data.
import type { Cursor, Entry, Filter, Job, Progress, RpcErrorBody, SettledRun } from '../../src/protocol/index.js';

/** What one subscriber sent and got, in its order. One subscription a connection. */
export type Op =
  | {
      kind: 'subscribed';
      after?: Cursor | undefined;
      cursor: Cursor;
      resumed: boolean;
      jobs?: Job[] | undefined;
      settled?: SettledRun[] | undefined;
      pages?: number | undefined;
    }
  | { kind: 'page'; page: number; last: boolean; cursor: Cursor; jobs: Job[]; settled: SettledRun[] }
  | { kind: 'events'; cursor: Cursor; events: readonly Entry[] }
  | { kind: 'reset'; cursor: Cursor; jobs: Job[]; settled: SettledRun[]; pages?: number | undefined }
  | { kind: 'bookmark'; cursor: Cursor }
  | { kind: 'progress'; rows: Progress[] }
  /** A settled answer to a command of this connection. `late`: at its bound, when it may overtake. */
  | { kind: 'answer'; cursor: Cursor; late: boolean }
  /** The connection has ended, by either side. */
  | { kind: 'cut' };

export interface SubscriberRecord {
  name: string;
  filter: Filter;
  ops: Op[];
  /** Read on to the end: nothing may be missing. */
  complete: boolean;
}

/** An event as the monitor raised it. */
export interface Raised {
  type: string;
  data: unknown;
  /** ISO 8601 with microseconds, null without a clock. */
  time: string | null;
  /** A negotiated client was there. */
  delivered: boolean;
  /** Of an outcome event: whether the job switched its disk to the copy, where the monitor says so. */
  pivoted?: boolean | undefined;
}

export interface MonitorRecord {
  source: string;
  raised: Raised[];
  /** Numbers of raised events at which the process died: all jobs vanished without a word. */
  deaths: number[];
  /** The witness is another monitor of the same QEMU: what it lacks at a death may still have reached the gateway. */
  aside: boolean;
  /** Jobs at the end. */
  left: { id: string; status: string }[];
}

export type AbortAnswer =
  | { kind: 'result'; result: Record<string, unknown> }
  | { kind: 'error'; error: RpcErrorBody }
  /** The connection ended before. */
  | { kind: 'cut' }
  | { kind: 'none' };

export interface AbortRecord {
  source: string;
  job: string;
  sync: boolean;
  timeoutMs: number;
  /** Milliseconds to the answer. */
  tookMs: number;
  answer: AbortAnswer;
}

export interface ChaosRecord {
  /** No filter, never cut by itself: its stream is the gateway's log. One epoch for each process of the gateway. */
  witness: SubscriberRecord;
  subscribers: SubscriberRecord[];
  monitors: MonitorRecord[];
  aborts: AbortRecord[];
  /** Entries that the gateway retains of one source. */
  retained: number;
}

export interface Violation {
  rule: 'log' | 'stream' | 'snapshot' | 'runs' | 'monitor' | 'truth' | 'abort' | 'progress' | 'state';
  who: string;
  what: string;
}
