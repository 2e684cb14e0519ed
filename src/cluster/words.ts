// What members of a cluster say to each other, as JSON. A member ignores what it does not know, since others may be of another version, and what has
// not the form of a message: an exception would end the process of who is sent it, or its reading from NATS.
import type { TraceParent } from '../access/index.js';
import type { Answer } from '../protocol/answer.js';
import { isDict, isText } from '../protocol/event-data.js';
import { isInt64 } from '../protocol/int64.js';
import { isJobStatus } from '../protocol/rules.js';
import type { Progress } from '../protocol/types.js';

/** A command for the owner of a source. */
export interface CommandRequest {
  v: 1;
  /** The same where the edge repeats it: it is executed once. */
  id: string;
  method: string;
  params: unknown;
  /** Who calls, as `requestedBy` names it. */
  by: string;
  /** Milliseconds that are left to the answer. */
  leftMs: number;
  /** The JWT by which the edge knows who calls, where it knows it by one. */
  token?: string;
  address?: string;
  trace?: TraceParent;
}

export interface CommandReplied {
  v: 1;
  answer: Answer<object>;
  /** The newest entry of the source that the answer may rest on. */
  cursor: string;
}

/** The source has another owner by now, or will have one: the call is to be made there. */
export interface CommandMoved {
  v: 1;
  moved: true;
}

/** Measures of a source's jobs are wanted. */
export interface MeasureRequest {
  v: 1;
  method: 'measure';
  maxAgeMs: number;
  waitMs: number;
}

/** An edge wants progress: milliseconds between two measures, by source. It ends where it is not said again. */
export interface DemandMessage {
  v: 1;
  member: string;
  everyMs: Readonly<Record<string, number>>;
}

/** New measures of jobs, which an owner publishes for all edges. */
export interface ProgressMessage {
  v: 1;
  rows: readonly Progress[];
}

/** The caller of that command has gone. */
export interface GoneMessage {
  v: 1;
  id: string;
}

/** Which sources an owner has: for edges. */
export interface HoldMessage {
  v: 1;
  member: string;
  /** Of its process. */
  instance: string;
  owned: readonly string[];
}

/** Between the members that contend for one source. `released`: it has just been given up, so that a standby need not wait for the lock to end. */
export interface PeerMessage {
  v: 1;
  member: string;
  is: 'standby' | 'released';
}

const areTexts = (...values: readonly unknown[]): boolean => values.every(isText);
const areNumbers = (...values: readonly unknown[]): boolean => values.every((each) => typeof each === 'number');

/** A message of this version with its members, which are not checked yet. */
function membersOf(body: unknown): Readonly<Record<string, unknown>> | undefined {
  return isDict(body) && body.v === 1 ? body : undefined;
}

export function isCommandRequest(body: unknown): body is CommandRequest {
  const { id, method, by, leftMs, token = '' } = membersOf(body) ?? {};
  return areTexts(id, method, by, token) && areNumbers(leftMs);
}

export function isMeasureRequest(body: unknown): body is MeasureRequest {
  const { method, maxAgeMs, waitMs } = membersOf(body) ?? {};
  return method === 'measure' && areNumbers(maxAgeMs, waitMs);
}

export function isReplied(body: unknown): body is CommandReplied {
  const { answer, cursor } = membersOf(body) ?? {};
  if (!isDict(answer) || typeof answer.ok !== 'boolean') return false;
  return isDict(answer.ok ? answer.result : answer.error) && areTexts(cursor);
}

export const isMoved = (body: unknown): body is CommandMoved => membersOf(body)?.moved === true;

export function isDemand(body: unknown): body is DemandMessage {
  const { member, everyMs } = membersOf(body) ?? {};
  return areTexts(member) && isDict(everyMs) && areNumbers(...Object.values(everyMs));
}

/** @param source of which the message has to be. */
export function isProgress(body: unknown, source: string): body is ProgressMessage {
  const { rows } = membersOf(body) ?? {};
  return Array.isArray(rows) && rows.every((row) => isDict(row) && row.source === source && isRow(row));
}

const isRow = ({ job, run, status, len, offset, speed }: Readonly<Record<string, unknown>>): boolean =>
  areTexts(job, run) && isJobStatus(status) && [len, offset, speed].every(isInt64);

export const isGone = (body: unknown): body is GoneMessage => areTexts(membersOf(body)?.id);

export function isHold(body: unknown): body is HoldMessage {
  const { member, instance, owned } = membersOf(body) ?? {};
  return areTexts(member, instance) && Array.isArray(owned) && areTexts(...owned);
}

export function isPeer(body: unknown): body is PeerMessage {
  const { member, is } = membersOf(body) ?? {};
  return areTexts(member) && (is === 'standby' || is === 'released');
}
