// The wire `qmp-gateway.v1` as types, for browsers, services and the server alike.

import type { QemuEvents } from './generated/events.js';
import type { Int64 } from './int64.js';

export type { Int64 };

/** Position in the log, `"<epoch>:<offset>"`. Opaque to clients. */
export type Cursor = string;

/** From one creation of a job id to its end: 1 to 64 printable ASCII characters, never used again. Opaque, compared whole. */
export type RunId = string;

/** Names one command that was written to a monitor; as opaque as {@link RunId}. */
export type CommandId = string;

/** QEMU's JobStatus without `undefined` and `null`, which no query shows (qapi/job.json). */
export type JobStatus =
  | 'created'
  | 'running'
  | 'paused'
  | 'ready'
  | 'standby'
  | 'waiting'
  | 'pending'
  | 'aborting'
  | 'concluded';

/** QEMU's JobType; `string` admits the types of a later QEMU. */
export type JobType =
  | 'commit'
  | 'stream'
  | 'mirror'
  | 'backup'
  | 'create'
  | 'amend'
  | 'snapshot-load'
  | 'snapshot-save'
  | 'snapshot-delete'
  | (string & {});

/** QEMU's BlockDeviceIoStatus. */
export type IoStatus = 'ok' | 'failed' | 'nospace';

export interface JobRef {
  id: string;
  run: RunId;
}

/** Data of BLOCK_JOB_READY and BLOCK_JOB_CANCELLED. `device` is the job id. Units of `len` and `offset` are QEMU's. */
export interface BlockJobEventData {
  type: JobType;
  device: string;
  len: Int64;
  offset: Int64;
  /** Bytes per second, 0 is unlimited. */
  speed: Int64;
}

/** The events of QEMU that the job model reads: the gateway checks their data. */
export interface QemuEventData {
  BLOCK_JOB_COMPLETED: BlockJobEventData & { error?: string };
  BLOCK_JOB_CANCELLED: BlockJobEventData;
  BLOCK_JOB_READY: BlockJobEventData;
  BLOCK_JOB_ERROR: { device: string; operation: 'read' | 'write'; action: 'ignore' | 'report' | 'stop' };
  BLOCK_JOB_PENDING: { type: JobType; id: string };
  JOB_STATUS_CHANGE: { id: string; status: JobStatus | 'undefined' | 'null' };
}

/** How libvirt says that a job ended; `ready`: it may be pivoted. */
export type LibvirtStatus = 'completed' | 'failed' | 'canceled' | 'ready';

/** Events of libvirt, from sources of the provider `libvirt`. */
export interface LibvirtEventData {
  /** VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2. `device` is the job's id; it is missing where the job is gone already. */
  LIBVIRT_BLOCK_JOB: { device?: string; target: string; type: string; status: LibvirtStatus };
}

/** Whether the QEMU behind a source is the same as before, as far as that can be proven. */
export type Same = boolean | 'unknown';

export type Outcome = 'completed' | 'cancelled' | 'failed' | 'lost';

/** `observed`: events said how it ended. `reconciled`: a query proved it. `unknown`: it vanished while the gateway had no connection. */
export type Provenance = 'observed' | 'reconciled' | 'unknown';

/** Whether a mirror or an active commit that ended switched the disk to its copy. `true` and `false` are proven. */
export type Pivoted = boolean | 'unknown';

/**
 * How `pivoted` is known. `type`: jobs of this type never pivot. `event`: BLOCK_JOB_CANCELLED excludes a pivot. `graph`: QEMU's block graph shows
 * where the disk is. `command`: the gateway's complete was accepted, and the job completed without error. `null`: it is not known.
 */
export type PivotProof = 'type' | 'event' | 'graph' | 'command' | null;

/** How a run ended; data of GATEWAY_JOB_SETTLED. */
export interface Settlement {
  outcome: Outcome;
  provenance: Provenance;
  pivoted: Pivoted;
  pivotProof: PivotProof;
  /** A forced cancel through this gateway was written to QEMU before the settlement. */
  forced: boolean;
  /** `escalateAfterMs` turned a soft cancel into a forced one. */
  escalated: boolean;
  /** Who requested the end through this gateway, oldest first, at most 64. Empty: it was not requested through this gateway. */
  requestedBy: string[];
  /** Cursor of the entry that began the run; servers without the feature `began` omit it. */
  began?: Cursor;
  /** `false` while the concluded job still occupies its id in QEMU. */
  dismissed: boolean;
  type: JobType | null;
  len: Int64 | null;
  offset: Int64 | null;
  /** What libvirt says of the end; it says `canceled` of a READY copy that an abort ended, which QEMU completes. */
  libvirt?: Exclude<LibvirtStatus, 'ready'>;
  /** QEMU's text; for people, never to be parsed. */
  error?: string;
}

/**
 * `restarted`: the gateway was, and has not reached the source since. `gap`: a gateway of a cluster dropped events of the source, and reconnects to see
 * what has become of its jobs. `unowned`: no gateway of the cluster has the source; it is in no event.
 */
export type DownReason =
  | 'restarted'
  | 'gap'
  | 'unowned'
  | 'absent'
  | 'denied'
  | 'refused'
  | 'occupied'
  | 'unreachable'
  | 'silent'
  | 'stalled'
  | 'refused-query'
  | 'closed'
  | 'protocol';

export type JobVerb = 'abort' | 'complete' | 'pause' | 'resume' | 'finalize' | 'dismiss' | 'setSpeed';

/** QEMU's reply to a command. `unknown`: the connection was lost, or the bound passed, before there was one. */
export type CommandResult = 'accepted' | 'refused' | 'unknown';

/** The gateway's own events. */
export interface GatewayEventData {
  /** `provider`, `verbs`, `label` and `owner` as in {@link SourceInfo}; a monitor has no provider here, and verbs come later. */
  GATEWAY_SOURCE_UP: {
    qemu: string;
    same: Same;
    provider?: ProviderName;
    verbs?: readonly SourceVerb[];
    label?: string;
    owner?: string;
  };
  /** `verbs` where they are others than before: an old QEMU lacks some. */
  GATEWAY_SOURCE_SYNCED: { jobs: number; verbs?: readonly SourceVerb[] };
  GATEWAY_SOURCE_STALLED: { waitedMs: number };
  GATEWAY_SOURCE_RESPONSIVE: { stalledMs: number };
  GATEWAY_SOURCE_DOWN: { reason: DownReason; owner?: string };
  /**
   * A gateway of a cluster could not publish events for so long that it dropped some, after `since`: `dropped` of them, no settlement among them. What has
   * become of the jobs is reconciled next.
   */
  GATEWAY_SOURCE_GAP: { dropped: number; since: string };
  /** The source was removed from the gateway; its runs have settled before. */
  GATEWAY_SOURCE_REMOVED: Record<string, never>;
  GATEWAY_JOB_FOUND: {
    type: JobType;
    status: JobStatus;
    autoFinalize?: boolean;
    autoDismiss?: boolean;
    continuity: 'new' | 'assumed';
  };
  GATEWAY_JOB_ATTENTION: { ioStatus: IoStatus; operation: 'read' | 'write' | 'unknown'; action: string };
  /** `request`, of a cluster: the call that it is of, so that a gateway that takes the source over knows it. */
  GATEWAY_COMMAND: { command: CommandId; verb: JobVerb; by: string; args: Record<string, unknown>; request?: string };
  GATEWAY_COMMAND_ANSWERED: { command: CommandId; result: CommandResult; error?: string };
  GATEWAY_JOB_SETTLED: Settlement;
  /** `args` of commands on jobs alone. */
  GATEWAY_SHARED_COMMAND: { command: string; tool: string; args?: Record<string, unknown> };
}

/**
 * Every event with its data. The types of QEMU's events beyond {@link QemuEventData} are those of its schema, and their data passes unchecked:
 * another QEMU may send more, and of an event over 256 KiB the gateway keeps `truncated`, its bytes, and few members.
 */
export type EventData = QemuEventData & Omit<QemuEvents, keyof QemuEventData> & LibvirtEventData & GatewayEventData;
export type KnownEventType = keyof EventData;

interface EntryOf<Type extends string, Data> {
  /** Increases from entry to entry; offsets need not be consecutive. */
  offset: number;
  source: string;
  type: Type;
  /** ISO 8601 UTC with microseconds, by QEMU's clock or, of GATEWAY_* events, the gateway's; neither is monotonic. `null` where QEMU reports -1. */
  time: string | null;
  /** Present on job events only. */
  job?: JobRef;
  /** This entry stands for so many QMP events, the first included. */
  repeated?: number;
  data: Data;
}

/** An entry of the log whose data is known by its type. */
export type KnownEntry = { [Type in KnownEventType]: EntryOf<Type, EventData[Type]> }[KnownEventType];

/** Any entry of the log. Narrow it with {@link isEventOf}. */
export type Entry = EntryOf<string, unknown>;

/** An entry of one known type. */
export type EventOf<Type extends KnownEventType> = Extract<KnownEntry, { type: Type }>;

/** Narrows an entry to one of the named types; `data` follows. */
export function isEventOf<const Types extends readonly KnownEventType[]>(
  entry: Entry,
  ...types: Types
): entry is EventOf<Types[number]> {
  return (types as readonly string[]).includes(entry.type);
}

export interface Job {
  source: string;
  job: string;
  run: RunId;
  type: JobType | null;
  status: JobStatus;
  len: Int64;
  offset: Int64;
  speed: Int64;
  ioStatus?: IoStatus;
  error?: string;
  autoFinalize?: boolean;
  autoDismiss?: boolean;
  continuity?: 'new' | 'assumed';
  /** Cursor of the entry that began the run; servers without the feature `began` omit it. */
  began?: Cursor;
  settled?: Settlement;
  /** When `len`, `offset` and `speed` were last true, ISO 8601. */
  updated: string;
}

/** A settled run, as in snapshots and `reset`. */
export interface SettledRun {
  source: string;
  job: string;
  run: RunId;
  /** Cursor of its GATEWAY_JOB_SETTLED. */
  cursor: Cursor;
  time: string | null;
  settled: Settlement;
}

/** How the gateway reaches a QEMU: its own monitor, or libvirt. */
export type ProviderName = 'qmp' | 'libvirt';

/** A verb that a source has; `force`: an abort that ends a READY mirror at once. */
export type SourceVerb = JobVerb | 'force';

export interface SourceInfo {
  name: string;
  /** Servers without the feature `providers` omit it. */
  provider?: ProviderName;
  /** Verbs that it has, where it lacks some: any other is refused with UNSUPPORTED. */
  verbs?: readonly SourceVerb[];
  /** Its name where it comes from, where that is another: libvirt's, or what a QEMU that has connected by itself calls itself (`-name`). */
  label?: string;
  state: 'up' | 'connecting' | 'down';
  reason?: DownReason;
  /** Time at which the state began, ISO 8601. */
  since: string;
  /** QEMU's version. */
  qemu?: string;
  /** Of a cluster: the member that has the source; missing while none has. */
  owner?: string;
}

export interface Progress {
  source: string;
  job: string;
  run: RunId;
  status: JobStatus;
  len: Int64;
  offset: Int64;
  speed: Int64;
}

/** Fields are ANDed, the globs of a field ORed. Globs have `*` and `?`, match whole strings, and are case-sensitive. */
export interface Filter {
  sources?: readonly string[];
  types?: readonly string[];
  jobs?: readonly string[];
}
