// What a chaos run of a cluster leaves behind, and all that the checker knows: plain data. Texts of entries are kept as digests, since a run has
// hundreds of thousands of entries and each goes to many clients.
import type { Cursor, Filter, JobRef } from '../../src/protocol/index.js';

/** An entry of the stream. */
export interface StreamEntry {
  offset: number;
  type: string;
  job?: JobRef | undefined;
  /** Of the entry as clients must get it. */
  digest: number;
  /** Of what a monitor raised: type, time and data. */
  token: number;
  /** Not for clients. */
  internal: boolean;
  /** Of the gateway's own entries alone. */
  data?: unknown;
}

/** A message of the stream: entries, or a part of a checkpoint. */
export interface StreamMessage {
  seq: number;
  /** Milliseconds since 1970 at which the stream took it. */
  at: number;
  source: string;
  owner: string;
  /** Place of the message of its source before it, to which the stream held the writer. */
  after?: number | undefined;
  part?: { n: number; of: number } | undefined;
  entries: StreamEntry[];
}

/** One life of the stream: it has another epoch when it was deleted and made anew. */
export interface StreamRecord {
  epoch: string;
  /** Offsets below were not read, since the stream had dropped them; 0: it has everything. */
  firstOffset: number;
  /** Offsets above were not read before the stream was deleted. */
  lastOffset?: number | undefined;
  messages: StreamMessage[];
}

/** Of a snapshot: the runs that it lists, and the cursors of the settlements. */
export interface Shot {
  jobs: { source: string; job: string; run: string; isSettled: boolean }[];
  settled: { run: string; cursor: Cursor }[];
}

/** What one client's connections brought, in their order. One subscription a connection. */
export type Op =
  | {
      kind: 'subscribed';
      after?: Cursor | undefined;
      cursor: Cursor;
      resumed: boolean;
      shot?: Shot | undefined;
      pages?: number | undefined;
    }
  | { kind: 'page'; last: boolean; shot: Shot }
  | { kind: 'reset'; reason: string; cursor: Cursor; shot: Shot; pages?: number | undefined }
  | { kind: 'events'; cursor: Cursor; offsets: readonly number[]; digests: readonly number[] }
  | { kind: 'bookmark'; cursor: Cursor }
  /** A settled answer. `late`: at its bound, when it may overtake. */
  | { kind: 'answer'; cursor: Cursor; late: boolean }
  | { kind: 'cut' };

/** Milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

export interface ClientRecord {
  name: string;
  filter: Filter;
  ops: Op[];
  /** Times without an event of a client whose events are steady. */
  silences: Span[];
  /** What the client itself gave to its user: events, and the times at which it said that some may be missing. */
  given: { events: number; gaps: number };
}

/** An event as a monitor raised it. */
export interface Raised {
  token: number;
  /** A negotiated connection was there. */
  delivered: boolean;
  job?: string | undefined;
  what?: 'created' | 'concluded' | 'null' | 'completed' | 'failed' | 'cancelled' | undefined;
}

/** A command on a job that arrived at a monitor. */
export interface Written {
  /** Milliseconds since 1970. */
  at: number;
  /** QMP's name. */
  execute: string;
  job: string;
  connection: number;
}

export interface MonitorRecord {
  source: string;
  raised: Raised[];
  written: Written[];
  /** Jobs at the end. */
  left: string[];
}

export type Answer =
  | { kind: 'result'; result: Record<string, unknown> }
  /** `isServers`: the gateway's, not the client's own. */
  | { kind: 'error'; reason: string; isServers: boolean }
  | { kind: 'none' };

export interface CallRecord {
  who: string;
  source: string;
  job: string;
  sync: boolean;
  force: boolean;
  timeoutMs: number;
  /** Milliseconds to the answer, without those in which this process could receive nothing. */
  tookMs: number;
  /** The client was without a connection for a part of that time. */
  cut: boolean;
  answer: Answer;
}

export const FAULTS = [
  'leader-kill',
  'owner-kill',
  'edge-kill',
  'owner-term',
  'owner-cut',
  'edge-cut',
  'stream-delete',
] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface FaultRecord extends Span {
  kind: FaultKind;
  target: string;
}

export interface ClusterRecord {
  streams: StreamRecord[];
  clients: ClientRecord[];
  monitors: MonitorRecord[];
  calls: CallRecord[];
  faults: FaultRecord[];
}

export interface Violation {
  rule: 'owner' | 'monitor' | 'runs' | 'truth' | 'stream' | 'client' | 'snapshot' | 'command' | 'call' | 'end';
  who: string;
  what: string;
}
