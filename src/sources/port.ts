// What a source of jobs is to the rest of the program, whatever carries it: a QMP monitor today. Bytes of a source are parsed, checked and bounded
// behind this port.
import type { Observable } from 'rxjs';
import type { Micros } from '../protocol/time.js';
import type { DownReason, Int64, IoStatus, JobStatus, JobType, JobVerb, Same } from '../protocol/types.js';

/** An event as QEMU raised it; `data` is `{}` where QEMU sends none. */
export interface SourceEvent {
  type: string;
  /** By QEMU's clock; `null` where the host has none. */
  time: Micros | null;
  data: unknown;
  /** Bytes of the message that brought it, for a bound on what is kept. */
  bytes?: number;
}

/** One job as the source's queries show it. */
export interface QueriedJob {
  id: string;
  type: JobType;
  status: JobStatus;
  len: Int64;
  offset: Int64;
  /** Only of block jobs, as the rest. */
  speed?: Int64;
  ioStatus?: IoStatus;
  autoFinalize?: boolean;
  autoDismiss?: boolean;
  paused?: boolean;
  error?: string;
}

/** Who uses which node of the block layer. Node ids are of one reply only. */
export interface BlockGraph {
  nodes: readonly BlockGraphNode[];
  edges: readonly BlockGraphEdge[];
}

export interface BlockGraphNode {
  id: number;
  type: 'block-backend' | 'block-job' | 'block-driver' | (string & {});
  /** Empty for the backend of an export or of a job. */
  name: string;
}

/** `parent` uses `child` under `name`: `root`, `backing`, `children.0`, and of a job `source`, `target`, `main node`. */
export interface BlockGraphEdge {
  parent: number;
  child: number;
  name: string;
}

/**
 * What becomes of a source, in order: `connecting`, perhaps `waiting`, then `negotiated`, `up`, and whatever it says until `down`. Everything comes at
 * its place in the source's own order: a job that `jobs` shows was there after the events before it and before those after it.
 */
export type SourceSignal =
  | { kind: 'connecting'; attempt: number }
  /** Connected, but nobody answers yet; the connection is kept. */
  | { kind: 'waiting'; reason: 'silent' | 'stalled'; detail: string }
  /** A QEMU speaks; events that come before `up` may be of another QEMU than before. */
  | { kind: 'negotiated'; qemu: string }
  /** Identified. `same`: whether it is the QEMU of the connection before. */
  | { kind: 'up'; qemu: string; same: Same }
  | { kind: 'event'; event: SourceEvent }
  /** The jobs are asked for now: what happens from here on may be missing in the reply. */
  | { kind: 'querying' }
  /** All jobs, oldest first. `legacy`: QEMU before 3.0, which raises no JOB_STATUS_CHANGE. */
  | { kind: 'jobs'; jobs: readonly QueriedJob[]; legacy: boolean }
  /** It does not say which jobs it has; it is asked again. */
  | { kind: 'refused' }
  /** Its main loop has not answered for `waitedMs`; the connection is kept. */
  | { kind: 'stalled'; waitedMs: number }
  | { kind: 'responsive' }
  | { kind: 'down'; reason: DownReason; detail: string; attempt: number; retryInMs: number };

export interface JobCommand {
  verb: JobVerb;
  /** QEMU's id of the job. */
  id: string;
  /** With `abort`: end a READY mirror at once. */
  force?: boolean;
  /** With `setSpeed`: bytes per second. */
  speed?: Int64;
}

/** What became of a command. `busy`, and `sent:false`: it was never written, so it has no effect; else it may have or may yet have one. */
export type CommandReply =
  | { kind: 'accepted' }
  /** `class` is one of QMP's error classes, `desc` QEMU's text. */
  | { kind: 'refused'; class: string; desc: string }
  | { kind: 'timeout'; sent: boolean }
  | { kind: 'closed'; sent: boolean }
  /** Too many commands wait. */
  | { kind: 'busy' };

export interface SendOptions {
  /** Milliseconds from the call to the reply, waiting for a place included. */
  timeoutMs: number;
  /** An `abort` is never behind a command of another verb, nor that behind a query. */
  lane: 'abort' | 'verb';
  /** Called once, in the turn in which the command is written: from then on it may have its effect. */
  written: () => void;
  /** Called once, at the reply's place in the order of the source. */
  replied: (reply: CommandReply) => void;
}

export type GraphReply = { kind: 'graph'; graph: BlockGraph } | { kind: 'unsupported' } | { kind: 'none' };

export interface JobSource {
  readonly name: string;
  /** Subscribing connects, and keeps connected; unsubscribing hangs up. One subscriber at a time. It never errors and never completes. */
  readonly signals$: Observable<SourceSignal>;
  /** Whether it has a verb, and whether it can be asked for its block graph. */
  can(what: JobVerb | 'graph'): boolean;
  /** Asks for the jobs after this call; resolves when they were signalled, `false` if they were not. */
  refresh(): Promise<boolean>;
  /** As {@link refresh}, but a query that is under way will do. */
  poll(): Promise<boolean>;
  /** @param lane `verb`: before the command that is sent next. @param reply called at its place in the order of the source. */
  readGraph(lane: 'verb' | 'query', reply: (graph: GraphReply) => void): void;
  /** @returns takes the command back if it is not yet written; then there is no reply. `false`: it is written, or answered. */
  send(command: JobCommand, options: SendOptions): () => boolean;
}

export type ProvidedSource = { kind: 'added'; source: JobSource } | { kind: 'removed'; name: string };

/** Where sources come from: a configuration, and later whatever finds them. Names are unique among those that are present. */
export interface SourceProvider {
  readonly sources$: Observable<ProvidedSource>;
}
