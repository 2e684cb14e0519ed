// What members of a cluster say to each other, as JSON. A member ignores what it does not know, since others may be of another version.
import type { TraceParent } from '../access/index.js';
import type { Answer } from '../protocol/answer.js';

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

export const isMessage = <Message extends { v: 1 }>(body: unknown): body is Message =>
  typeof body === 'object' && body !== null && (body as { v?: unknown }).v === 1;
