// Reads the stream with a client of its own, message by message, into what the checker needs.
import { DeliverPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import type { JobRef } from '../../src/protocol/index.js';
import { digestOf, tokenOf } from './digest.js';
import type { StreamEntry, StreamMessage, StreamRecord } from './record.js';

/** The offset of an entry is the place of its message times this, and its index in the message. */
export const PER_MESSAGE = 4_096;
const BATCH = 500;
/** Deliveries that end too early, one after the other, beyond which the stream counts as unreadable. */
const TRIES = 20;
const soon = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

interface Body {
  owner: string;
  part?: number;
  of?: number;
  entries?: {
    type: string;
    /** Microseconds since 1970. */
    time: number | null;
    job?: JobRef;
    repeated?: number;
    internal?: boolean;
    data: unknown;
  }[];
}

interface Delivered {
  seq: number;
  subject: string;
  time: Date;
  headers?: MsgHdrs | undefined;
  string(): string;
}

/** Grows with each `read`. */
export class StreamReader {
  readonly #client: NatsConnection;
  readonly #name: string;
  #record: StreamRecord | undefined;
  #next = 1;
  /** Places that were passed over. */
  #holes: number[] = [];
  /** Of streams that were deleted. */
  readonly finished: StreamRecord[] = [];

  constructor(client: NatsConnection, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Everything up to the newest message of now. @param epoch what clients call this life of the stream. */
  async read(epoch: string): Promise<StreamRecord> {
    if (this.#record && this.#record.epoch !== epoch) throw new Error(`the epoch became ${epoch}`);
    const manager = await jetstreamManager(this.#client, { timeout: 5_000 });
    const { state } = await manager.streams.info(this.#name);
    this.#record ??= { epoch, firstOffset: 0, messages: [] };
    if (state.first_seq > this.#next) {
      this.#record.firstOffset = state.first_seq * PER_MESSAGE;
      this.#next = state.first_seq;
    }
    for (let tries = 0; this.#next <= state.last_seq; ) {
      const before = this.#next;
      await this.#batch(manager, state.last_seq).catch(() => undefined);
      tries = this.#next > before ? 0 : tries + 1;
      if (tries > TRIES) throw new Error(`the stream can't be read after ${before}, and its last is ${state.last_seq}`);
      if (tries > 0) await soon(500);
    }
    await this.#fill(manager);
    return this.#record;
  }

  /** The next `read` begins another record: the stream was deleted, with what was written since the last one. */
  finish(): void {
    if (this.#record) this.finished.push({ ...this.#record, lastOffset: this.#next * PER_MESSAGE - 1 });
    this.#record = undefined;
    this.#next = 1;
    this.#holes = [];
  }

  async #batch(manager: JetStreamManager, last: number): Promise<void> {
    const { name } = await manager.consumers.add(this.#name, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#next,
      ack_policy: 'none',
      inactive_threshold: 30_000_000_000,
      mem_storage: true,
      num_replicas: 1,
    });
    try {
      const consumer = await jetstream(this.#client).consumers.get(this.#name, name);
      while (this.#next <= last) {
        let isEmpty = true;
        const messages = await consumer.fetch({ max_messages: BATCH, expires: 2_000 });
        for await (const message of messages) {
          isEmpty = false;
          // Messages that have left the retention meanwhile are holes.
          if (message.seq >= this.#next) this.#take(message);
          if (message.seq >= last) return;
        }
        if (isEmpty) return;
      }
    } finally {
      await manager.consumers.delete(this.#name, name).catch(() => undefined);
    }
  }

  /** A delivery may leave messages out where a leader was killed; others have left the retention. */
  async #fill(manager: JetStreamManager): Promise<void> {
    const holes = this.#holes.splice(0);
    const before = this.#next;
    for (const seq of holes) {
      const stored = await manager.streams.getMessage(this.#name, { seq }).catch(() => null);
      if (!stored) continue;
      const { subject, time, header } = stored;
      this.#take({ seq, subject, time, headers: header, string: () => stored.string() });
    }
    this.#next = before;
    if (holes.length > 0) this.#record?.messages.sort((a, b) => a.seq - b.seq);
  }

  #take(message: Delivered): void {
    for (; this.#next < message.seq; this.#next += 1) this.#holes.push(this.#next);
    this.#next = message.seq + 1;
    const read = messageOf(
      this.#record?.epoch ?? '',
      message.seq,
      message.subject,
      message.time.getTime(),
      message.string(),
    );
    const after = message.headers?.get('Nats-Expected-Last-Subject-Sequence');
    if (read) this.#record?.messages.push({ ...read, after: after ? Number(after) : undefined });
  }
}

/** @returns `undefined`: not a message of an owner. */
export function messageOf(
  epoch: string,
  seq: number,
  subject: string,
  at: number,
  text: string,
): StreamMessage | undefined {
  const [, kind, source] = subject.split('.');
  if (kind !== 'ev' || source === undefined) return undefined;
  const { owner, part, of, entries = [] } = JSON.parse(text) as Body;
  const toEntry = (entry: (typeof entries)[number], index: number): StreamEntry => {
    const { type, job, repeated, internal = false } = entry;
    const data = placed(entry, owner, epoch, seq);
    const offset = seq * PER_MESSAGE + index;
    const time = isoOf(entry.time);
    const wire = { offset, source, type, time, ...(job && { job }), ...(repeated !== undefined && { repeated }), data };
    return {
      ...{ offset, type, job, internal, digest: digestOf(wire), token: tokenOf(type, time, data) },
      ...(type.startsWith('GATEWAY_') || type === 'JOB_STATUS_CHANGE' ? { data } : {}),
    };
  };
  return {
    ...{ seq, at, source, owner, entries: entries.map(toEntry) },
    ...(part !== undefined && of !== undefined && { part: { n: part, of } }),
  };
}

/**
 * As clients see it: a settlement whose run began in the same message has the index of that entry, which is a cursor there; and who owns a source is said
 * of the message, once for all of its entries.
 */
function placed({ type, data }: { type: string; data: unknown }, owner: string, epoch: string, seq: number): unknown {
  if (type === 'GATEWAY_SOURCE_UP' || type === 'GATEWAY_SOURCE_DOWN') return { ...(data as object), owner };
  const index = /^@(\d+)$/.exec(String((data as { began?: unknown } | null)?.began))?.[1];
  return index === undefined ? data : { ...(data as object), began: `${epoch}:${seq * PER_MESSAGE + Number(index)}` };
}

/** Microseconds as the wire writes them. */
export function isoOf(micros: number | null): string | null {
  if (micros === null) return null;
  const seconds = Math.floor(micros / 1e6);
  const rest = String(micros - seconds * 1e6).padStart(6, '0');
  return `${new Date(seconds * 1_000).toISOString().slice(0, 20)}${rest}Z`;
}
