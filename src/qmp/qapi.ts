// The QMP commands that the gateway writes, with their arguments and the members of their replies that it reads (qapi/job.json, block-core.json,
// control.json). Of its own it writes no other: those of tools pass as text (tool-command), and a program that uses this layer by itself has all of them
// (generated/commands).
import type { QemuEvents } from '../protocol/generated/events.js';
import type { Micros } from '../protocol/time.js';
import type { EventData, Int64, IoStatus, JobStatus, JobType } from '../protocol/types.js';

/** BlockJobInfo of query-block-jobs. `device` is the job id. */
export interface BlockJobInfo {
  type: JobType;
  device: string;
  len: Int64;
  offset: Int64;
  speed: Int64;
  /** This and the next two since QEMU 1.3, `ready` since 2.2. */
  busy?: boolean;
  paused?: boolean;
  'io-status'?: IoStatus;
  ready?: boolean;
  /** This and the next two since QEMU 2.12. */
  status?: JobStatus;
  'auto-finalize'?: boolean;
  'auto-dismiss'?: boolean;
  error?: string;
}

/** JobInfo of query-jobs (QEMU 3.0): every type of job, also create, amend and snapshot-*. */
export interface JobInfo {
  id: string;
  type: JobType;
  status: JobStatus;
  'current-progress': Int64;
  'total-progress': Int64;
  error?: string;
}

/** XDbgBlockGraph of x-debug-query-block-graph (QEMU 4.0). Node ids hold within one reply only. */
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

type Nothing = Record<string, never>;
type ById = { id: string };
type ByDevice = { device: string };

export interface QmpCommands {
  qmp_capabilities: { args: { enable?: 'oob'[] }; value: Nothing };
  'query-name': { args: Nothing; value: { name?: string } };
  'query-version': { args: Nothing; value: QmpVersion };
  'query-commands': { args: Nothing; value: { name: string }[] };
  /** QEMU 1.2 to 5.2. */
  'query-events': { args: Nothing; value: { name: string }[] };
  'query-block-jobs': { args: Nothing; value: BlockJobInfo[] };
  'query-jobs': { args: Nothing; value: JobInfo[] };
  'query-cpus-fast': { args: Nothing; value: { 'thread-id': number }[] };
  'x-debug-query-block-graph': { args: Nothing; value: BlockGraph };
  'block-job-cancel': { args: ByDevice & { force?: boolean }; value: Nothing };
  'block-job-pause': { args: ByDevice; value: Nothing };
  'block-job-resume': { args: ByDevice; value: Nothing };
  'block-job-complete': { args: ByDevice; value: Nothing };
  'block-job-finalize': { args: ById; value: Nothing };
  'block-job-dismiss': { args: ById; value: Nothing };
  'block-job-set-speed': { args: ByDevice & { speed: bigint }; value: Nothing };
  /** The names of QEMU before 1.1, which answers this cancel only when the job is gone. */
  block_job_cancel: { args: ByDevice; value: Nothing };
  block_job_set_speed: { args: ByDevice & { value: bigint }; value: Nothing };
  'job-cancel': { args: ById; value: Nothing };
  'job-pause': { args: ById; value: Nothing };
  'job-resume': { args: ById; value: Nothing };
  'job-complete': { args: ById; value: Nothing };
  'job-finalize': { args: ById; value: Nothing };
  'job-dismiss': { args: ById; value: Nothing };
}
export type QmpCommandName = keyof QmpCommands;

/** Commands by their names: {@link QmpCommands}, or all of QEMU's. */
export type CommandTable<Commands> = { [Name in keyof Commands]: { args: unknown; value: unknown } };

export interface QmpVersion {
  qemu: { major: number; minor: number; micro: number };
  package: string;
}

/** The greeting that begins every connection (docs/interop/qmp-spec.rst). */
export interface QmpGreeting {
  version: QmpVersion;
  capabilities: readonly unknown[];
}

/** An event as QEMU raised it; `data` is `{}` where QEMU sends none. */
export interface QmpEvent<Type extends string = string, Data = unknown> {
  type: Type;
  /** By QEMU's clock; `null` where the host has none (-1). */
  time: Micros | null;
  data: Data;
  /** Bytes of the message that brought it, for the log's retention. */
  bytes?: number;
}
export type QmpEventOf<Type extends keyof QemuEvents> = {
  [Each in Type]: QmpEvent<Each, EventData[Each]>;
}[Type];

export function formatVersion({ qemu }: QmpVersion): string {
  return `${qemu.major}.${qemu.minor}.${qemu.micro}`;
}
