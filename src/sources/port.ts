// What a source of jobs is to the rest of the program, whatever carries it: a QMP monitor, or libvirt. An adapter behind this port parses, validates
// and bounds what it receives.
import type { Observable } from 'rxjs';
import type { Micros } from '../protocol/time.js';
import type {
  DownReason,
  Int64,
  IoStatus,
  JobStatus,
  JobType,
  JobVerb,
  ProviderName,
  Same,
} from '../protocol/types.js';
import type { BlockGraph } from '../qmp/index.js';

/** An event as QEMU raised it; `data` is `{}` where QEMU sends none. */
export interface SourceEvent {
  type: string;
  /** By QEMU's clock; `null` where the host has none. */
  time: Micros | null;
  data: unknown;
  /** Bytes of the message that brought it, for the log's retention. */
  bytes?: number;
}

/** One job as the source's queries report it. */
export interface QueriedJob {
  id: string;
  type: JobType;
  status: JobStatus;
  len: Int64;
  offset: Int64;
  /** This and the following members exist for block jobs only. */
  speed?: Int64;
  ioStatus?: IoStatus;
  autoFinalize?: boolean;
  autoDismiss?: boolean;
  paused?: boolean;
  error?: string;
  /** The source does not tell errors: that there is none proves no success. */
  errorUnknown?: true;
}

/** What QEMU does not say by an event, so that only queries show it. */
export interface QueriedEvents {
  /** QEMU before 3.0 raises no JOB_STATUS_CHANGE: neither the start of a job nor its pause is an event. */
  legacy: boolean;
  /**
   * It raises no BLOCK_JOB_CANCELLED, and that a job has gone after an accepted cancel proves the cancel: it would have raised BLOCK_JOB_COMPLETED
   * otherwise, or answers a cancel only when the job is gone.
   */
  quietCancel: boolean;
}

/** QEMU's block graph, from any kind of source. */
export type { BlockGraph };

/**
 * The signals of a source, in order: `connecting`, perhaps `waiting`, then `negotiated`, `up`, and any others until `down`. Each comes at its place
 * in the source's own order: what `jobs` lists is the state after the events before it and before those after it.
 */
export type SourceSignal =
  | { kind: 'connecting'; attempt: number }
  /** Connected, but there is no answer yet; the connection is kept. */
  | { kind: 'waiting'; reason: 'silent' | 'stalled'; detail: string }
  /** QMP is negotiated; events that come before `up` may be of another QEMU than the previous connection's. */
  | { kind: 'negotiated'; qemu: string }
  /**
   * The QEMU is identified. `same`: whether it is that of the previous connection. `identity`, as JSON, is for {@link JobSource.recall} after a restart.
   * `label`: its own name, until the next `up`.
   */
  | { kind: 'up'; qemu: string; same: Same; identity?: unknown; label?: string }
  | { kind: 'event'; event: SourceEvent }
  /** A query for the jobs is written now: its reply may lack what happens from here on. */
  | { kind: 'querying' }
  /** All jobs, oldest first. */
  | ({ kind: 'jobs'; jobs: readonly QueriedJob[] } & QueriedEvents)
  /** The source refused to list its jobs; it is queried again. */
  | { kind: 'refused' }
  /** QEMU's main loop has not answered for `waitedMs`; the connection is kept. */
  | { kind: 'stalled'; waitedMs: number }
  | { kind: 'responsive' }
  /** An event came after a reply that it contradicts: QEMU raised it `byMs` before the query was written. The jobs are queried again. */
  | { kind: 'overtaken'; type: string; byMs: number }
  | { kind: 'down'; reason: DownReason; detail: string; attempt: number; retryInMs: number };

export interface JobCommand {
  verb: JobVerb;
  /** QEMU's id of the job. */
  id: string;
  /** With `abort`: whether to end a READY mirror at once. */
  force?: boolean;
  /** With `setSpeed`: bytes per second. */
  speed?: Int64;
}

/** What would be written to the source for a command. Integers that JSON does not carry exactly are decimal strings. */
export interface Carrier {
  command: string;
  arguments: Record<string, unknown>;
}

/**
 * The result of a command. `busy` and `sent:false`: it was never written, so it has no effect. Otherwise it may have had its effect or may still have
 * it.
 */
export type CommandReply =
  | { kind: 'accepted' }
  /** `class` is one of QMP's error classes, `desc` QEMU's text. */
  | { kind: 'refused'; class: string; desc: string }
  | { kind: 'timeout'; sent: boolean }
  | { kind: 'closed'; sent: boolean }
  /** Too many commands wait to be written. */
  | { kind: 'busy' };

export interface SendOptions {
  /** Milliseconds from the call to the reply, with the wait to be written. */
  timeoutMs: number;
  /** Commands of the `abort` lane are written before those of `verb`, these before queries. */
  lane: 'abort' | 'verb';
  /** Called once, in the event-loop turn in which the command is written: from then on it may have its effect. */
  written: () => void;
  /** Called once, at the reply's place in the source's own order. */
  replied: (reply: CommandReply) => void;
}

export type GraphReply = { kind: 'graph'; graph: BlockGraph } | { kind: 'unsupported' } | { kind: 'none' };

/** What a source may have: verbs; `force`, an abort that ends a READY mirror at once; and QEMU's block graph. */
export type Ability = JobVerb | 'force' | 'graph';

/** What clients see of a source beside its name and state. */
export interface SourceAbout {
  provider: ProviderName;
  /** Its name where it comes from, if that is another. */
  label?: string;
}

export interface JobSource {
  readonly name: string;
  readonly about: SourceAbout;
  /** Before it is subscribed to: the QEMU of the connection before, by the identity that was signalled then. One that it can't read tells nothing. */
  recall?(identity: unknown): void;
  /** Subscribing connects and keeps connected; unsubscribing closes the connection. One subscriber at a time. It never errors and never completes. */
  readonly signals$: Observable<SourceSignal>;
  can(what: Ability): boolean;
  /** Another name by which callers know the job with that id; libvirt's is that of the disk. */
  otherNameOf?(id: string): string | undefined;
  /** Queries the jobs after this call; resolves when `jobs` was signalled, with `false` if it was not. */
  refresh(): Promise<boolean>;
  /** As {@link refresh}, but a query that is under way will do. */
  poll(): Promise<boolean>;
  /** Queries the block graph. @param lane `verb`: written before the next command. @param reply called at its place in the source's own order. */
  readGraph(lane: 'verb' | 'query', reply: (graph: GraphReply) => void): void;
  /** What {@link send} would write; `undefined`: it would be refused here. Nothing is written. */
  carrierOf(command: JobCommand): Carrier | undefined;
  /** @returns withdraws the command if it is not yet written; then there is no reply. It returns `false` if the command is written or answered. */
  send(command: JobCommand, options: SendOptions): () => boolean;
}

/** `released`: another gateway has the source from now on, and publishes what becomes of its runs. */
export type ProvidedSource =
  | { kind: 'added'; source: JobSource }
  | { kind: 'removed'; name: string }
  | { kind: 'released'; name: string };

/** Where sources come from: the configuration, or what finds them by itself. Names are unique among the present sources. */
export interface SourceProvider {
  readonly sources$: Observable<ProvidedSource>;
}
